//! `bcd` and `bootini`.

use serde_json::json;

use crate::env::{Guest, winkiln};

/// The target's arguments for an image and for a loose store.
fn targets(guest: &Guest) -> [Vec<String>; 2] {
    let store = guest.hive(r"\Boot\BCD", "BCD");
    [vec![guest.image().to_owned()], vec!["--store".to_owned(), store]]
}

fn bcd(verb: &str, target: &[String], rest: &[&str]) -> Vec<String> {
    let mut args = vec!["bcd".to_owned(), verb.to_owned()];
    args.extend_from_slice(target);
    args.extend(rest.iter().map(|arg| (*arg).to_owned()));
    args
}

#[test]
fn elements_are_set_shown_and_deleted() {
    let guest = Guest::new();
    for target in targets(&guest) {
        let line = |name: &str, value: &str| format!("{name:<24}{value}");
        let has = |wanted: &str| {
            let text = winkiln(&bcd("enum", &target, &["{default}"])).ok();
            text.lines().any(|line| line == wanted)
        };
        assert!(has(&line("description", "Windows 10")));
        for (element, value, shown) in [
            ("bootstatuspolicy", "IgnoreAllFailures", "IgnoreAllFailures"),
            ("nx", "OptOut", "OptOut"),
            ("description", "Baked by hand", "Baked by hand"),
            ("testsigning", "off", "No"),
            ("loadoptions", "GPLPV", "GPLPV"),
        ] {
            let set = bcd("set", &target, &["{default}", element, value, "--json"]);
            let report = winkiln(&set).json();
            assert_eq!(report["changes"][0]["kind"], "bcd-element", "{report}");
            assert!(has(&line(element, shown)), "{element} {value}");
            assert_eq!(winkiln(&set).json()["committed"], false, "{element}");
        }
        drop(winkiln(&bcd("deletevalue", &target, &["{current}", "loadoptions"])).ok());
        assert!(!winkiln(&bcd("enum", &target, &["{default}"])).ok().contains("loadoptions"));
        let gone =
            winkiln(&bcd("deletevalue", &target, &["{default}", "loadoptions", "--json"])).json();
        assert_eq!((&gone["committed"], &gone["changes"]), (&json!(false), &json!([])));
    }
}

#[test]
fn enum_shows_the_boot_menu_or_everything() {
    let guest = Guest::new();
    for target in targets(&guest) {
        let menu = winkiln(&bcd("enum", &target, &[])).ok();
        assert!(menu.starts_with("\nWindows Boot Manager\n--------------------\n"), "{menu}");
        assert!(menu.contains("identifier              {bootmgr}\n"), "{menu}");
        assert!(menu.contains("displayorder            {default}\n"), "{menu}");
        assert!(!menu.contains("Windows Memory"), "{menu}");
        let all = winkiln(&bcd("enum", &target, &["all"])).ok();
        assert!(all.contains("{memdiag}"), "{all}");
        let verbose = winkiln(&bcd("enum", &target, &["{bootmgr}", "-v"])).ok();
        assert!(verbose.contains("{9dea862c-5cdd-4e70-acc1-f32b344d4795}"), "{verbose}");
    }
}

#[test]
fn unknown_objects_elements_and_values_are_errors() {
    let guest = Guest::new();
    let before = guest.hash();
    for target in targets(&guest) {
        for (rest, part) in [
            (["{none}", "testsigning", "on"], "{none}"),
            (["{default}", "nosuchelement", "on"], "nosuchelement"),
            (["{default}", "testsigning", "perhaps"], "perhaps"),
        ] {
            let run = winkiln(&bcd("set", &target, &rest));
            assert!(matches!(run.status, 1 | 2), "{rest:?}: {} {}", run.status, run.err);
            assert!(run.err.contains(part), "{rest:?}: {}", run.err);
        }
    }
    assert_eq!(guest.hash(), before);
}

