//! NTFS volumes by path; what we write is read back by ntfs-3g's tools.

use std::path::{Path, PathBuf};

use winkiln_ntfs::security::{Domains, from_sddl};
use winkiln_volume::{Filesystem, Link, LinkKind, VolumeError, identify};

use crate::environment::{corpus, device, have, must, open, run, writable};

fn make(folder: &Path) -> Option<PathBuf> {
    if !have(&["mkntfs", "ntfscat", "ntfsfix"]) {
        return None;
    }
    let image = folder.join("ntfs.img");
    std::fs::write(&image, vec![0; 24 << 20]).unwrap();
    must("mkntfs", &["-Q", "-q", "-F", "-L", "System", "-s", "512", image.to_str().unwrap()]);
    Some(image)
}

#[test]
fn files_and_streams_are_written_by_path() {
    let folder = tempfile::tempdir().unwrap();
    let Some(image) = make(folder.path()) else { return };
    let device = device(&image);
    let identity = identify(&(device.clone() as _)).unwrap();
    assert_eq!((identity.filesystem, identity.label.as_str()), (Filesystem::Ntfs, "System"));
    assert!(identity.clean, "{:?}", identity.reasons);
    assert!(identity.free_bytes.unwrap() > 10 << 20);

    let mut volume = writable(&device);
    let big: Vec<u8> = (0..3_000_000_u32).map(|at| (at / 3) as u8).collect();
    volume.create_directory(r"C:\Windows").unwrap();
    volume.create_directory("/windows/System32").unwrap();
    volume.write(r"C:\Windows\System32\small.txt", b"small").unwrap();
    volume.write_from(r"Windows\System32\big.bin", &mut big.as_slice(), big.len() as u64).unwrap();
    volume.write(r"Windows\System32\small.txt:note", b"a stream").unwrap();
    volume.write("boot.ini", b"[boot loader]").unwrap();
    volume.set_attributes("boot.ini", 0x27).unwrap();
    volume.write("BOOT.INI", b"[boot loader]\r\ntimeout=30\r\n").unwrap();
    volume.write_at(r"Windows\System32\small.txt", 5, b"er").unwrap();
    volume.write("gone", b"").unwrap();
    volume.remove("gone").unwrap();
    volume.set_size(r"Windows\System32\big.bin", 1_000_000).unwrap();
    volume.flush().unwrap();

    let facts = volume.metadata("boot.ini").unwrap().unwrap();
    assert_eq!((facts.attributes & 0x27, facts.size), (0x27, 27));
    assert!(facts.file_reference.is_some() && facts.security.is_some());
    let facts = volume.metadata(r"windows\system32\SMALL.TXT:note").unwrap().unwrap();
    assert_eq!((facts.size, facts.streams.len()), (8, 2));
    assert_eq!(volume.metadata(r"windows\system32\small.txt:none").unwrap(), None);
    assert_eq!(volume.read(r"windows\system32\small.txt:note", 99).unwrap(), b"a stream");

    std::fs::write(&image, device.to_vec()).unwrap();
    let name = image.to_str().unwrap();
    let (sound, stdout, stderr) = run("ntfsfix", &["-n", name]);
    assert!(sound, "{}{stderr}", String::from_utf8_lossy(&stdout));
    assert_eq!(must("ntfscat", &[name, "/Windows/System32/small.txt"]), b"smaller");
    assert_eq!(must("ntfscat", &["-n", "note", name, "/Windows/System32/small.txt"]), b"a stream");
    assert_eq!(must("ntfscat", &[name, "/Windows/System32/big.bin"]), big[..1_000_000]);
    assert_eq!(must("ntfscat", &[name, "/boot.ini"]), b"[boot loader]\r\ntimeout=30\r\n");
}

