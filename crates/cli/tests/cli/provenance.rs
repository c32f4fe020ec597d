//! `apply --report FILE`, and what reports keep to themselves.

use std::fs;

use serde_json::Value;

use crate::env::{Guest, hash, winkiln};

const RECIPE: &str = r#"
[presets]
crash-dump = "small"
[[files]]
from = "note.txt"
to = 'C:\note.txt'
[[registry]]
key = 'HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon'
name = "DefaultPassword"
type = "REG_SZ"
data = "hunter2"
[[registry]]
key = 'HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
name = "DigitalProductId"
type = "REG_BINARY"
data = "68756e74657232"
[[registry]]
key = 'HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\RunOnce'
name = "agent"
data = 'C:\setup.exe /quiet /password:hunter2 PIDKEY=HUNT2-HUNT2-HUNT2-HUNT2-HUNT2'
[[firstboot]]
name = "user"
run = 'net user admin hunter2'
[[registry]]
file = "site.reg"
"#;

/// Bakes a fresh guest; the image, the report, and everything that was printed.
fn bake() -> (u64, String, String) {
    let guest = Guest::new();
    let recipe = guest.write("recipe.toml", RECIPE.as_bytes());
    let _ = guest.write("note.txt", b"kept");
    let _ = guest.write("site.reg", b"REGEDIT4\n\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Site]\n");
    let kept = guest.local("report.json");
    let bake = ["apply", guest.image(), &recipe, "--report", &kept, "--time", "1700000000", "-v"];
    let run = winkiln(&bake);
    let printed = run.text() + &run.err;
    drop(run.ok());
    winkiln(&bake).fails(1, &["is there already"]);
    let report = fs::read_to_string(kept).expect("the report");
    (hash(guest.image().as_ref()), report, printed)
}

#[test]
fn the_same_bake_gives_the_same_image_and_report() {
    let (image, text, printed) = bake();
    let again = bake();
    assert_eq!((image, &text), (again.0, &again.1));
    let report: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&report["schema"], &report["committed"]), (&1.into(), &true.into()));
    assert_eq!(report["time"], 1_700_000_000);
    assert_eq!(report["windows"]["arch"], "x86_64");
    let inputs = report["inputs"].as_array().expect("a list");
    let kinds: Vec<_> = inputs.iter().map(|input| input["kind"].as_str().expect("text")).collect();
    assert_eq!(kinds, ["recipe", "reg-file", "file"]);
    assert_eq!(report["presets"], serde_json::json!(["crash-dump=small"]));
    // By sha256sum.
    let sum = "79f076abdd19a752db7267bfff2f9022161d120dea919fdaca2ffdfc24ca8c96";
    assert_eq!((&inputs[2]["sha256"], &inputs[2]["to"]), (&sum.into(), &r"C:\note.txt".into()));
    let changes = report["changes"].as_array().expect("a list");
    assert!(changes.iter().any(|change| change["target"].as_str() == Some(r"\note.txt")), "{text}");
    let secret = changes.iter().find(|change| {
        change["target"].as_str().is_some_and(|target| target.ends_with("DefaultPassword"))
    });
    assert_eq!(secret.expect("the value")["after"], "REG_SZ (a secret of 16 bytes)");
    let agent = changes.iter().find(|change| change["after"].to_string().contains("setup.exe"));
    let shown = r#"REG_SZ "C:\\setup.exe /quiet /password:*** PIDKEY=***""#;
    assert_eq!(agent.expect("the command")["after"], shown);
    for secret in ["HUNT2", "68756e"] {
        assert!(!text.contains(secret) && !printed.contains(secret), "{text}{printed}");
    }
    assert!(!text.contains("hunter2") && !printed.contains("hunter2"), "{text}{printed}");
    assert!(!text.contains("/tmp/"), "nothing of the host: {text}");
}

#[test]
fn a_report_that_cannot_be_kept_keeps_the_bake_from_happening() {
    let guest = Guest::new();
    let before = guest.hash();
    let nowhere = ["apply", guest.image(), "--preset", "rdp", "--report", "/nowhere/report.json"];
    winkiln(&nowhere).fails(1, &["/nowhere/report.json"]);
    assert_eq!(guest.hash(), before);
}