/// The sample guest turned into one that boots by `boot.ini`.
pub(crate) fn boot_ini_guest() -> Guest {
    let guest = Guest::new();
    let ini = guest.write(
        "boot.ini",
        b"[boot loader]\r\ntimeout=30\r\ndefault=multi(0)disk(0)rdisk(0)partition(1)\\WINDOWS\r\n\
          [operating systems]\r\n\
          multi(0)disk(0)rdisk(0)partition(1)\\WINDOWS=\"Windows Server 2003, Standard\" /fastdetect\r\n\
          multi(0)disk(0)rdisk(0)partition(1)\\OLD=\"Old \x8f\" /fastdetect /sos\r\n",
    );
    let image = guest.image();
    let nt = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion";
    drop(
        winkiln(&["reg", "add", image, nt, "-v", "ProductName", "-d", "Windows Server 2003"]).ok(),
    );
    drop(winkiln(&["reg", "add", image, nt, "-v", "CurrentVersion", "-d", "5.2"]).ok());
    drop(winkiln(&["reg", "add", image, nt, "-v", "CurrentBuildNumber", "-d", "3790"]).ok());
    drop(winkiln(&["reg", "add", image, nt, "-v", "CurrentBuild", "-d", "3790"]).ok());
    drop(winkiln(&["reg", "delete", image, nt, "-v", "CurrentMajorVersionNumber"]).ok());
    drop(winkiln(&["reg", "delete", image, nt, "-v", "CurrentMinorVersionNumber"]).ok());
    drop(winkiln(&["fs", "put", image, &ini, r"\boot.ini"]).ok());
    drop(winkiln(&["fs", "rm", "-r", image, r"\Boot"]).ok());
    drop(winkiln(&["fs", "rm", image, r"\bootmgr"]).ok());
    guest
}

#[test]
fn switches_of_boot_ini_come_and_go() {
    let guest = boot_ini_guest();
    let image = guest.image();
    let shown = winkiln(&["bootini", "show", image, "--json"]).json();
    assert_eq!(shown["timeout"], 30);
    assert_eq!(shown["default_entry"], 1);
    assert_eq!(shown["entries"][1]["switches"], json!(["/fastdetect", "/sos"]));
    let text = winkiln(&["bootini", "show", image]).ok();
    assert!(text.contains("Boot entry:       1 (default)"), "{text}");

    drop(winkiln(&["bootini", "add-switch", image, "/PAE"]).ok());
    drop(winkiln(&["bootini", "add-switch", image, "/NOGPLPV", "--entry", "2"]).ok());
    drop(winkiln(&["bootini", "remove-switch", image, "/sos", "--entry", "2"]).ok());
    let shown = winkiln(&["bootini", "show", image, "--json"]).json();
    assert_eq!(shown["entries"][0]["switches"], json!(["/fastdetect", "/PAE"]));
    assert_eq!(shown["entries"][1]["switches"], json!(["/fastdetect", "/NOGPLPV"]));
    let again = winkiln(&["bootini", "add-switch", image, "/pae", "--json"]).json();
    assert_eq!(again["committed"], false, "{again}");
    // The description's byte of an unknown code page is still there.
    let bytes = winkiln(&["fs", "cat", image, "boot.ini"]).out;
    assert!(bytes.windows(7).any(|part| part == b"\"Old \x8f\""));

    let before = guest.hash();
    winkiln(&["bootini", "add-switch", image, "/PAE", "--entry", "3"])
        .fails(2, &["no entry 3", "2 entries"]);
    assert_eq!(winkiln(&["bootini", "add-switch", image, "/PAE", "--entry", "0"]).status, 2);
    let run = winkiln(&["bootini", "add-switch", image, "PAE PAE"]);
    assert!(matches!(run.status, 1 | 2), "{}", run.err);
    assert_eq!(guest.hash(), before);

    winkiln(&["bcd", "enum", image]).fails(1, &["boots by boot.ini", "winkiln bootini"]);
    let inspected = winkiln(&["inspect", image, "--json"]).json();
    assert_eq!(inspected["windows"][0]["boot"]["kind"], "boot.ini");
    assert_eq!(inspected["windows"][0]["version"], "5.2");
}

