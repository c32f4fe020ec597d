//! An XP on a FAT volume, and disks without a Windows.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use winkiln_disk::{Device, MemoryDevice};
use winkiln_guest::{Architecture, BootKind, Disk, GuestError, HiveName, Registry};
use winkiln_hive::{Hive, ValueType};

use crate::tools::{NOW, have, run};

fn text(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn hive(edit: impl FnOnce(&mut Hive)) -> Vec<u8> {
    let mut hive = Hive::create("ROOT", NOW);
    edit(&mut hive);
    hive.seal(NOW);
    hive.bytes().to_vec()
}

fn set(hive: &mut Hive, path: &str, name: &str, kind: ValueType, data: &[u8]) {
    let (key, _) = hive.create_key(hive.root(), path, NOW).unwrap();
    hive.set_value(key, name, kind, data, NOW).unwrap();
}

fn software() -> Vec<u8> {
    hive(|hive| {
        let path = r"Microsoft\Windows NT\CurrentVersion";
        for (name, value) in [
            ("ProductName", "Microsoft Windows XP"),
            ("CurrentVersion", "5.1"),
            ("CurrentBuildNumber", "2600"),
            ("CSDVersion", "Service Pack 3"),
        ] {
            set(hive, path, name, ValueType::Sz, &text(value));
        }
        let tools = r"Microsoft\Windows\CurrentVersion\Uninstall\{1}";
        set(hive, tools, "DisplayName", ValueType::Sz, &text("VMware Tools"));
        let other = r"Microsoft\Windows\CurrentVersion\Uninstall\{2}";
        set(hive, other, "DisplayName", ValueType::Sz, &text("An editor"));
    })
}

fn system() -> Vec<u8> {
    hive(|hive| {
        set(hive, "Select", "Current", ValueType::Dword, &2_u32.to_le_bytes());
        let service = |name: &str| format!(r"ControlSet002\Services\{name}");
        let group = |hive: &mut Hive, name: &str, group: &str, start: u32, image: &str| {
            set(hive, &service(name), "Group", ValueType::Sz, &text(group));
            set(hive, &service(name), "Start", ValueType::Dword, &start.to_le_bytes());
            set(hive, &service(name), "Type", ValueType::Dword, &1_u32.to_le_bytes());
            set(hive, &service(name), "ImagePath", ValueType::ExpandSz, &text(image));
        };
        group(hive, "viostor", "SCSI Miniport", 0, r"system32\DRIVERS\viostor.sys");
        group(hive, "xenpci", "Boot Bus Extender", 0, r"\SystemRoot\System32\drivers\xenpci.sys");
        group(hive, "mouclass", "Pointer Class", 1, r"System32\drivers\mouclass.sys");
        group(hive, "ndisx", "ndis", 3, r"\??\C:\drivers\ndisx.sys");
        set(hive, r"ControlSet002\Services\VMTools", "Start", ValueType::Dword, &[2, 0, 0, 0]);
    })
}

fn fat_volume(files: &[(&str, &[u8])]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("volume.raw");
    fs::File::create(&image).unwrap().set_len(64 << 20).unwrap();
    run(Command::new("mkfs.fat").args(["-F", "32"]).arg(&image));
    let mut made = BTreeSet::new();
    for (name, contents) in files {
        let mut path = String::new();
        for part in Path::new(name).parent().unwrap() {
            path = format!("{path}/{}", part.to_str().unwrap());
            if made.insert(path.clone()) {
                run(Command::new("mmd").arg("-i").arg(&image).arg(format!("::{path}")));
            }
        }
        let source = folder.path().join("source");
        fs::write(&source, contents).unwrap();
        run(Command::new("mcopy").arg("-i").arg(&image).arg(source).arg(format!("::/{name}")));
    }
    fs::read(&image).unwrap()
}

fn disk(bytes: Vec<u8>) -> Disk {
    let device: Arc<dyn Device> = Arc::new(MemoryDevice::new(bytes));
    Disk::open(device, true, NOW).unwrap()
}

#[test]
fn an_xp_on_fat_is_described_and_edited() {
    if !have(&["mkfs.fat", "mmd", "mcopy"]) {
        return;
    }
    let ini = "[boot loader]\r\n[operating systems]\r\n\
               multi(0)disk(0)rdisk(0)partition(1)\\WINNT=\"XP on FAT\" /fastdetect\r\n";
    let mut kernel = vec![0; 256];
    kernel[0x3C] = 0x80;
    kernel[0x80..0x86].copy_from_slice(b"PE\0\0\x4C\x01");
    let mut disk = disk(fat_volume(&[
        ("boot.ini", ini.as_bytes()),
        ("WINNT/System32/config/SYSTEM", &system()),
        ("WINNT/System32/config/SOFTWARE", &software()),
        ("WINNT/System32/ntdll.dll", &kernel),
        ("WINNT/System32/drivers/viostor.sys", b"x"),
        ("drivers/ndisx.sys", b"x"),
        ("Other/System32/config/SYSTEM", &system()),
    ]));
    let found = disk.find_windows().unwrap();
    assert_eq!(found.len(), 1, "{found:#?}");
    let windows = &found[0];
    assert_eq!(windows.system_root, r"\WINNT");
    assert_eq!((windows.version, windows.build), ((5, 1), 2600));
    assert_eq!(windows.service_pack, "Service Pack 3");
    assert_eq!(windows.architecture, Architecture::X86);
    assert_eq!(windows.control_set, 2);
    assert_eq!(windows.boot.kind, BootKind::BootIni);
    assert_eq!(windows.boot.entries, [("XP on FAT".into(), true)]);
    let mut drivers: Vec<_> = windows
        .drivers
        .iter()
        .map(|driver| (driver.name.as_str(), driver.start, driver.present))
        .collect();
    drivers.sort_unstable();
    let expected =
        [("ndisx", Some(3), true), ("viostor", Some(0), true), ("xenpci", Some(0), false)];
    assert_eq!(drivers, expected);
    assert_eq!(windows.guest_tools, ["virtio drivers", "VMware Tools", "GPLPV drivers"]);
    assert_eq!(windows.warnings, Vec::<String>::new());

    let mut registry = Registry::new(windows);
    let place = registry.locate(&mut disk, r"HKLM\SYSTEM\currentcontrolset\Services").unwrap();
    assert_eq!(place.path, r"ControlSet002\Services");
    let hive = registry.hive_mut(&mut disk, &HiveName::System).unwrap();
    set(hive, "Grown", "Data", ValueType::Binary, &vec![7; 200_000]);
    registry.save(&mut disk, NOW).unwrap();
    disk.flush().unwrap();
    let mut again = Disk::open(disk.device().clone(), false, NOW).unwrap();
    let mut other = Registry::new(windows);
    let hive = other.hive(&mut again, &HiveName::System).unwrap();
    let key = hive.find(hive.root(), "Grown").unwrap().unwrap();
    assert_eq!(hive.value(key, "data").unwrap().unwrap().data, vec![7; 200_000]);
    let error = other.hive(&mut again, &HiveName::Bcd).expect_err("an XP has none");
    assert!(
        error.to_string().contains("does not start from a boot configuration store"),
        "{error}"
    );
}

/// Two volumes on an MBR disk, of which one passes the end.
#[test]
fn volumes_are_picked_and_refused() {
    if !have(&["mkfs.fat", "mmd", "mcopy"]) {
        return;
    }
    let volume = fat_volume(&[("a.txt", b"a")]);
    let sectors = (volume.len() / 512) as u32;
    let mut bytes = vec![0; 1 << 20];
    bytes[510..512].copy_from_slice(&[0x55, 0xAA]);
    for (slot, start, length) in
        [(0, 2048, sectors), (1, 2048 + sectors, sectors), (2, 2048 + 2 * sectors, sectors)]
    {
        let entry = &mut bytes[446 + 16 * slot..462 + 16 * slot];
        entry[4] = 0x0C;
        entry[8..12].copy_from_slice(&u32::to_le_bytes(start));
        entry[12..16].copy_from_slice(&u32::to_le_bytes(length));
    }
    bytes.extend_from_slice(&volume);
    bytes.extend_from_slice(&volume);
    let mut disk = disk(bytes);
    let available = "1 (Fat32), 2 (Fat32), 3 (Unknown)";
    assert_eq!(disk.volumes()[2].identity.reasons, ["past-the-end-of-the-disk"]);
    assert_eq!(disk.find_windows().unwrap(), []);
    let error = disk.pick_volume(None).unwrap_err();
    assert!(
        matches!(&error, GuestError::AmbiguousVolume { available: found } if found == available)
    );
    assert_eq!(disk.pick_volume(Some(2)).unwrap(), 2);
    assert!(disk.volume(2).unwrap().metadata(r"\A.TXT").unwrap().is_some());
    let error = disk.volume(3).expect_err("it does not lie on the disk");
    assert!(matches!(error, GuestError::PastTheEnd { number: 3, .. }) && error.is_refusal());
    let error = disk.volume(7).expect_err("there is none");
    assert_eq!(error.to_string(), format!("no volume 7; there are: {available}"));
}

/// An empty disk has no volumes to pick.
#[test]
fn an_empty_disk_has_nothing() {
    let mut disk = disk(vec![0; 1 << 20]);
    assert_eq!(disk.find_windows().unwrap(), []);
    assert!(matches!(disk.no_windows(), GuestError::NoWindows));
    let error = disk.pick_volume(None).unwrap_err();
    assert!(matches!(error, GuestError::NoFileVolume { .. }) && !error.is_refusal(), "{error}");
}

/// Two installations on one volume: the default entry of boot.ini decides which comes first.
#[test]
fn the_default_installation_comes_first() {
    if !have(&["mkfs.fat", "mmd", "mcopy"]) {
        return;
    }
    let entry = |folder: &str| format!("multi(0)disk(0)rdisk(0)partition(1)\\{folder}");
    for (default, order) in
        [("WINDOWS", [r"\WINDOWS", r"\WINNT"]), ("WINNT", [r"\WINNT", r"\WINDOWS"])]
    {
        let ini = format!(
            "[boot loader]\r\ndefault={}\r\n[operating systems]\r\n{}=\"one\"\r\n{}=\"two\"\r\n",
            entry(default),
            entry("winnt"),
            entry("windows")
        );
        let mut disk = disk(fat_volume(&[
            ("boot.ini", ini.as_bytes()),
            ("WINNT/System32/config/SYSTEM", &system()),
            ("WINNT/System32/config/SOFTWARE", &software()),
            ("WINDOWS/System32/config/SYSTEM", &system()),
            ("WINDOWS/System32/config/SOFTWARE", &software()),
        ]));
        let found = disk.find_windows().unwrap();
        let roots: Vec<&str> = found.iter().map(|windows| windows.system_root.as_str()).collect();
        assert_eq!(roots, order);
        assert_eq!(found[0].warnings, Vec::<String>::new());
        let is_default = |name: &str| (name.to_owned(), (name == "one") == (default == "WINNT"));
        assert_eq!(found[1].boot.entries, [is_default("one"), is_default("two")]);
    }
}

/// Flipped bytes in hives and in the boot configuration: described or warned about, no panic and no endless walk.
#[test]
fn mutated_guests_are_described() {
    if !have(&["mkfs.fat", "mmd", "mcopy"]) {
        return;
    }
    let (system, software) = (system(), software());
    let ini =
        "[operating systems]\r\nmulti(0)disk(0)rdisk(0)partition(1)\\WINNT=\"XP\" /fastdetect\r\n";
    let bytes = fat_volume(&[
        ("boot.ini", ini.as_bytes()),
        ("WINNT/System32/config/SYSTEM", &system),
        ("WINNT/System32/config/SOFTWARE", &software),
    ]);
    let find = |part: &[u8]| bytes.windows(part.len()).position(|place| place == part).unwrap();
    let places = [
        (find(&system[..64]), system.len()),
        (find(&software[..64]), software.len()),
        (find(ini.as_bytes()), ini.len()),
    ];
    let device: Arc<dyn Device> = Arc::new(MemoryDevice::new(bytes.clone()));
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut draw = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random as usize
    };
    let mut sound = 0;
    for _ in 0..600 {
        let (start, length) = places[draw() % places.len()];
        let at = start + draw() % length;
        device.write_at(at as u64, &[bytes[at] ^ (draw() as u8 | 1)]).unwrap();
        let mut disk = Disk::open(device.clone(), false, NOW).unwrap();
        let found = disk.find_windows().unwrap();
        assert_eq!(found.len(), 1);
        let mut registry = Registry::new(&found[0]);
        let _ = registry.locate(&mut disk, r"HKU\bob\Software");
        sound += usize::from(registry.hive_mut(&mut disk, &HiveName::System).is_ok());
        device.write_at(at as u64, &bytes[at..=at]).unwrap();
    }
    assert!((1..600).contains(&sound), "{sound} hives opened");
}
