//! FAT12, FAT16 and FAT32 volumes made by `mkfs.fat` and filled by mtools; what we write is judged by `fsck.fat` and mtools.

use std::path::{Path, PathBuf};

use winkiln_volume::{FatError, Filesystem, VolumeError, identify};

use crate::environment::{NOW, device, have, must, open, run, writable};

const TOOLS: [&str; 6] = ["mkfs.fat", "fsck.fat", "mcopy", "mmd", "mattrib", "mtype"];

/// Width, image KiB, and more arguments of `mkfs.fat`.
pub(crate) const KINDS: [(&str, u32, &[&str], Filesystem); 5] = [
    ("12", 2880, &[], Filesystem::Fat12),
    ("16", 20_480, &[], Filesystem::Fat16),
    ("32", 40_960, &["-s", "1"], Filesystem::Fat32),
    ("32", 307_200, &["-S", "4096"], Filesystem::Fat32),
    ("16", 20_480, &["-f", "1", "-r", "32"], Filesystem::Fat16),
];

/// Makes an image; `None` when the tools are missing.
pub(crate) fn make(folder: &Path, kind: usize) -> Option<PathBuf> {
    if !have(&TOOLS) {
        return None;
    }
    let (width, size, more, _) = KINDS[kind];
    let image = folder.join(format!("fat{kind}.img"));
    let (name, size) = (image.to_str().unwrap(), size.to_string());
    let _ = std::fs::remove_file(&image);
    let mut arguments = vec!["-F", width, "-n", "ESP", "-i", "1234abcd"];
    arguments.extend(more);
    arguments.extend(["-C", name, &size]);
    must("mkfs.fat", &arguments);
    Some(image)
}

/// Writes a device's bytes out and has `fsck.fat` look at them.
pub(crate) fn judge(image: &Path, device: &winkiln_disk::MemoryDevice) {
    std::fs::write(image, device.to_vec()).unwrap();
    let (clean, stdout, stderr) = run("fsck.fat", &["-n", image.to_str().unwrap()]);
    assert!(clean, "{}{stderr}", String::from_utf8_lossy(&stdout));
}

#[test]
fn an_esp_is_read_and_edited_on_every_width() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, (.., filesystem)) in KINDS.iter().enumerate() {
        let Some(image) = make(folder.path(), kind) else { return };
        let name = image.to_str().unwrap();
        let store: Vec<u8> = (0..40_000_u32).map(|at| (at * 7) as u8).collect();
        let local = folder.path().join("local");
        std::fs::write(&local, &store).unwrap();
        for path in ["::EFI", "::EFI/Microsoft", "::EFI/Microsoft/Boot", "::empty"] {
            must("mmd", &["-i", name, path]);
        }
        must("mcopy", &["-i", name, local.to_str().unwrap(), "::EFI/Microsoft/Boot/BCD"]);
        must("mcopy", &["-i", name, local.to_str().unwrap(), "::EFI/Microsoft/Boot/bootmgfw.efi"]);
        must("mcopy", &["-i", name, local.to_str().unwrap(), "::A long file name \u{444}.txt"]);
        must("mattrib", &["-i", name, "+r", "+h", "+s", "::EFI/Microsoft/Boot/BCD"]);

        let device = device(&image);
        let identity = identify(&(device.clone() as _)).unwrap();
        assert_eq!(identity.filesystem, *filesystem);
        assert_eq!((identity.label.as_str(), identity.serial), ("ESP", 0x1234_ABCD));
        assert!(identity.clean && identity.reasons.is_empty(), "{:?}", identity.reasons);

        let mut volume = writable(&device);
        let path = r"C:\efi\MICROSOFT\boot\bcd";
        let before = volume.metadata(path).unwrap().unwrap();
        assert_eq!((before.name.as_str(), before.size), ("BCD", 40_000));
        assert_eq!(before.attributes & 0x27, 0x27);
        assert!(before.allocated >= before.size && before.modified > NOW / 100 * 99);
        assert_eq!(volume.read(path, 50_000).unwrap(), store);
        assert!(matches!(
            volume.read(path, 39_999),
            Err(VolumeError::TooLarge { size: 40_000, .. })
        ));
        let names: Vec<String> = volume
            .read_directory("/EFI/Microsoft/Boot")
            .unwrap()
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        assert_eq!(names, ["BCD", "bootmgfw.efi"]);
        let long = volume.metadata("A LONG FILE NAME \u{424}.TXT").unwrap().unwrap();
        assert_eq!(long.name, "A long file name \u{444}.txt");

        // In place, growing, shrinking, replacing: the attributes stay.
        let mut expected = store.clone();
        volume.write_at(path, 4094, b"changed").unwrap();
        expected[4094..4101].copy_from_slice(b"changed");
        volume.write_at(path, 45_000, b"past the end").unwrap();
        expected.resize(45_000, 0);
        expected.extend(b"past the end");
        assert_eq!(volume.read(path, 1 << 20).unwrap(), expected);
        volume.set_size("EFI/Microsoft/Boot/bootmgfw.efi", 5).unwrap();
        volume.set_size("EFI/Microsoft/Boot/bootmgfw.efi", 9000).unwrap();
        let mut cut = store[..5].to_vec();
        cut.resize(9000, 0);
        assert_eq!(volume.read("EFI/Microsoft/Boot/bootmgfw.efi", 9000).unwrap(), cut);

        volume.create_directory(r"\EFI\Boot").unwrap();
        volume.write(r"\EFI\Boot\bootx64.efi", &store[..700]).unwrap();
        volume.write(r"\EFI\Boot\grown folder with a long name.bin", b"").unwrap();
        volume.create_directory(r"\EFI\Boot\Nested Folder").unwrap();
        volume.write(r"\EFI\Boot\Nested Folder\x", b"x").unwrap();
        volume.remove("A long file name \u{444}.txt").unwrap();
        volume.remove("empty").unwrap();
        volume.set_attributes(r"\EFI\Boot\bootx64.efi", 0x22).unwrap();
        volume.flush().unwrap();
        judge(&image, &device);

        assert_eq!(must("mtype", &["-i", name, "::EFI/Microsoft/Boot/BCD"]), expected);
        assert_eq!(must("mtype", &["-i", name, "::EFI/BOOT/BOOTX64.EFI"]), store[..700]);
        assert_eq!(must("mtype", &["-i", name, "::EFI/Boot/Nested Folder/x"]), b"x");
        let attributes =
            |path: &str| String::from_utf8(must("mattrib", &["-i", name, path])).unwrap();
        let shown = attributes("::EFI/Microsoft/Boot/BCD");
        assert!(shown.starts_with("  A  SHR") || shown.contains("SHR"), "{shown}");
        let shown = attributes("::EFI/Boot/bootx64.efi");
        assert!(shown.contains('H') && !shown.contains('S'), "{shown}");
        let (found, ..) = run("mtype", &["-i", name, "::A long file name \u{444}.txt"]);
        assert!(!found);
        let stamped = writable(&device).metadata(path).unwrap().unwrap();
        assert_eq!((stamped.modified, stamped.created), (NOW, before.created));
    }
}

