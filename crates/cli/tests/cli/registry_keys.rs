//! `reg copy`, `rename`, `diff`, `compact`, `repair`, code pages and control sets.

use std::fs;

use serde_json::json;

use crate::env::{Guest, winkiln, with_input};

fn targets(guest: &Guest, name: &str) -> [Vec<String>; 2] {
    let hive = guest.hive(&format!(r"\Windows\System32\config\{name}"), name);
    [vec![guest.image().to_owned()], vec!["--hive".to_owned(), hive]]
}

fn reg(verb: &str, target: &[String], rest: &[&str]) -> Vec<String> {
    let mut args = vec!["reg".to_owned(), verb.to_owned()];
    args.extend_from_slice(target);
    args.extend(rest.iter().map(|arg| (*arg).to_owned()));
    args
}

#[test]
fn keys_are_copied_and_renamed() {
    let guest = Guest::new();
    for target in targets(&guest, "SOFTWARE") {
        let run = |verb: &str, rest: &[&str]| winkiln(&reg(verb, &target, rest));
        drop(run("add", &[r"HKLM\SOFTWARE\Old\Sub", "-v", "x", "-d", "1"]).ok());
        let report =
            run("copy", &[r"HKLM\SOFTWARE\Old", r"HKLM\SOFTWARE\Old\Copy", "--json"]).json();
        assert_eq!(report["committed"], true);
        assert!(!report["verified"].as_array().unwrap().is_empty(), "{report}");
        drop(run("query", &[r"HKLM\SOFTWARE\Old\Copy\Sub", "-v", "x"]).ok());
        run("query", &[r"HKLM\SOFTWARE\Old\Copy\Copy"]).fails(1, &["no such key"]);
        let again =
            run("copy", &[r"HKLM\SOFTWARE\Old\Sub", r"HKLM\SOFTWARE\Old\Copy\Sub", "--json"]);
        assert_eq!(again.json()["committed"], false);

        let report =
            run("rename", &[r"HKLM\SOFTWARE\Old", r"HKLM\SOFTWARE\New name", "--json"]).json();
        assert_eq!(report["committed"], true);
        drop(run("query", &[r"HKLM\SOFTWARE\New name\Copy\Sub", "-v", "x"]).ok());
        run("query", &[r"HKLM\SOFTWARE\Old"]).fails(1, &["no such key"]);
        // Letters that change their case alone.
        drop(run("rename", &[r"HKLM\SOFTWARE\New name", r"HKLM\SOFTWARE\NEW NAME"]).ok());
        assert!(run("query", &[r"HKLM\SOFTWARE"]).ok().contains("NEW NAME"));
        let same = run("rename", &[r"HKLM\SOFTWARE\NEW NAME", r"HKLM\SOFTWARE\NEW NAME", "--json"]);
        assert_eq!(same.json()["committed"], false);
        // Another place, the same name.
        let [here, there] = [r"HKLM\SOFTWARE\NEW NAME\Copy", r"HKLM\SOFTWARE\Microsoft\Copy"];
        for [from, to] in [[here, there], [there, here]] {
            let report = run("rename", &[from, to, "--json"]).json();
            assert_eq!(report["committed"], true, "{report}");
            run("query", &[from]).fails(1, &["no such key"]);
        }
        run("rename", &[r"HKLM\SOFTWARE\Old", r"HKLM\SOFTWARE\X"]).fails(1, &["no such key"]);
        run("rename", &[r"HKLM\SOFTWARE\NEW NAME", r"HKLM\SOFTWARE\Microsoft"])
            .fails(1, &["already"]);
        run("rename", &[r"HKLM\SOFTWARE\NEW NAME", r"HKLM\SOFTWARE\NEW NAME\X"])
            .fails(1, &["below itself"]);
    }
    let image = guest.image();
    winkiln(&["reg", "rename", image, r"HKLM\SOFTWARE\NEW NAME", r"HKLM\SYSTEM\X"])
        .fails(1, &["different hives"]);
    drop(winkiln(&["reg", "copy", image, r"HKLM\SOFTWARE\NEW NAME", r"HKLM\SYSTEM\X"]).ok());
    drop(winkiln(&["reg", "query", image, r"HKLM\SYSTEM\X\Copy\Sub", "-v", "x"]).ok());
}

