//! `reg`, on images and on loose hives.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;

use crate::env::{Guest, hash, winkiln, with_input};

/// The target's arguments for an image and for a loose SOFTWARE hive: the same commands must do the same.
fn targets(guest: &Guest) -> [Vec<String>; 2] {
    let hive = guest.hive(r"\Windows\System32\config\SOFTWARE", "loose");
    [vec![guest.image().to_owned()], vec!["--hive".to_owned(), hive]]
}

fn reg(verb: &str, target: &[String], rest: &[&str]) -> Vec<String> {
    let mut args = vec!["reg".to_owned(), verb.to_owned()];
    args.extend_from_slice(target);
    args.extend(rest.iter().map(|arg| (*arg).to_owned()));
    args
}

#[test]
fn values_of_every_type_are_added_shown_and_deleted() {
    let key = r"HKLM\SOFTWARE\Site\Deep\Key";
    let rows = [
        ("REG_SZ", "plain text", "plain text", json!("plain text")),
        ("REG_SZ", "", "", json!("")),
        ("REG_EXPAND_SZ", r"%SystemRoot%\x", r"%SystemRoot%\x", json!(r"%SystemRoot%\x")),
        ("REG_MULTI_SZ", r"a\0b", r"a\0b", json!(["a", "b"])),
        ("REG_DWORD", "4294967295", "0xffffffff", json!(u32::MAX)),
        ("REG_DWORD", "0x10", "0x10", json!(16)),
        ("REG_QWORD", "0x100000000", "0x100000000", json!(1u64 << 32)),
        ("REG_BINARY", "de ad be ef", "DEADBEEF", json!("DEADBEEF")),
        ("REG_NONE", "", "", json!("")),
        ("reg_sz", "Привет", "Привет", json!("Привет")),
    ];
    let guest = Guest::new();
    for target in targets(&guest) {
        for (kind, data, shown, in_json) in &rows {
            let report = winkiln(&reg(
                "add",
                &target,
                &[key, "-v", "name", "-t", kind, "-d", data, "--json"],
            ))
            .json();
            assert_eq!(report["committed"], true, "{kind} {data}");
            let text = winkiln(&reg("query", &target, &[key, "-v", "NAME"])).ok();
            let line = format!("    name    {}    {shown}", kind.to_uppercase());
            assert!(text.lines().any(|found| found == line), "no {line:?} in\n{text}");
            let value = winkiln(&reg("query", &target, &[key, "-v", "name", "--json"])).json();
            assert_eq!(value["keys"][0]["values"][0]["data"], *in_json, "{kind} {data}");
            let again = winkiln(&reg(
                "add",
                &target,
                &[key, "-v", "name", "-t", kind, "-d", data, "--json"],
            ))
            .json();
            assert_eq!(again["committed"], false, "{kind} {data}");
            assert_eq!(again["io"]["image_bytes_written"], 0, "{kind} {data}");
        }
        drop(winkiln(&reg("delete", &target, &[key, "-v", "name"])).ok());
        winkiln(&reg("query", &target, &[key, "-v", "name"])).fails(1, &["no such value", "name"]);
        winkiln(&reg("delete", &target, &[key, "-v", "name"])).fails(1, &["no such value"]);
        drop(winkiln(&reg("delete", &target, &[r"HKLM\SOFTWARE\Site"])).ok());
        winkiln(&reg("query", &target, &[key])).fails(1, &["no such key", key]);
        winkiln(&reg("delete", &target, &[r"HKLM\SOFTWARE\Site"])).fails(1, &["no such key"]);
    }
}

#[test]
fn the_default_value_has_two_spellings() {
    let guest = Guest::new();
    for target in targets(&guest) {
        let key = r"HKEY_LOCAL_MACHINE\Software\Default";
        drop(winkiln(&reg("add", &target, &[key, "--ve", "-d", "one"])).ok());
        let text = winkiln(&reg("query", &target, &[key, "-v", ""])).ok();
        assert!(text.contains("    (Default)    REG_SZ    one"), "{text}");
        drop(winkiln(&reg("add", &target, &[key, "-v", "", "-d", "two"])).ok());
        let text = winkiln(&reg("query", &target, &[key, "--ve"])).ok();
        assert!(text.contains("    (Default)    REG_SZ    two"), "{text}");
    }
}