#[test]
fn answers_are_typed() {
    let folder = tempfile::tempdir().unwrap();
    let Some(image) = make(folder.path(), 0) else { return };
    let device = device(&image);
    let before = device.to_vec();
    {
        let mut volume = open(&device, false).unwrap();
        assert!(matches!(volume.write("x", b"y"), Err(VolumeError::Fat(FatError::ReadOnly))));
        assert!(matches!(volume.create_directory("x"), Err(VolumeError::Fat(FatError::ReadOnly))));
    }
    assert_eq!(device.to_vec(), before);
    let mut volume = writable(&device);
    volume.create_directory("folder").unwrap();
    volume.write("folder/file", b"12345").unwrap();
    let renamed = volume.rename("folder/file", "other", true);
    assert!(matches!(renamed, Err(VolumeError::NoRenameOnFat { .. })), "{renamed:?}");
    assert_eq!(volume.metadata("nothing").unwrap(), None);
    assert_eq!(volume.metadata("folder/file/below").unwrap(), None);
    assert!(volume.metadata("").unwrap().unwrap().is_directory);
    assert!(volume.read("nothing", 9).unwrap_err().is_not_found());
    assert!(volume.write("nowhere/file", b"").unwrap_err().is_not_found());
    assert!(volume.remove("nothing").unwrap_err().is_not_found());
    assert!(volume.read_directory("nothing").unwrap_err().is_not_found());
    assert!(matches!(volume.read_directory("folder/file"), Err(VolumeError::NotADirectory { .. })));
    assert!(matches!(volume.read("folder", 9), Err(VolumeError::IsADirectory { .. })));
    assert!(matches!(volume.write("FOLDER", b""), Err(VolumeError::IsADirectory { .. })));
    assert!(matches!(volume.set_size("folder", 1), Err(VolumeError::IsADirectory { .. })));
    assert!(matches!(volume.create_directory("Folder"), Err(VolumeError::AlreadyExists { .. })));
    assert!(matches!(
        volume.create_directory("folder/FILE"),
        Err(VolumeError::AlreadyExists { .. })
    ));
    assert!(matches!(volume.remove("folder"), Err(VolumeError::DirectoryNotEmpty { .. })));
    assert!(matches!(volume.remove("/"), Err(VolumeError::BadPath { .. })));
    assert!(matches!(volume.write("folder/file:s", b""), Err(VolumeError::NoStreamsOnFat { .. })));
    assert!(matches!(volume.read("folder/../x", 1), Err(VolumeError::BadPath { .. })));
    assert!(matches!(
        volume.write("con", b""),
        Err(VolumeError::Fat(FatError::NameNotAllowed { .. }))
    ));
    assert!(matches!(
        volume.set_size("folder/file", 1 << 32),
        Err(VolumeError::Fat(FatError::TooLarge { .. }))
    ));
    let error = volume.write_from("big", &mut std::io::repeat(1), 3_000_000).unwrap_err();
    assert!(matches!(error, VolumeError::Fat(FatError::VolumeFull { .. })), "{error:?}");
    assert!(!error.is_refusal());
    let short = volume.write_from("short", &mut &b"abc"[..], 4).unwrap_err();
    assert!(matches!(short, VolumeError::Source { .. }));
    let mut two = [0; 2];
    assert_eq!(volume.read_at("folder/file", 4, &mut two).unwrap(), 1);
    assert_eq!(volume.read_at("folder/file", 5, &mut two).unwrap(), 0);
    assert_eq!(volume.read_at("folder/file", u64::MAX, &mut two).unwrap(), 0);
}

