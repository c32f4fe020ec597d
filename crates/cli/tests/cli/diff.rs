//! `winkiln diff`, and bakes that can be repeated bit for bit.

use std::fs;

use serde_json::Value;

use crate::env::{Guest, hash, winkiln};

#[test]
fn what_a_bake_changed_is_told() {
    let guest = Guest::new();
    let old = guest.dir.path().join("old.raw");
    fs::copy(guest.image(), &old).expect("a copy");
    let old = old.to_str().expect("text");
    assert_eq!(winkiln(&["diff", old, guest.image(), "--contents"]).ok(), "");

    let note = guest.write("note.txt", b"note");
    let other = guest.write("other.txt", b"n0te");
    let time = ["--time", "1700000000"];
    for command in [
        &["fs", "put", old, &note, r"\Users\both.txt"][..],
        &["fs", "put", guest.image(), &other, r"\Users\both.txt"],
        &["fs", "put", guest.image(), &note, r"\new.txt"],
        &["fs", "put", old, &note, r"\gone.txt"],
        &["fs", "attrib", guest.image(), r"\bootmgr", "+i"],
        &["reg", "add", guest.image(), r"HKLM\SOFTWARE\New", "-v", "x", "-d", "y"],
        &["bcd", "set", guest.image(), "{default}", "bootstatuspolicy", "IgnoreAllFailures"],
    ] {
        let _ = winkiln(&[command, &time].concat()).ok();
    }
    let found = winkiln(&["diff", old, guest.image(), "--json"]).json();
    let file = |path: &str| -> Value {
        let mut files = found["files"].as_array().expect("a list").iter();
        files.find(|file| file["path"] == path).cloned().unwrap_or_default()
    };
    let new = file(r"\new.txt");
    assert_eq!((&new["kind"], &new["after"]["size"]), (&"added".into(), &4.into()));
    assert_eq!(file(r"\gone.txt")["kind"], "removed");
    assert_eq!(file(r"\bootmgr")["differs"], serde_json::json!(["attributes"]));
    assert_eq!(file(r"\Users\both.txt"), Value::Null, "as long and as old: not looked at");
    let hive = file(r"\Windows\System32\config\SOFTWARE");
    assert!(hive["differs"].to_string().contains("contents"), "{hive}");
    let registry = found["registry"].as_array().expect("a list");
    let value = registry.iter().find(|one| one["name"] == "x").expect("the value");
    assert_eq!(value["after"], "REG_SZ \"y\"");
    assert!(registry.iter().all(|one| !one["key"].to_string().contains("BCD")));
    let boot = found["boot"].as_array().expect("a list");
    assert_eq!(boot.len(), 1, "{boot:?}");
    assert!(boot[0]["target"].to_string().contains("{default} bootstatuspolicy"));

    let all = winkiln(&["diff", old, guest.image(), "--contents"]).ok();
    assert!(all.contains("~ \\Users\\both.txt  contents\n"), "{all}");
    assert!(all.contains("+ \\new.txt  4 B\n") && all.contains("- \\gone.txt"), "{all}");
}

/// With the time given, two bakes of one image leave the same bytes.
#[test]
fn a_bake_is_the_same_bit_for_bit() {
    let mut hashes = Vec::new();
    for _ in 0..2 {
        let guest = Guest::new();
        let folder = guest.dir.path().join("files");
        fs::create_dir(&folder).expect("a folder");
        for number in 0..40 {
            let bytes = vec![number; 1000 * usize::from(number)];
            fs::write(folder.join(format!("a long name {number}.bin")), bytes).expect("a file");
        }
        let folder = folder.to_str().expect("text");
        for command in [
            &["fs", "put", "-r", guest.image(), folder, r"\files"][..],
            &[
                "apply",
                guest.image(),
                "--preset",
                "acpi-shutdown",
                "--preset",
                "rdp",
                "--preset",
                "testsigning",
            ],
        ] {
            let _ = winkiln(&[command, &["--time", "1700000000"]].concat()).ok();
        }
        hashes.push(hash(guest.image().as_ref()));
    }
    assert_eq!(hashes[0], hashes[1]);
}