/// Hives that not every Windows has.
#[test]
fn the_component_store_and_drivers_have_hives_of_their_own() {
    let guest = Guest::new();
    let mut hive = winkiln_hive::Hive::create("ROOT", 1);
    hive.seal(2);
    let local = guest.write("empty", hive.bytes());
    for name in ["COMPONENTS", "DRIVERS"] {
        let key = format!(r"HKLM\{name}\Site");
        winkiln(&["reg", "query", guest.image(), &key]).fails(1, &[name]);
        let file = format!(r"\Windows\System32\config\{name}");
        drop(winkiln(&["fs", "put", guest.image(), &local, &file]).ok());
        let value = ["-v", "a", "-t", "REG_DWORD", "-d", "5"];
        drop(winkiln(&[&["reg", "add", guest.image(), &key], &value[..]].concat()).ok());
        let shown = winkiln(&["reg", "query", guest.image(), &key]).ok();
        assert!(shown.contains("REG_DWORD    0x5"), "{shown}");
    }
    assert!(winkiln(&["check", guest.image()]).ok().contains("no problems"));
}

#[test]
fn every_control_set_is_edited_when_asked() {
    let guest = Guest::new();
    for target in targets(&guest, "SYSTEM") {
        let run = |verb: &str, rest: &[&str]| winkiln(&reg(verb, &target, rest));
        drop(run("add", &[r"HKLM\SYSTEM\ControlSet007"]).ok());
        drop(run("add", &[r"HKLM\SYSTEM\ControlSetX"]).ok());
        let key = r"HKLM\SYSTEM\CurrentControlSet\Services\winkiln";
        let value = ["-v", "Start", "-t", "REG_DWORD", "-d", "4"];
        drop(run("add", &[&[key, "--all-control-sets"], &value[..]].concat()).ok());
        for set in ["ControlSet001", "ControlSet007"] {
            let key = format!(r"HKLM\SYSTEM\{set}\Services\winkiln");
            assert!(run("query", &[&key]).ok().contains("0x4"), "{set}");
        }
        run("query", &[r"HKLM\SYSTEM\ControlSetX\Services"]).fails(1, &["no such key"]);
        let text = "REGEDIT4\r\n\r\n[-HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\winkiln]\r\n";
        drop(
            with_input(&reg("import", &target, &["-", "--all-control-sets"]), text.as_bytes()).ok(),
        );
        for set in ["ControlSet001", "ControlSet007"] {
            let key = format!(r"HKLM\SYSTEM\{set}\Services\winkiln");
            run("query", &[&key]).fails(1, &["no such key"]);
        }
    }
}

#[test]
fn text_in_other_code_pages_is_imported() {
    let guest = Guest::new();
    let rows: [(&str, &[u8], &str); 4] = [
        ("CP1251", &[0xcf, 0xf0], "Пр"),
        ("866", &[0x8f, 0xe0], "Пр"),
        ("cp932", &[0x93, 0xfa, 0x96, 0x7b], "日本"),
        ("UTF-8", "žluť".as_bytes(), "žluť"),
    ];
    for target in targets(&guest, "SOFTWARE") {
        for (page, bytes, shown) in rows {
            let text = [
                b"REGEDIT4\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Pages]\r\n\"v\"=\"".as_slice(),
                bytes,
                b"\"\r\n",
            ]
            .concat();
            drop(with_input(&reg("import", &target, &["-", "--encoding", page]), &text).ok());
            let query = reg("query", &target, &[r"HKLM\SOFTWARE\Pages", "-v", "v", "--json"]);
            assert_eq!(
                winkiln(&query).json()["keys"][0]["values"][0]["data"],
                json!(shown),
                "{page}"
            );
        }
        let unknown = reg("import", &target, &["-", "--encoding", "CP9"]);
        with_input(&unknown, b"REGEDIT4\r\n").fails(2, &["CP9"]);
    }
}