#[test]
fn query_shows_subkeys_or_recurses() {
    let guest = Guest::new();
    for target in targets(&guest) {
        drop(
            winkiln(&reg("add", &target, &[r"HKLM\SOFTWARE\Tree\B\C", "-v", "deep", "-d", "1"]))
                .ok(),
        );
        drop(winkiln(&reg("add", &target, &[r"HKLM\SOFTWARE\Tree\A"])).ok());
        let text = winkiln(&reg("query", &target, &[r"HKLM\SOFTWARE\Tree"])).ok();
        let prefix = r"HKEY_LOCAL_MACHINE\SOFTWARE\Tree";
        assert_eq!(text, format!("\n{prefix}\n\n{prefix}\\A\n{prefix}\\B\n"));
        let text = winkiln(&reg("query", &target, &[r"HKLM\SOFTWARE\Tree", "-s"])).ok();
        assert_eq!(
            text,
            format!(
                "\n{prefix}\n\n{prefix}\\A\n\n{prefix}\\B\n\n{prefix}\\B\\C\n    deep    REG_SZ    1\n"
            )
        );
        let found =
            winkiln(&reg("query", &target, &[r"HKLM\SOFTWARE\Tree", "-s", "-v", "deep", "--json"]))
                .json();
        assert_eq!(found["keys"].as_array().unwrap().len(), 1, "{found}");
    }
}

#[test]
fn an_export_imports_into_the_same_values() {
    let guest = Guest::new();
    let text = "Windows Registry Editor Version 5.00\r\n\r\n\
        [HKEY_LOCAL_MACHINE\\SOFTWARE\\Round]\r\n@=\"default \\\\ \\\"quoted\\\"\"\r\n\"d\"=dword:0000002a\r\n\
        \"b\"=hex:01,02,03\r\n\"q\"=hex(b):2a,00,00,00,00,00,00,00\r\n\"m\"=hex(7):61,00,00,00,00,00\r\n\r\n\
        [HKEY_LOCAL_MACHINE\\SOFTWARE\\Round\\Sub]\r\n\"Привет\"=\"мир\"\r\n";
    let utf16: Vec<u8> =
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let source = guest.write("round.reg", &utf16);
    for target in targets(&guest) {
        drop(winkiln(&reg("import", &target, &[&source])).ok());
        let exported = guest.local("exported.reg");
        drop(winkiln(&reg("export", &target, &[r"HKLM\SOFTWARE\Round", &exported])).ok());
        let bytes = std::fs::read(&exported).unwrap();
        assert!(bytes.starts_with(&[0xff, 0xfe]), "regedit wants UTF-16 with a byte order mark");
        let shown = winkiln(&reg("export", &target, &[r"HKLM\SOFTWARE\Round"])).ok();
        let units: Vec<u16> =
            bytes[2..].chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        let in_file = String::from_utf16(&units).unwrap();
        assert_eq!(in_file.replace("\r\n", "\n"), shown);
        assert!(in_file.contains("\r\n") && !shown.contains('\r'));
        assert!(
            shown.contains("[HKEY_LOCAL_MACHINE\\SOFTWARE\\Round\\Sub]\n\"Привет\"=\"мир\""),
            "{shown}"
        );
        // What was exported is there already.
        let again = winkiln(&reg("import", &target, &[&exported, "--json"])).json();
        assert_eq!((&again["committed"], &again["changes"]), (&json!(false), &json!([])));
        let again = with_input(&reg("import", &target, &["-", "--json"]), shown.as_bytes()).json();
        assert_eq!(again["committed"], false);
        // Deletions.
        let gone = "REGEDIT4\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Round]\r\n\"d\"=-\r\n\r\n\
                    [-HKEY_LOCAL_MACHINE\\SOFTWARE\\Round\\Sub]\r\n";
        drop(with_input(&reg("import", &target, &["-"]), gone.as_bytes()).ok());
        let left = winkiln(&reg("query", &target, &[r"HKLM\SOFTWARE\Round", "-s"])).ok();
        assert!(!left.contains("Sub") && !left.contains("    d    "), "{left}");
    }
}

