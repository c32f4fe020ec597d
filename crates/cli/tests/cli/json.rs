//! Shapes that scripts rely on.

use serde_json::{Value, json};

use crate::env::{Guest, winkiln};

/// Expects exactly these keys, more with `more`.
fn keys(value: &Value, expected: &[&str]) {
    let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    for key in expected {
        assert!(object.contains_key(*key), "no {key} in {value}");
    }
}

#[test]
fn inspect_has_the_promised_fields() {
    let guest = Guest::new();
    let shown = winkiln(&["inspect", "--json", guest.image()]).json();
    assert_eq!(shown["image"]["format"], "raw");
    assert_eq!(shown["image"]["virtual_size"], 96 << 20);
    assert_eq!(shown["partition_table"], "mbr");
    let volume = &shown["volumes"][0];
    assert_eq!(volume["number"], 1);
    assert_eq!(volume["start"], 1 << 20);
    assert_eq!(volume["length"], 95 << 20);
    assert_eq!(volume["filesystem"], "ntfs");
    assert_eq!(volume["label"], "Windows");
    assert_eq!(volume["serial"], "DEB05A3C1E570001");
    assert_eq!(volume["state"], json!({"clean": true, "reasons": [], "details": []}));
    let windows = &shown["windows"][0];
    assert_eq!(windows["volume"], 1);
    assert_eq!(windows["system_root"].as_str().unwrap().to_lowercase(), r"\windows");
    assert_eq!(windows["product_name"], "Windows 10 Pro");
    assert_eq!(windows["version"], "10.0");
    assert_eq!(windows["build"], 19045);
    assert_eq!(windows["arch"], "x86_64");
    assert_eq!(windows["control_set"], 1);
    assert_eq!(windows["hal"], Value::Null);
    assert_eq!(windows["boot"]["kind"], "bcd");
    assert_eq!(windows["boot"]["firmware"], "bios");
    assert_eq!(windows["boot"]["testsigning"], true);
    let drivers = windows["drivers"].as_array().unwrap();
    let ahci = drivers.iter().find(|driver| driver["name"] == "storahci").unwrap();
    assert_eq!((&ahci["start"], &ahci["present"]), (&json!(0), &json!(true)));
    keys(windows, &["edition", "installation_type", "guest_tools", "warnings"]);
}

#[test]
fn every_writing_command_reports_the_same_shape() {
    let guest = Guest::new();
    let image = guest.image();
    let file = guest.write("note.txt", b"note");
    let reg = guest.write(
        "site.reg",
        b"Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Site]\r\n\"a\"=dword:00000001\r\n",
    );
    let commands: [&[&str]; 8] = [
        &["apply", image, "--preset", "utc-clock", "--json"],
        &["reg", "add", image, r"HKLM\SOFTWARE\Shape", "-v", "x", "-d", "y", "--json"],
        &["reg", "import", image, &reg, "--json"],
        &["reg", "delete", image, r"HKLM\SOFTWARE\Shape", "--json"],
        &["fs", "mkdir", image, r"\Shape", "--json"],
        &["fs", "put", image, &file, r"\Shape", "--json"],
        &["fs", "rm", "-r", image, r"\Shape", "--json"],
        &["bcd", "set", image, "{default}", "bootstatuspolicy", "IgnoreAllFailures", "--json"],
    ];
    for command in commands {
        let report = winkiln(command).json();
        keys(&report, &["committed", "changes", "unchanged", "warnings", "io", "verified"]);
        keys(
            &report["io"],
            &["image_bytes_read", "image_bytes_written", "journal_bytes", "flushes"],
        );
        assert_eq!(report["committed"], true, "{command:?} {report}");
        assert!(report["io"]["image_bytes_written"].as_u64().unwrap() > 0, "{command:?} {report}");
        for change in report["changes"].as_array().unwrap() {
            keys(change, &["kind", "target", "before", "after"]);
        }
        assert!(!report["changes"].as_array().unwrap().is_empty(), "{command:?}");
        assert!(!report["verified"].as_array().unwrap().is_empty(), "{command:?}");
    }
}

#[test]
fn reading_commands_print_one_document() {
    let guest = Guest::new();
    let image = guest.image();

    let crash = r"HKLM\SYSTEM\CurrentControlSet\Control\CrashControl";
    let query = winkiln(&["reg", "query", image, crash, "--json"]).json();
    let key = &query["keys"][0];
    assert_eq!(key["key"], r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\CrashControl");
    let values = key["values"].as_array().unwrap();
    let enabled = values.iter().find(|value| value["name"] == "CrashDumpEnabled").unwrap();
    assert_eq!((&enabled["type"], &enabled["data"]), (&json!("REG_DWORD"), &json!(0)));
    assert_eq!(enabled["hex"], "00000000");
    let dump = values.iter().find(|value| value["name"] == "DumpFile").unwrap();
    assert_eq!(dump["data"], r"%SystemRoot%\MEMORY.DMP");
    assert!(key["last_write"].as_str().unwrap().ends_with('Z'));

    let below = winkiln(&["reg", "query", image, r"HKLM\SYSTEM\Select", "-s", "--json"]).json();
    assert_eq!(below["keys"].as_array().unwrap().len(), 1);

    let list = winkiln(&["fs", "ls", image, "--json"]).json();
    assert_eq!((&list["volume"], &list["path"]), (&json!(1), &json!(r"\")));
    let windows = list["entries"].as_array().unwrap();
    let windows = windows.iter().find(|entry| entry["name"] == "Windows").unwrap();
    assert_eq!(windows["type"], "folder");

    let stat = winkiln(&["fs", "stat", image, "windows/system32/NTDLL.DLL", "--json"]).json();
    assert_eq!((&stat["name"], &stat["type"]), (&json!("ntdll.dll"), &json!("file")));
    keys(&stat, &["size", "allocated", "attributes", "created", "modified", "links", "streams"]);

    let bcd = winkiln(&["bcd", "enum", image, "--json"]).json();
    let objects = bcd["objects"].as_array().unwrap();
    assert_eq!(objects.len(), 2, "{bcd}");
    assert_eq!(objects[0]["alias"], "{bootmgr}");
    let elements = objects[1]["elements"].as_array().unwrap();
    let testsigning = elements.iter().find(|element| element["name"] == "testsigning").unwrap();
    assert_eq!(
        testsigning,
        &json!({"id": "0x16000049", "name": "testsigning", "value": true, "text": "Yes"})
    );
}
