//! The registry of an installation: names, edits, what is written.

use std::fs;
use std::process::Command;

use winkiln_guest::{Disk, GuestError, HiveName, Registry, Windows};
use winkiln_hive::ValueType;

use crate::tools::{Guest, NOW, have, run};

/// Bytes of `\Windows\System32\config\<name>` in the image, by The Sleuth Kit.
pub(crate) fn file_of(guest: &Guest, name: &str) -> Vec<u8> {
    let path = format!("/Windows/System32/config/{name}");
    let inode = run(Command::new("ifind").args(["-o", "2048", "-n", &path]).arg(guest.image()));
    let inode = String::from_utf8(inode).unwrap();
    run(Command::new("icat").args(["-o", "2048"]).arg(guest.image()).arg(inode.trim()))
}

pub(crate) fn open(disk: &mut Disk) -> (Windows, Registry) {
    let windows = disk.find_windows().unwrap().remove(0);
    let registry = Registry::new(&windows);
    (windows, registry)
}

/// An edit reaches the file in few bytes, another one makes the hive grow; `hivexget` reads both back.
#[test]
fn edits_are_saved() {
    if !have(&["icat", "ifind", "hivexget"]) {
        return;
    }
    let Some(guest) = Guest::build(&["--os", "10"]) else { return };
    let before = file_of(&guest, "SYSTEM");
    let crash = r"HKLM\SYSTEM\CurrentControlSet\Control\CrashControl";
    let big = vec![0x5A; 3 << 20];

    let (transaction, mut disk) = guest.begin(true);
    let (_, mut registry) = open(&mut disk);
    let place = registry.locate(&mut disk, crash).unwrap();
    assert_eq!(place.hive, HiveName::System);
    assert_eq!(place.path, r"ControlSet001\Control\CrashControl");
    let hive = registry.hive_mut(&mut disk, &place.hive).unwrap();
    let key = hive.find(hive.root(), &place.path).unwrap().expect("the key is in the hive");
    let five = 5_u32.to_le_bytes();
    assert!(hive.set_value(key, "CrashDumpEnabled", ValueType::Dword, &five, NOW).unwrap());
    assert_eq!(transaction.dirty_bytes(), 0, "edits stay in memory until saved");
    let written = registry.save(&mut disk, NOW).unwrap();
    disk.flush().unwrap();
    assert_eq!(written.len(), 1);
    assert_eq!(written[0].0, HiveName::System);
    assert_eq!(written[0].1.path, r"\Windows\System32\config\SYSTEM");
    let dirty = transaction.dirty_bytes();
    assert!((1..=64 << 10).contains(&dirty), "{dirty} bytes for one value");
    assert_eq!(registry.save(&mut disk, NOW).unwrap(), [], "nothing is left to save");

    let key = registry.locate(&mut disk, r"hklm\software\Microsoft\").unwrap();
    let hive = registry.hive_mut(&mut disk, &key.hive).unwrap();
    let length = hive.bytes().len();
    let (key, made) = hive.create_key(hive.root(), r"Microsoft\Winkiln\Big", NOW).unwrap();
    assert_eq!(made, 2);
    hive.set_value(key, "Data", ValueType::Binary, &big, NOW).unwrap();
    assert!(hive.bytes().len() > length + big.len());
    registry.save(&mut disk, NOW).unwrap();
    disk.flush().unwrap();
    assert_eq!(registry.opened().len(), 2);

    // Read back through the transaction, by a disk opened anew.
    let mut again = Disk::open(disk.device().clone(), false, NOW).unwrap();
    let (_, mut other) = open(&mut again);
    for name in [HiveName::System, HiveName::Software] {
        let hive = other.hive(&mut again, &name).unwrap();
        assert_eq!(hive.check(), [], "{name}");
    }
    let error = again.volume_mut(1).expect_err("read-only");
    assert!(matches!(error, GuestError::ReadOnly { number: 1 }), "{error}");

    drop((again, disk));
    assert!(file_of(&guest, "SYSTEM") == before, "nothing is written before the commit");
    transaction.commit().unwrap();
    drop(transaction);
    for (hive, key, value, expected) in [
        ("SYSTEM", r"ControlSet001\Control\CrashControl", "CrashDumpEnabled", "5\n".to_owned()),
        ("SOFTWARE", r"Microsoft\Windows NT\CurrentVersion", "CurrentBuild", "16299\n".to_owned()),
        ("SOFTWARE", r"Microsoft\Winkiln\Big", "Data", "\u{5A}".repeat(big.len())),
    ] {
        let place = guest.folder.path().join(hive);
        fs::write(&place, file_of(&guest, hive)).unwrap();
        let got = run(Command::new("hivexget").arg(&place).args([key, value]));
        assert!(
            got.starts_with(expected.trim_end().as_bytes()),
            "{key}\\{value}: {} bytes",
            got.len()
        );
    }
}

/// Hives are found by their names, the store of the boot configuration among them.
#[test]
fn hives_have_names() {
    let Some(guest) = Guest::build(&["--os", "11", "--table", "gpt"]) else { return };
    let (_, mut disk) = guest.begin(false);
    let (_, mut registry) = open(&mut disk);
    for (key, file) in [
        (r"HKLM\SAM", (3, r"\Windows\System32\config\SAM")),
        (r"HKEY_LOCAL_MACHINE\SECURITY", (3, r"\Windows\System32\config\SECURITY")),
        (r"HKU\.DEFAULT", (3, r"\Windows\System32\config\DEFAULT")),
        (r"HKLM\BCD00000000\Objects", (1, r"\EFI\Microsoft\Boot\BCD")),
    ] {
        let place = registry.locate(&mut disk, key).unwrap();
        let found = registry.file(&mut disk, &place.hive).unwrap();
        assert_eq!((found.volume, &*found.path), file, "{key}");
        let hive = registry.hive(&mut disk, &place.hive).unwrap();
        let found = hive.find(hive.root(), &place.path).unwrap();
        assert!(found.is_some(), "{key}");
    }
    let error = registry.hive(&mut disk, &HiveName::Drivers).expect_err("not in the sample");
    assert!(matches!(error, GuestError::NoHive { .. }) && !error.is_refusal(), "{error}");
    assert_eq!(
        error.to_string(),
        r"the installation has no hive HKLM\DRIVERS: there is no file \Windows\System32\config\DRIVERS on volume 3"
    );
}