#[test]
fn answers_are_typed() {
    let folder = tempfile::tempdir().unwrap();
    let Some(image) = make(folder.path()) else { return };
    let device = device(&image);
    let mut volume = writable(&device);
    volume.create_directory("folder").unwrap();
    volume.write("folder/file", b"12345").unwrap();
    assert_eq!(volume.metadata("nothing").unwrap(), None);
    assert_eq!(volume.metadata("folder/file/below").unwrap(), None);
    assert!(volume.metadata("").unwrap().unwrap().is_directory);
    assert!(volume.read("nothing", 9).unwrap_err().is_not_found());
    assert!(volume.write("nowhere/file", b"").unwrap_err().is_not_found());
    assert!(volume.remove("nothing").unwrap_err().is_not_found());
    assert!(volume.read_directory("nothing").unwrap_err().is_not_found());
    assert!(volume.read("folder/file:nothing", 9).unwrap_err().is_not_found());
    assert!(matches!(volume.read_directory("folder/file"), Err(VolumeError::NotADirectory { .. })));
    assert!(matches!(volume.read("folder", 9), Err(VolumeError::IsADirectory { .. })));
    assert!(matches!(volume.write("FOLDER", b""), Err(VolumeError::IsADirectory { .. })));
    assert!(matches!(volume.create_directory("Folder"), Err(VolumeError::AlreadyExists { .. })));
    assert!(matches!(volume.remove("folder"), Err(VolumeError::DirectoryNotEmpty { .. })));
    assert!(matches!(volume.remove("/"), Err(VolumeError::BadPath { .. })));
    assert!(matches!(
        volume.read("folder/file", 4),
        Err(VolumeError::TooLarge { size: 5, limit: 4, .. })
    ));
    volume.write("folder/file:s", b"s").unwrap();
    volume.remove("folder/file:s").unwrap();
    assert!(volume.remove("folder/file:s").unwrap_err().is_not_found());
    let closed = open(&device, false).unwrap().write("x", b"").unwrap_err();
    assert!(matches!(closed, VolumeError::Ntfs(_)) && !closed.is_refusal());
}

#[test]
fn files_and_folders_are_renamed_by_path() {
    let folder = tempfile::tempdir().unwrap();
    let Some(image) = make(folder.path()) else { return };
    let device = device(&image);
    let mut volume = writable(&device);
    volume.create_directory(r"Windows").unwrap();
    volume.create_directory(r"Windows\Temp").unwrap();
    volume.write(r"Windows\Temp\new.sys", b"new").unwrap();
    volume.write(r"Windows\old.sys", b"old").unwrap();
    let taken = volume.rename(r"Windows\Temp\new.sys", r"C:\windows\OLD.SYS", false);
    assert!(matches!(taken, Err(VolumeError::AlreadyExists { path }) if path.contains("OLD.SYS")));
    volume.rename(r"Windows\Temp\new.sys", r"C:\windows\OLD.SYS", true).unwrap();
    assert_eq!(volume.metadata(r"Windows\Temp\new.sys").unwrap(), None);
    volume.rename(r"\Windows\OLD.SYS", "/Windows/Old.sys", false).unwrap();
    let below = volume.rename("Windows", r"Windows\Temp\x", true);
    assert!(matches!(below, Err(VolumeError::BadPath { .. })), "{below:?}");
    let over = volume.rename(r"Windows\Old.sys", r"Windows\Temp", true);
    assert!(matches!(over, Err(VolumeError::IsADirectory { .. })), "{over:?}");
    for (from, to) in [("nothing", "x"), (r"Windows\Old.sys", r"nowhere\x")] {
        assert!(volume.rename(from, to, true).unwrap_err().is_not_found(), "{from} to {to}");
    }
    for (from, to) in [("", "x"), ("Windows", "/"), (r"Windows\Old.sys", r"x:y"), ("..", "x")] {
        let refused = volume.rename(from, to, true);
        assert!(matches!(refused, Err(VolumeError::BadPath { .. })), "{from} to {to}");
    }
    volume.rename("Windows", "WINNT", false).unwrap();
    volume.flush().unwrap();
    std::fs::write(&image, device.to_vec()).unwrap();
    let name = image.to_str().unwrap();
    assert_eq!(must("ntfscat", &[name, "/WINNT/Old.sys"]), b"new");
    let (sound, stdout, stderr) = run("ntfsfix", &["-n", name]);
    assert!(sound, "{}{stderr}", String::from_utf8_lossy(&stdout));
}

