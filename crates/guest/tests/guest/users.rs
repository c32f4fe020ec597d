//! Hives of users.

use std::fs;

use winkiln_guest::{GuestError, HiveName, Registry};

use crate::tools::{Guest, beside, change, have, merge};

const SID: &str = "S-1-5-21-1-2-3-1001";

#[test]
fn users_are_found_by_sid_and_by_folder() {
    let Some(user) =
        beside("corpus/hive/museum-win10-default-profile/NTUSER.DAT", "WINKILN_CORPUS")
    else {
        return;
    };
    if !have(&["umount", "hivexregedit"]) {
        return;
    }
    let Some(guest) = Guest::build(&["--os", "10", "--table", "none"]) else { return };
    change(&guest.image(), |root| {
        let bob = root.join("Users/bob");
        let classes = bob.join("AppData/Local/Microsoft/Windows");
        fs::create_dir_all(&classes).unwrap();
        fs::create_dir_all(root.join("Users/Default")).unwrap();
        for place in [
            bob.join("NTUSER.DAT"),
            classes.join("UsrClass.dat"),
            root.join("Users/Default/ntuser.dat"),
        ] {
            fs::copy(&user, place).unwrap();
        }
        let list = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
        let text = |text: &str| -> String {
            let units = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes);
            units.map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(",")
        };
        let reg = format!(
            "[{list}]\n\n[{list}\\{SID}]\n\"ProfileImagePath\"=hex(2):{}\n\n[{list}\\S-1-5-21-9]\n\"ProfileImagePath\"=hex(2):{}\n",
            text(r"C:\Users\bob"),
            text(r"D:\Users\alice")
        );
        let software = root.join("Windows/System32/config/SOFTWARE");
        merge(&software, r"HKEY_LOCAL_MACHINE\SOFTWARE", &reg);
    });

    let (_, mut disk) = guest.begin(false);
    let windows = disk.find_windows().unwrap().remove(0);
    let mut registry = Registry::new(&windows);
    let bob = HiveName::User(SID.into());
    let classes = HiveName::UserClasses(SID.into());
    for (key, hive, path) in [
        (r"HKU\BOB\Software\X", &bob, r"Software\X"),
        (&*format!(r"HKEY_USERS\{SID}\Control Panel"), &bob, "Control Panel"),
        (r"HKU\bob\software\CLASSES\.txt\a", &classes, r".txt\a"),
        (r"HKU\bob\Software\Classes", &classes, ""),
        (r"HKU\bob_Classes\.txt", &classes, ".txt"),
        (
            r"HKU\Default\Software\Classes\x",
            &HiveName::User("Default".into()),
            r"Software\Classes\x",
        ),
    ] {
        let place = registry.locate(&mut disk, key).unwrap();
        assert_eq!((&place.hive, &*place.path), (hive, path), "{key}");
        registry.hive(&mut disk, &place.hive).expect(key);
    }
    let file =
        |registry: &mut Registry, disk: &mut _, name| registry.file(disk, name).unwrap().path;
    assert_eq!(file(&mut registry, &mut disk, &bob), r"\Users\bob\NTUSER.DAT");
    let expected = r"\Users\bob\AppData\Local\Microsoft\Windows\UsrClass.dat";
    assert_eq!(file(&mut registry, &mut disk, &classes), expected);

    // Two names of one user are one hive, so that no edit is lost.
    let opened = registry.opened().len();
    registry.hive_mut(&mut disk, &HiveName::User("bob".into())).unwrap();
    assert_eq!(registry.opened().len(), opened);

    for (key, part) in [
        (
            r"HKU\carol\Software",
            format!(r"there are the profiles: bob ({SID}), alice (S-1-5-21-9)"),
        ),
        (r"HKU\alice", r"the profile lies in D:\Users\alice".into()),
    ] {
        let error = registry.locate(&mut disk, key).expect_err(key);
        assert!(matches!(error, GuestError::NoHive { .. }) && !error.is_refusal(), "{error}");
        assert!(error.to_string().contains(&part), "{error}");
    }
}
