//! `--dry-run` of every writing command.

use crate::env::{Guest, hash, winkiln};

#[test]
fn a_dry_run_reports_and_leaves_the_image_as_it_was() {
    let guest = Guest::new();
    let image = guest.image();
    let file = guest.write("note.txt", b"note");
    let reg = guest.write(
        "site.reg",
        b"Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Site]\r\n",
    );
    let before = guest.hash();
    let commands: [&[&str]; 11] = [
        &["apply", image, "--preset", "utc-clock", "--preset", "crash-dump=small"],
        &["reg", "add", image, r"HKLM\SOFTWARE\New", "-v", "x", "-d", "y"],
        &["reg", "import", image, &reg],
        &["reg", "delete", image, r"HKLM\SYSTEM\Setup"],
        &["fs", "mkdir", image, r"\New"],
        &["fs", "put", image, &file, r"\new.txt"],
        &["fs", "rm", "-r", image, r"\Users"],
        &["fs", "mv", image, r"\Users", r"\People"],
        &["fs", "attrib", image, r"\bootmgr", "+i", "-s", "-h", "-r", "-a"],
        &["bcd", "set", image, "{default}", "bootstatuspolicy", "IgnoreAllFailures"],
        &["bcd", "deletevalue", image, "{default}", "testsigning"],
    ];
    for command in commands {
        let command = [command, &["--dry-run", "--json"]].concat();
        let report = winkiln(&command).json();
        assert_eq!(report["committed"], false, "{command:?}");
        assert_eq!(report["dry_run"], true, "{command:?}");
        assert_eq!(report["io"]["image_bytes_written"], 0, "{command:?}");
        assert!(!report["changes"].as_array().unwrap().is_empty(), "{command:?} {report}");
        assert_eq!(guest.hash(), before, "{command:?}");
    }
    assert_eq!(std::fs::read_dir(guest.dir.path()).unwrap().count(), 3, "no journal stays");
}

#[test]
fn a_dry_run_leaves_a_hive_file_as_it_was() {
    let guest = Guest::new();
    let hive = guest.hive(r"\Windows\System32\config\SOFTWARE", "SOFTWARE");
    let store = guest.hive(r"\Boot\BCD", "BCD");
    let before = (hash(hive.as_ref()), hash(store.as_ref()));
    let commands: [&[&str]; 4] = [
        &["reg", "add", "--hive", &hive, r"HKLM\SOFTWARE\New", "-v", "x", "-d", "y"],
        &["reg", "delete", "--hive", &hive, r"\Microsoft"],
        &["bcd", "set", "--store", &store, "{default}", "bootstatuspolicy", "IgnoreAllFailures"],
        &["bcd", "deletevalue", "--store", &store, "{default}", "testsigning"],
    ];
    for command in commands {
        let command = [command, &["--dry-run", "--json"]].concat();
        let report = winkiln(&command).json();
        assert_eq!(report["committed"], false, "{command:?}");
        assert!(!report["changes"].as_array().unwrap().is_empty(), "{command:?} {report}");
        assert_eq!((hash(hive.as_ref()), hash(store.as_ref())), before, "{command:?}");
    }
}