#[test]
fn a_bad_reg_file_changes_nothing() {
    let guest = Guest::new();
    let before = guest.hash();
    let bad = "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Half]\r\n\"a\"=dword:zz\r\n";
    let target = vec![guest.image().to_owned()];
    with_input(&reg("import", &target, &["-"]), bad.as_bytes()).fails(2, &["line 4"]);
    assert_eq!(guest.hash(), before);
}

#[test]
fn a_loose_hive_keeps_its_mode_and_its_links() {
    let guest = Guest::new();
    let hive = guest.hive(r"\Windows\System32\config\SYSTEM", "SYSTEM");
    std::fs::set_permissions(&hive, std::fs::Permissions::from_mode(0o640)).unwrap();
    let link = guest.local("link");
    std::os::unix::fs::symlink("SYSTEM", &link).unwrap();
    drop(winkiln(&["reg", "add", "--hive", &link, r"\Site", "-v", "x", "-d", "1"]).ok());
    assert!(Path::new(&link).is_symlink());
    assert_eq!(std::fs::metadata(&hive).unwrap().permissions().mode() & 0o777, 0o640);
    // The same key by its place in the registry, through the current control set too.
    drop(winkiln(&["reg", "query", "--hive", &hive, r"HKLM\SYSTEM\Site", "-v", "x"]).ok());
    let control =
        winkiln(&["reg", "query", "--hive", &hive, r"HKLM\SYSTEM\CurrentControlSet\Control"]).ok();
    assert!(control.contains("CrashControl"), "{control}");
    let names: Vec<_> = std::fs::read_dir(guest.dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!names.iter().any(|name| name.starts_with(".winkiln")), "{names:?}");
}

#[test]
fn a_loose_hive_says_when_a_key_cannot_be_its_own() {
    let guest = Guest::new();
    let hive = guest.hive(r"\Windows\System32\config\SOFTWARE", "SOFTWARE");
    let before = hash(hive.as_ref());
    let rows: [(&[&str], &str); 4] = [
        (&["reg", "add", "--hive", &hive, r"HKLM\SYSTEM\Site"], "outside of HKLM\\SOFTWARE"),
        (&["reg", "add", "--hive", &hive, "Site"], "does not begin with a root key"),
        (&["reg", "add", "--hive", &hive, "--mount", "SOFTWARE", r"HKLM\SOFTWARE\a"], "--mount"),
        (
            &["reg", "add", "--hive", &hive, guest.image(), r"HKLM\SOFTWARE\a"],
            "unexpected argument",
        ),
    ];
    for (command, part) in rows {
        winkiln(command).fails(2, &[part]);
    }
    assert_eq!(hash(hive.as_ref()), before);
}

#[test]
fn a_read_only_hive_is_left_alone() {
    let guest = Guest::new();
    let hive = guest.hive(r"\Windows\System32\config\SOFTWARE", "SOFTWARE");
    std::fs::set_permissions(&hive, std::fs::Permissions::from_mode(0o444)).unwrap();
    let before = hash(hive.as_ref());
    winkiln(&["reg", "add", "--hive", &hive, r"\Site"]).fails(1, &["read-only"]);
    assert_eq!(hash(hive.as_ref()), before);
}

#[test]
fn the_same_time_gives_the_same_bytes() {
    let guest = Guest::new();
    let hive = guest.hive(r"\Windows\System32\config\SOFTWARE", "one");
    let other = guest.local("two");
    std::fs::copy(&hive, &other).unwrap();
    for file in [&hive, &other] {
        let edit = ["reg", "add", "--hive", file, r"\Site", "-v", "x", "--time", "1700000000"];
        drop(winkiln(&edit).ok());
    }
    assert_eq!(hash(hive.as_ref()), hash(other.as_ref()));
    let root = winkiln(&["reg", "query", "--hive", &hive, r"\"]).ok();
    assert!(root.starts_with("\n\\\n\n") && root.contains("\n\\Site\n"), "{root}");
    let key = winkiln(&["reg", "query", "--hive", &hive, r"\Site", "--json"]).json();
    assert_eq!(key["keys"][0]["last_write"], "2023-11-14T22:13:20Z");
}
