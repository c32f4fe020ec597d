//! `bcd` on whole entries and stores, after clones too.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;

use serde_json::Value;

use crate::env::{Guest, winkiln};

/// Runs a `bcd` command on an image or a loose store.
fn bcd(verb: &str, target: &[&str], rest: &[&str]) -> Value {
    let args = [&["bcd", verb], target, rest, &["--json"]].concat();
    winkiln(&args).json()
}

/// The text of an element; `None` when the object has none.
fn element(target: &[&str], object: &str, name: &str) -> Option<String> {
    let shown = bcd("enum", target, &[object]);
    let elements = shown["objects"][0]["elements"].as_array()?.clone();
    let found = elements.into_iter().find(|element| element["name"] == name)?;
    Some(found["text"].as_str()?.to_owned())
}

fn change<'r>(report: &'r Value, kind: &str) -> &'r str {
    let changes = report["changes"].as_array().expect("changes");
    let found = changes.iter().find(|change| change["kind"] == kind);
    found.and_then(|change| change["target"].as_str()).unwrap_or_else(|| panic!("{report}"))
}

#[test]
fn entries_are_copied_ordered_started_and_deleted() {
    let guest = Guest::new();
    let store = guest.hive(r"\Boot\BCD", "BCD");
    for target in [&[guest.image()][..], &["--store", &store]] {
        let report = bcd("copy", target, &["{default}", "-d", "Second"]);
        let copy = change(&report, "bcd-object").to_owned();
        let first = element(target, "{bootmgr}", "default").unwrap();
        assert_eq!(element(target, &copy, "description").as_deref(), Some("Second"));
        assert_eq!(element(target, &copy, "path"), element(target, &first, "path"));

        bcd("displayorder", target, &[&copy, "--addlast"]);
        let order = || element(target, "{bootmgr}", "displayorder").unwrap();
        assert_eq!(order(), format!("{first} {copy}"));
        let again = bcd("displayorder", target, &[&copy, "--addlast"]);
        assert_eq!((&again["committed"], again["unchanged"].as_u64()), (&false.into(), Some(1)));
        bcd("displayorder", target, &[&copy, "--addfirst"]);
        assert_eq!(order(), format!("{copy} {first}"));
        bcd("default", target, &[&copy]);
        bcd("timeout", target, &["7"]);
        bcd("bootsequence", target, &["{memdiag}", &first]);
        assert_eq!(element(target, "{bootmgr}", "timeout").as_deref(), Some("7"));
        assert_eq!(element(target, "{bootmgr}", "default"), Some(copy.clone()));

        let exported = guest.local("exported");
        let export = [&["bcd", "export"], target, &[&*exported]].concat();
        drop(winkiln(&export).ok());
        assert_eq!(
            element(&["--store", &exported], &copy, "description").as_deref(),
            Some("Second")
        );

        bcd("delete", target, &[&copy]);
        assert_eq!(order(), first);
        assert_eq!(element(target, "{bootmgr}", "default"), None);
        bcd("default", target, &[&first]);
        let report = bcd("create", target, &["-d", "PE", "--application", "osloader"]);
        let made = change(&report, "bcd-object").to_owned();
        assert_eq!(element(target, &made, "description").as_deref(), Some("PE"));
        bcd("create", target, &["{ramdiskoptions}"]);
        let ramdisk = r"ramdisk=[boot]\boot.wim,{ramdiskoptions}";
        bcd("set", target, &[&made, "device", ramdisk]);
        assert!(
            element(target, &made, "device")
                .unwrap()
                .starts_with(r"ramdisk=[boot]\boot.wim,{ae5534e0")
        );
        for wrong in
            [&["delete", "{bootmgr}"][..], &["copy", "{none}", "-d", "x"], &["create", "{none}"]]
        {
            let args = [&["bcd", wrong[0]], target, &wrong[1..]].concat();
            let run = winkiln(&args);
            assert!(matches!(run.status, 1 | 2), "{args:?}: {}", run.err);
        }
    }
}