/// Of every command that writes to an image, by the same form.
#[test]
fn single_edits_are_kept_as_well() {
    let guest = Guest::new();
    let note = guest.write("note.txt", b"kept");
    let reg = guest.write("site.reg", b"REGEDIT4\n\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Site]\n");
    let kept = guest.local("report.json");
    for (edit, kind, target) in [
        (&["fs", "put", guest.image(), &note, r"\note.txt"][..], "file", r"\note.txt"),
        (&["reg", "import", guest.image(), &reg], "reg-file", r"HKLM\SOFTWARE\Site"),
        (&["bootini", "show", guest.image()], "", ""),
        (&["fs", "mkdir", guest.image(), r"\new"], "", r"\new"),
        (&["doctor", "--fix", guest.image(), "--target", "ide"], "", ""),
    ] {
        let run = winkiln(&[edit, &["--report", &kept, "--time", "1700000000"]].concat());
        if edit[1] == "show" {
            // It writes nothing.
            run.fails(2, &["--report"]);
            continue;
        }
        assert!([0, 4].contains(&run.status), "{edit:?}: {}", run.err);
        let Ok(text) = fs::read_to_string(&kept) else {
            // Nothing was there to repair.
            assert_eq!(edit[0], "doctor");
            continue;
        };
        let report: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&report["schema"], &report["committed"]), (&1.into(), &true.into()), "{text}");
        assert_eq!(report["inputs"][0]["kind"].as_str().unwrap_or_default(), kind, "{text}");
        let changes = report["changes"].as_array().expect("a list");
        let is_told = |change: &Value| change["target"].as_str().unwrap().ends_with(target);
        assert!(changes.iter().any(is_told), "{text}");
        fs::remove_file(&kept).expect("the report");
    }
    let hive = guest.hive(r"\Windows\System32\config\SOFTWARE", "SOFTWARE");
    let loose = ["reg", "add", "--hive", &hive, r"\x", "--report", &kept];
    winkiln(&loose).fails(2, &["--report is for images"]);
}

#[test]
fn loose_hives_of_secrets_are_told_without_values() {
    let guest = Guest::new();
    let hive = guest.local("SAM");
    let file =
        guest.write("new.reg", b"REGEDIT4\n\n[HKEY_LOCAL_MACHINE\\SAM\\SAM]\n\"V\"=\"hunter2\"\n");
    let mut empty = winkiln_hive::Hive::create("SAM", 1);
    empty.seal(1);
    fs::write(&hive, empty.bytes()).expect("written");
    let mounted = ["reg", "import", "--hive", &hive, &file, "--mount", r"HKLM\SAM"];
    let run = winkiln(&mounted);
    let printed = run.text() + &run.err;
    assert!(printed.contains("a secret of 16 bytes") && !printed.contains("hunter2"), "{printed}");
    let again = ["reg", "add", "--hive", &hive, r"HKLM\SAM\SAM", "-v", "V", "-d", "other"];
    let run = winkiln(&[&again[..], &["--mount", r"hklm\sam", "--json"]].concat());
    let printed = run.text() + &run.err;
    assert!(printed.contains("a secret of 16 bytes") && !printed.contains("hunter2"), "{printed}");
}

/// What is asked for by name is shown; differences and errors are not that.
#[test]
fn differences_and_errors_tell_no_secrets() {
    let (a, b) = (Guest::new(), Guest::new());
    let key = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon";
    let add = ["reg", "add", b.image(), key, "-v", "DefaultPassword", "-d", "hunter2"];
    let told = winkiln(&add).ok();
    let values = [winkiln(&["diff", a.image(), b.image()]).ok(), told];
    let more = [
        winkiln(&["diff", "--json", a.image(), b.image()]).ok(),
        winkiln(&["reg", "diff", a.image(), b.image()]).ok(),
        winkiln(&["reg", "diff", "--json", a.image(), b.image()]).ok(),
    ];
    for text in values.iter().chain(&more) {
        assert!(text.contains("a secret of 16 bytes") && !text.contains("hunter2"), "{text}");
    }
    // A .reg file that makes the one what the other is, and a query, are for the value itself.
    assert!(winkiln(&["reg", "diff", "--reg", a.image(), b.image()]).ok().contains("hunter2"));
    assert!(winkiln(&["reg", "query", b.image(), key]).ok().contains("hunter2"));

    let wrong = [&add[..], &["-t", "REG_DWORD"]].concat();
    let text = format!(
        "[[registry]]\nkey = '{key}'\nname = 'DefaultPassword'\ntype = 'REG_DWORD'\ndata = 'hunter2'\n"
    );
    let recipe = b.write("recipe.toml", text.as_bytes());
    for run in [winkiln(&wrong), winkiln(&["apply", b.image(), &recipe])] {
        assert!(run.err.contains("not data of type REG_DWORD"), "{}", run.err);
        assert!(!run.err.contains("hunter2"), "{}", run.err);
    }
}