/// Files that Windows compressed take new contents: the compressed form is given up, nothing else of the file is.
#[test]
fn compressed_files_of_a_real_volume_take_new_contents() {
    let Some(folder) = corpus("ntfs") else { return };
    if !have(&["xz", "ntfscat"]) {
        return;
    }
    let bytes =
        must("xz", &["-dc", folder.join("win10-largedir-compressed.vol.raw.xz").to_str().unwrap()]);
    let device = std::sync::Arc::new(winkiln_disk::MemoryDevice::new(bytes));
    let mut volume = match open(&device, true) {
        Ok(volume) => volume,
        Err(error) => panic!("{error:?}"),
    };
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in volume.read_directory(&folder).unwrap() {
            let path = format!("{folder}\\{}", entry.name);
            if entry.is_directory && !entry.name.starts_with('$') {
                folders.push(path);
            } else if entry.attributes & 0x800 != 0 && entry.size > 5000 {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty());
    let contents: Vec<u8> = (0..70_001_u32).map(|at| (at % 251) as u8).collect();
    let path = &found[0];
    let before = volume.metadata(path).unwrap().unwrap();
    volume.write(path, &contents).unwrap();
    volume.flush().unwrap();
    let after = volume.metadata(path).unwrap().unwrap();
    assert_eq!(volume.read(path, 1 << 20).unwrap(), contents);
    assert_eq!(
        (after.security, after.created, after.file_reference),
        (before.security, before.created, before.file_reference)
    );
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("volume");
    std::fs::write(&image, device.to_vec()).unwrap();
    let read_back = must("ntfscat", &[image.to_str().unwrap(), &path.replace('\\', "/")]);
    assert_eq!(read_back, contents);
}

#[test]
fn links_and_security_by_path() {
    let folder = tempfile::tempdir().unwrap();
    let Some(image) = make(folder.path()) else { return };
    let device = device(&image);
    let mut volume = writable(&device);
    volume.create_directory("there").unwrap();
    volume.write("there/a", b"a").unwrap();
    volume.hard_link(r"\there\a", "hard").unwrap();
    volume.create_link("soft", "there/a", LinkKind::Symbolic, false).unwrap();
    volume.create_link("junction", r"C:\there", LinkKind::Junction, true).unwrap();
    let soft = volume.metadata("soft").unwrap().unwrap();
    let link = Link { kind: LinkKind::Symbolic, target: r"there\a".into() };
    assert_eq!(
        (soft.link, soft.is_directory, soft.reparse_tag),
        (Some(link), false, Some(0xa000_000c))
    );
    let junction = volume.metadata("junction").unwrap().unwrap();
    assert_eq!((junction.link.unwrap().kind, junction.is_directory), (LinkKind::Junction, true));
    assert_eq!(volume.metadata("hard").unwrap().unwrap().links, 2);
    assert_eq!(volume.resolve(r"junction\A:s", &['C']).unwrap(), r"\there\a:s");
    assert_eq!(volume.resolve("soft", &[]).unwrap(), r"\there\a");
    assert_eq!(volume.resolve(r"none\x", &[]).unwrap(), r"\none\x");
    let refused = volume.resolve("junction", &['D']).unwrap_err();
    assert!(
        matches!(refused, VolumeError::LeavesVolume { .. }) && !refused.is_refusal(),
        "{refused}"
    );
    for refused in [
        volume.write("junction/x", b"").unwrap_err(),
        volume.create_directory("junction/x").unwrap_err(),
        volume.rename("there/a", "junction/a", true).unwrap_err(),
        volume.hard_link("there/a", "junction/a").unwrap_err(),
    ] {
        assert!(matches!(refused, VolumeError::ReparsePoint { .. }), "{refused}");
    }
    let refused = volume.create_link("x", "there", LinkKind::Junction, true).unwrap_err();
    assert!(matches!(refused, VolumeError::BadPath { .. }), "{refused}");
    let refused = volume.hard_link("there", "x").unwrap_err();
    assert!(matches!(refused, VolumeError::IsADirectory { .. }), "{refused}");
    for missing in [
        volume.create_directory(r"\none\deep\er").unwrap_err(),
        volume.write(r"none\deep\er", b"").unwrap_err(),
        volume.create_link("none/x", "y", LinkKind::Symbolic, false).unwrap_err(),
    ] {
        assert_eq!(missing.to_string(), r"no such file or folder: \none");
    }
    let missing = volume.create_directory(r"there\none\deep").unwrap_err();
    assert_eq!(missing.to_string(), r"no such file or folder: \there\none");

    let text = "O:BAG:SYD:P(A;OICI;FA;;;BA)";
    let descriptor = from_sddl(text, Domains::default()).unwrap();
    volume.set_security("there/a", &descriptor).unwrap();
    assert_eq!(volume.metadata("hard").unwrap().unwrap().security.unwrap(), descriptor);
    assert!(volume.allows_short_names().unwrap());
    volume.set_short_names(true);
    volume.write("a long name", b"").unwrap();
    let entries = volume.read_directory("").unwrap();
    let short = entries.iter().find(|entry| entry.name == "a long name").unwrap();
    assert_eq!(short.short_name.as_deref(), Some("ALONGN~1"));
    volume.flush().unwrap();
    std::fs::write(&image, device.to_vec()).unwrap();
    let (sound, stdout, stderr) = run("ntfsfix", &["-n", image.to_str().unwrap()]);
    assert!(sound, "{}{stderr}", String::from_utf8_lossy(&stdout));
}