#[test]
fn partitions_are_set_and_shown_by_letter() {
    let guest = Guest::new();
    let image = guest.image();
    let shown = || winkiln(&["bcd", "enum", image, "{default}"]).ok();
    let has =
        |wanted: &str| shown().lines().any(|line| line == format!("{:<24}{wanted}", "osdevice"));
    drop(winkiln(&["bcd", "set", image, "{default}", "osdevice", "boot"]).ok());
    assert!(has("boot"));
    drop(winkiln(&["bcd", "set", image, "{default}", "osdevice", "partition=1"]).ok());
    assert!(has("partition=mbr:6b6e6977:0x100000"), "{}", shown());
    // Disk signature and offset, as Windows keeps them.
    let letter = ["-v", r"\DosDevices\C:", "-t", "REG_BINARY", "-d", "77696e6b0000100000000000"];
    let key = ["reg", "add", image, r"HKLM\SYSTEM\MountedDevices"];
    drop(winkiln(&[&key[..], &letter].concat()).ok());
    assert!(has("partition=C:"), "{}", shown());
    drop(winkiln(&["bcd", "set", image, "{default}", "osdevice", r"vhd=[C:]\w.vhd"]).ok());
    assert!(has(r"vhd=[C:]\w.vhd,locate=custom:22000002"), "{}", shown());
    drop(winkiln(&["bcd", "set", image, "{default}", "osdevice", "partition=C:"]).ok());
    assert!(has("partition=C:"));
    winkiln(&["bcd", "set", image, "{default}", "osdevice", "partition=D:"])
        .fails(1, &["partition=D:", "C:, 1"]);
}

#[test]
fn a_lost_store_is_made_anew() {
    let guest = Guest::new();
    let image = guest.image();
    winkiln(&["bcd", "create", image]).fails(1, &["already", r"\Boot\BCD", "fs rm"]);
    drop(winkiln(&["fs", "rm", image, r"\Boot\BCD"]).ok());
    winkiln(&["bcd", "enum", image]).fails(1, &["BCD"]);
    let report = bcd("create", &[image], &[]);
    assert_eq!(report["committed"], true, "{report}");
    let default = |name| element(&[image], "{default}", name);
    let place = "partition=mbr:6b6e6977:0x100000";
    assert_eq!(default("osdevice").as_deref(), Some(place));
    assert_eq!(element(&[image], "{bootmgr}", "device").as_deref(), Some(place));
    assert_eq!(default("path").as_deref(), Some(r"\Windows\system32\winload.exe"));
    let inspected = winkiln(&["inspect", image, "--json"]).json();
    let boot = &inspected["windows"][0]["boot"];
    assert_eq!((&boot["kind"], &boot["firmware"]), (&"bcd".into(), &"bios".into()), "{boot}");
    assert_eq!(inspected["windows"][0]["warnings"], Value::Array(Vec::new()), "{inspected}");
    winkiln(&["bcd", "create", image, "--firmware", "uefi"]).fails(1, &["EFI system partition"]);
    winkiln(&["bcd", "create", "--store", &guest.local("x")]).fails(2, &["--store"]);
    // What would be passed over is refused.
    let entry = ["bcd", "create", image, "--application", "osloader"];
    winkiln(&[&entry[..], &["--firmware", "uefi"]].concat()).fails(2, &["--firmware"]);
    winkiln(&["bcd", "create", image, "--description", "x"]).fails(2, &["--description"]);
}

#[test]
fn a_clone_is_pointed_at_its_own_disk() {
    let guest = Guest::new();
    let image = guest.image();
    let file: File = OpenOptions::new().write(true).open(image).unwrap();
    file.write_all_at(&0x5ca1_ab1e_u32.to_le_bytes(), 440).unwrap();
    drop(file);
    let before = winkiln(&["bcd", "enum", image, "all", "--json"]).ok();
    assert!(before.contains("6b6e6977") && !before.contains("5ca1ab1e"), "{before}");
    let dry = bcd("retarget", &[image], &["--dry-run"]);
    let done = bcd("retarget", &[image], &[]);
    assert_eq!(dry["changes"], done["changes"]);
    assert!(!done["warnings"].to_string().contains("cannot be told"), "{done}");
    let after = winkiln(&["bcd", "enum", image, "all", "--json"]).ok();
    assert!(!after.contains("6b6e6977") && after.contains("5ca1ab1e"), "{after}");
    assert_eq!(bcd("retarget", &[image], &[])["committed"], false);
    let inspected = winkiln(&["inspect", image, "--json"]).json();
    assert_eq!(inspected["windows"][0]["warnings"], Value::Array(Vec::new()), "{inspected}");
}