#[test]
fn the_default_of_boot_ini_is_the_first_entry_of_its_path() {
    let guest = boot_ini_guest();
    let image = guest.image();
    let path = r"multi(0)disk(0)rdisk(0)partition(1)\WINDOWS";
    let ini = format!(
        "[boot loader]\r\ntimeout=30\r\ndefault={path}\r\n[operating systems]\r\n\
         {path}=\"One\" /fastdetect\r\n\
         multi(0)disk(0)rdisk(0)partition(1)\\OLD=\"Old\"\r\n\
         {path}=\"Two\" /GPLPV\r\n"
    );
    let local = guest.write("boot.ini", ini.as_bytes());
    drop(winkiln(&["fs", "put", image, &local, r"\boot.ini"]).ok());
    let text = || winkiln(&["fs", "cat", image, r"\boot.ini"]).text();

    let report = winkiln(&["bootini", "default", image, "--entry", "3", "--json"]).json();
    assert_eq!(report["changes"][0]["kind"], "boot-ini", "{report}");
    assert_eq!(report["verified"][0]["what"], r"\boot.ini", "{report}");
    let moved = format!("{path}=\"Two\" /GPLPV\r\n{path}=\"One\" /fastdetect\r\nmulti(0)");
    assert!(text().contains(&format!("default={path}\r\n")), "{}", text());
    assert!(text().contains(&moved), "{}", text());
    let again = winkiln(&["bootini", "default", image, "--entry", "1", "--json"]).json();
    assert_eq!(again["committed"], false, "{again}");

    drop(winkiln(&["bootini", "default", image, "--entry", "3"]).ok());
    assert!(text().contains("default=multi(0)disk(0)rdisk(0)partition(1)\\OLD\r\n"), "{}", text());
    for seconds in ["5", "-1", "0"] {
        drop(winkiln(&["bootini", "timeout", image, seconds]).ok());
        assert!(text().contains(&format!("timeout={seconds}\r\n")), "{}", text());
        let again = winkiln(&["bootini", "timeout", image, seconds, "--json"]).json();
        assert_eq!(again["committed"], false, "{again}");
    }
    let before = guest.hash();
    winkiln(&["bootini", "default", image, "--entry", "4"]).fails(2, &["no entry 4", "3 entries"]);
    winkiln(&["bootini", "default", image]).fails(2, &["--entry"]);
    winkiln(&["bootini", "timeout", image, "1000"]).fails(2, &["1000"]);
    assert_eq!(guest.hash(), before);
}

#[test]
fn boot_ini_commands_send_a_bcd_guest_to_bcd() {
    let guest = Guest::new();
    winkiln(&["bootini", "show", guest.image()]).fails(1, &["boot.ini", "winkiln bcd"]);
    winkiln(&["bootini", "add-switch", guest.image(), "/PAE"])
        .fails(1, &["boot.ini", "winkiln bcd"]);
}

#[test]
fn entries_of_boot_ini_are_copied() {
    let guest = boot_ini_guest();
    let image = guest.image();
    drop(winkiln(&["bootini", "copy", image, "-d", "Safe mode"]).ok());
    drop(winkiln(&["bootini", "add-switch", image, "/safeboot:minimal", "--entry", "3"]).ok());
    let shown = winkiln(&["bootini", "show", image, "--json"]).json();
    assert_eq!(shown["default_entry"], 1);
    assert_eq!(shown["entries"][2]["path"], shown["entries"][0]["path"]);
    assert_eq!(shown["entries"][2]["description"], "Safe mode");
    assert_eq!(shown["entries"][2]["switches"], json!(["/fastdetect", "/safeboot:minimal"]));
    winkiln(&["bootini", "copy", image, "-d", "x\"y"]).fails(1, &["description"]);
    winkiln(&["bootini", "copy", image, "-d", "x", "--entry", "9"]).fails(2, &["no entry 9"]);
}