/// A volume is filled to the last cluster and the last entry of its root folder, and stays sound.
#[test]
fn a_full_volume_stays_sound() {
    let folder = tempfile::tempdir().unwrap();
    for kind in [0, 4] {
        let Some(image) = make(folder.path(), kind) else { return };
        let device = device(&image);
        let mut volume = writable(&device);
        let mut files = 0;
        let error = loop {
            match volume.write(&format!("file number {files}"), b"x") {
                Ok(()) => files += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, VolumeError::Fat(FatError::FolderFull { .. })), "{error:?}");
        assert!(files >= 10, "{files}");
        volume.flush().unwrap();
        judge(&image, &device);
        let free = identify(&(device.clone() as _)).unwrap().free_bytes.unwrap();
        let mut volume = writable(&device);
        volume.write_from("file number 0", &mut std::io::repeat(7), free).unwrap();
        assert!(volume.write_at("file number 1", 0, &[0; 64 << 10]).is_err());
        volume.flush().unwrap();
        judge(&image, &device);
        assert_eq!(volume.metadata("file number 0").unwrap().unwrap().size, free);
    }
}

#[test]
fn unclean_volumes_are_read_but_not_written() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, offset, mask) in
        [(0, 37, 1), (1, 37, 1), (2, 65, 1), (1, 4 * 512 + 3, 0), (2, 32 * 512 + 7, 0)]
    {
        let Some(image) = make(folder.path(), kind) else { return };
        let mut bytes = std::fs::read(&image).unwrap();
        let reserved = usize::from(u16::from_le_bytes([bytes[14], bytes[15]])) * 512;
        // The second entry of the table, where the clean flags are, or the boot sector's flag.
        let at = if mask == 0 { reserved + if kind == 1 { 3 } else { 7 } } else { offset };
        bytes[at] = if mask == 0 { bytes[at] & 0x37 } else { bytes[at] | mask };
        let device = std::sync::Arc::new(winkiln_disk::MemoryDevice::new(bytes));
        let identity = identify(&(device.clone() as _)).unwrap();
        assert_eq!(
            (identity.clean, identity.reasons),
            (false, vec!["dirty".to_owned()]),
            "{kind} {offset}"
        );
        assert!(open(&device, false).unwrap().read_directory("").unwrap().is_empty());
        let error = open(&device, true).unwrap_err();
        assert!(matches!(error, VolumeError::Fat(FatError::NotClean { .. })) && error.is_refusal());
    }
}

/// Damage ends in an error, never in a panic or an endless loop.
#[test]
fn damage_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let Some(image) = make(folder.path(), 0) else { return };
    let device = device(&image);
    let mut volume = writable(&device);
    volume.create_directory("folder").unwrap();
    for number in 0..40 {
        volume.write(&format!("folder/a file with a long name {number}"), &[number; 3000]).unwrap();
    }
    volume.flush().unwrap();
    let sound = device.to_vec();
    let mut random = crate::environment::Random(0x5EED_FA12);
    let mut refused = 0;
    for _ in 0..600 {
        let mut bytes = sound.clone();
        for _ in 0..1 + random.below(8) {
            // Boot sector, tables, root folder, and the first clusters.
            let reach = [64, 5000, 12 << 10, 48 << 10][random.below(4)];
            let at = random.below(reach);
            bytes[at] = random.next() as u8;
        }
        let device = std::sync::Arc::new(winkiln_disk::MemoryDevice::new(bytes));
        identify(&(device.clone() as _)).unwrap();
        let Ok(mut volume) = open(&device, true) else {
            refused += 1;
            continue;
        };
        for entry in volume.read_directory("folder").unwrap_or_default() {
            let path = format!("folder/{}", entry.name);
            let _ = volume.read(&path, 1 << 20);
            let _ = volume.write_at(&path, 2900, &[1; 2000]);
            let _ = volume.metadata(&path);
            let _ = volume.remove(&path);
        }
        let _ = volume.create_directory("folder/new");
        let _ = volume.flush();
    }
    assert!(refused > 0);
    // A folder whose chain leads to itself.
    let mut bytes = sound.clone();
    bytes[512 + 3] = 0x02;
    bytes[512 + 4] = 0xF0;
    let device = std::sync::Arc::new(winkiln_disk::MemoryDevice::new(bytes));
    let error = open(&device, false).unwrap().read_directory("folder").unwrap_err();
    assert!(matches!(error, VolumeError::Fat(FatError::Damaged { .. })) && error.is_refusal());
}