#[test]
fn differences_are_shown_and_carried_over() {
    let (a, b) = (Guest::new(), Guest::new());
    for (one, other) in targets(&a, "SOFTWARE").iter().zip(targets(&b, "SOFTWARE")) {
        let files = [one.last().unwrap(), other.last().unwrap()];
        let diff = |rest: &[&str]| {
            let mut args = vec!["reg", "diff", files[0], files[1]];
            args.extend_from_slice(rest);
            winkiln(&args)
        };
        assert_eq!(diff(&[]).ok(), "");
        drop(winkiln(&reg("add", &other, &[r"HKLM\SOFTWARE\New\Sub", "-v", "x", "-d", "1"])).ok());
        drop(winkiln(&reg("add", one, &[r"HKLM\SOFTWARE\Gone"])).ok());
        let key = r"HKLM\SOFTWARE\Microsoft";
        drop(winkiln(&reg("add", one, &[key, "-v", "v", "-d", "old"])).ok());
        drop(winkiln(&reg("add", &other, &[key, "-v", "V", "-d", "new"])).ok());
        let text = diff(&[]).ok();
        let root = r"HKEY_LOCAL_MACHINE\SOFTWARE";
        let expected = format!(
            "- [{root}\\Gone]\n  [{root}\\Microsoft]\n~     V    REG_SZ \"old\" -> REG_SZ \"new\"\n\
             + [{root}\\New]\n+ [{root}\\New\\Sub]\n+     x    REG_SZ \"1\"\n"
        );
        assert_eq!(text, expected);
        let found = diff(&["--json"]).json();
        assert_eq!(found["differences"][0]["kind"], "key-removed");
        assert_eq!(found["differences"].as_array().unwrap().len(), 5);
        let only = diff(&["--key", r"HKLM\SOFTWARE\Microsoft", "--json"]).json();
        assert_eq!(only["differences"].as_array().unwrap().len(), 1);
        let carried = diff(&["--reg"]).ok();
        drop(with_input(&reg("import", one, &["-"]), carried.as_bytes()).ok());
        assert_eq!(diff(&[]).ok(), "", "{carried}");
    }
    // A hive file beside an image.
    let hive = b.hive(r"\Windows\System32\config\SOFTWARE", "another");
    assert_eq!(winkiln(&["reg", "diff", b.image(), &hive]).ok(), "");
    winkiln(&["reg", "diff", b.image(), "/nowhere"]).fails(1, &["nowhere"]);
}

#[test]
fn whole_roots_are_exported() {
    let guest = Guest::new();
    let image = guest.image();
    let all = winkiln(&["reg", "export", image, "HKLM"]).ok();
    for key in [r"[HKEY_LOCAL_MACHINE\SYSTEM\Select]", r"[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft]"] {
        assert!(all.contains(key), "{key}");
    }
    let two = winkiln(&[
        "reg",
        "export",
        image,
        r"HKLM\SYSTEM\Select",
        "--also",
        r"HKLM\SOFTWARE\Microsoft",
    ]);
    let two = two.ok();
    assert_eq!(two.matches("Windows Registry Editor").count(), 1);
    assert!(two.contains("SYSTEM\\Select]") && two.contains("SOFTWARE\\Microsoft]"), "{two}");
    let again = with_input(&["reg", "import", image, "-", "--json"], all.as_bytes()).json();
    assert_eq!(again["committed"], false, "an export read back changes nothing");
}

#[test]
fn loose_hives_are_compacted_and_repaired() {
    let guest = Guest::new();
    let file = guest.hive(r"\Windows\System32\config\SOFTWARE", "SOFTWARE");
    let key = r"HKLM\SOFTWARE\Large";
    let data = "ab".repeat(50_000);
    let value = ["-v", "x", "-t", "REG_BINARY", "-d", &data];
    drop(winkiln(&[&["reg", "add", "--hive", &file, key], &value[..]].concat()).ok());
    drop(winkiln(&["reg", "delete", "--hive", &file, key]).ok());
    let before = winkiln(&["reg", "query", "--hive", &file, "\\", "-s"]).ok();
    let length = fs::metadata(&file).unwrap().len();
    let dry = winkiln(&["reg", "compact", "--hive", &file, "--dry-run", "--json"]).json();
    assert_eq!((&dry["committed"], fs::metadata(&file).unwrap().len()), (&json!(false), length));
    let done = winkiln(&["reg", "compact", "--hive", &file, "--json"]).json();
    assert_eq!(done["committed"], true);
    assert!(fs::metadata(&file).unwrap().len() + 40_000 < length);
    assert_eq!(winkiln(&["reg", "query", "--hive", &file, "\\", "-s"]).ok(), before);
    let again = winkiln(&["reg", "compact", "--hive", &file, "--json"]).json();
    assert_eq!(again["committed"], false);

    let sound = winkiln(&["reg", "repair", "--hive", &file, "--json"]).json();
    assert_eq!(sound["committed"], false);
    // The signature of a key.
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.windows(9).position(|name| name == b"Microsoft").unwrap();
    bytes[at - 76] = b'x';
    fs::write(&file, &bytes).unwrap();
    winkiln(&["reg", "query", "--hive", &file, r"\Microsoft"]).fails(3, &["key node"]);
    let told = winkiln(&["reg", "repair", "--hive", &file]).ok();
    assert!(told.contains("lost at 0x") && told.contains("a subkey with all below it"), "{told}");
    drop(winkiln(&["reg", "query", "--hive", &file, "\\"]).ok());
    winkiln(&[
        "reg",
        "query",
        "--hive",
        &file,
        "--mount",
        r"HKLM\SOFTWARE",
        r"HKLM\SOFTWARE\Microsoft",
    ])
    .fails(1, &["no such key"]);
}

#[test]
fn rights_of_keys_are_shown_and_set() {
    let guest = Guest::new();
    let hive = guest.hive(r"\Windows\System32\config\SOFTWARE", "SOFTWARE");
    let key = r"HKLM\SOFTWARE\Site";
    let sddl = "D:P(A;CI;GA;;;BA)(A;CI;KR;;;BU)";
    for target in [vec![guest.image()], vec!["--hive", hive.as_str(), "--mount", r"HKLM\SOFTWARE"]]
    {
        let reg = |verb: &str, rest: &[&str]| -> Vec<String> {
            let all = [&["reg", verb][..], &target, rest].concat();
            all.into_iter().map(str::to_owned).collect()
        };
        drop(winkiln(&reg("add", &[&format!(r"{key}\Below")])).ok());
        let below = winkiln(&reg("security", &[&format!(r"{key}\Below")])).ok();
        let done = winkiln(&reg("security", &[key, sddl, "--json"])).json();
        assert_eq!(
            (&done["committed"], &done["changes"][0]["kind"]),
            (&json!(true), &json!("security"))
        );
        let shown = winkiln(&reg("security", &[key])).ok();
        assert!(shown.ends_with("D:P(A;CI;KA;;;BA)(A;CI;KR;;;BU)\n"), "{shown}");
        assert_eq!(winkiln(&reg("security", &[&format!(r"{key}\Below")])).ok(), below);
        let again = winkiln(&reg("security", &[key, sddl, "--json"])).json();
        assert_eq!((&again["committed"], &again["unchanged"]), (&json!(false), &json!(1)));

        drop(winkiln(&reg("security", &[key, "O:SY", "-r"])).ok());
        let below = winkiln(&reg("security", &[&format!(r"{key}\Below"), "--json"])).json();
        assert!(below["sddl"].as_str().unwrap().starts_with("O:SY"), "{below}");
        // What is new inherits.
        drop(winkiln(&reg("add", &[&format!(r"{key}\New")])).ok());
        let new = winkiln(&reg("security", &[&format!(r"{key}\New")])).ok();
        assert!(new.ends_with("D:(A;CI;KA;;;BA)(A;CI;KR;;;BU)\n"), "{new}");
        winkiln(&reg("security", &[key, "D:(A;;KQ;;;BA)"])).fails(2, &["not a right"]);
        winkiln(&reg("security", &[r"HKLM\SOFTWARE\None", sddl])).fails(1, &["None"]);
        drop(winkiln(&reg("delete", &[key])).ok());
    }
}

#[test]
fn the_view_of_classes_is_the_machines() {
    let guest = Guest::new();
    let hive = guest.hive(r"\Windows\System32\config\SOFTWARE", "SOFTWARE");
    let text = "REGEDIT4\n\n[HKEY_CLASSES_ROOT\\.site]\n@=\"sitefile\"\n";
    for target in [vec![guest.image()], vec!["--hive", hive.as_str(), "--mount", r"HKLM\SOFTWARE"]]
    {
        let with = |verb: &str, rest: &[&str]| -> Vec<String> {
            let all = [&["reg", verb][..], &target, rest].concat();
            all.into_iter().map(str::to_owned).collect()
        };
        drop(with_input(&with("import", &["-"]), text.as_bytes()).ok());
        let found = winkiln(&with("query", &[r"HKLM\SOFTWARE\Classes\.site", "--ve"])).ok();
        assert!(found.contains("sitefile"), "{found}");
        let found = winkiln(&with("query", &[r"HKCR\.site", "--ve"])).ok();
        assert!(found.contains("sitefile"), "{found}");
        // No hive has these: wrong usage, wherever they stand.
        for root in [r"HKEY_CURRENT_CONFIG\x", r"HKLM\HARDWARE\x", r"NOROOT\x"] {
            let text = format!("REGEDIT4\n\n[{root}]\n");
            with_input(&with("import", &["-"]), text.as_bytes()).fails(2, &[root]);
            winkiln(&with("query", &[root])).fails(2, &[root]);
            winkiln(&with("add", &[root])).fails(2, &[root]);
        }
    }
}
