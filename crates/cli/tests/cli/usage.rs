//! Wrong usage ends with 2, says what is wrong, and writes nothing; closed pipes end quietly.

use std::io::Read as _;
use std::process::Stdio;

use crate::env::{Guest, command, winkiln};

#[test]
fn wrong_usage_ends_with_2() {
    let guest = Guest::new();
    let image = guest.image();
    let before = guest.hash();
    let rows: [(&[&str], &str); 22] = [
        (&["frobnicate"], "frobnicate"),
        (&["inspect"], "IMAGE"),
        (&["inspect", image, "--format", "iso"], "iso"),
        (&["inspect", image, "--volume", "x"], "x"),
        (&["inspect", image, "--volume", "9"], "no volume 9"),
        (&["apply", image], "nothing to apply"),
        (&["apply", image, "--preset", "acpi-shutdwn"], "acpi-shutdown"),
        (&["apply", image, "--preset", "crash-dump=huge"], "huge"),
        (&["apply", image, "--force-unsigned"], "--drivers"),
        (&["reg", "query", image], "no KEY given"),
        (&["reg", "query"], "no IMAGE given"),
        (&["reg", "add", image, r"HKLM\SOFTWARE\a", "-d", "x"], "-v NAME"),
        (
            &["reg", "add", image, r"HKLM\SOFTWARE\a", "-v", "x", "-t", "REG_DWROD", "-d", "1"],
            "REG_DWORD",
        ),
        (
            &["reg", "add", image, r"HKLM\SOFTWARE\a", "-v", "x", "-t", "REG_DWORD", "-d", "-1"],
            "-1",
        ),
        (&["reg", "add", image, r"HKLM\SOFTWARE\a", "-v", "x", "--ve"], "--ve"),
        (&["reg", "add", image, r"HKLM\SOFTWARE\a", "--time", "99999999999999999"], "--time"),
        (&["reg", "query", image, "a", "b"], "b"),
        (&["reg", "import", image], "FILE.reg"),
        (&["bcd", "set", image, "{default}", "testsigning"], "no VALUE given"),
        (&["bootini", "add-switch", image], "SWITCH"),
        (&["reg", "query", image, r"HKLM\SOFTWARE", "--mount", r"HKLM\SOFTWARE"], "--hive"),
        (&["fs", "get", image, r"\bootmgr", "-", "--json"], "standard output"),
    ];
    for (args, part) in rows {
        winkiln(args).fails(2, &[part]);
    }
    assert_eq!(guest.hash(), before);
}

#[test]
fn a_recipe_with_an_unknown_key_names_the_nearest() {
    let guest = Guest::new();
    let before = guest.hash();
    let recipe = guest.write("recipe.toml", b"[presets]\nacpi-shutdwn = true\n");
    winkiln(&["apply", guest.image(), &recipe]).fails(2, &["acpi-shutdwn", "acpi-shutdown"]);
    let recipe = guest.write("recipe.toml", b"[[registry]\n");
    winkiln(&["apply", guest.image(), &recipe]).fails(2, &["recipe.toml"]);
    winkiln(&["apply", guest.image(), "/nonexistent.toml"]).fails(1, &["nonexistent.toml"]);
    assert_eq!(guest.hash(), before);
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let guest = Guest::new();
    let mut child = command(&["reg", "query", guest.image(), r"HKLM\SYSTEM", "-s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

#[test]
fn quiet_is_quiet_and_verbose_says_more() {
    let guest = Guest::new();
    let image = guest.image();
    let quiet = winkiln(&["reg", "add", image, r"HKLM\SOFTWARE\Quiet", "-q"]);
    assert_eq!((quiet.status, quiet.text().as_str(), quiet.err.as_str()), (0, "", ""));
    let loud = winkiln(&["reg", "add", image, r"HKLM\SOFTWARE\Loud", "--verbose"]);
    assert!(loud.err.contains(r"create key HKLM\SOFTWARE\Loud"), "{}", loud.err);
    assert!(loud.ok().contains("verified by"));
}

#[test]
fn a_recovery_without_an_interrupted_commit_does_nothing() {
    let guest = Guest::new();
    let before = guest.hash();
    assert!(winkiln(&["recover", guest.image()]).ok().contains("nothing to do"));
    let json = winkiln(&["recover", guest.image(), "--dry-run", "--json"]).json();
    assert_eq!(json["recovery"], serde_json::Value::Null);
    assert_eq!(guest.hash(), before);
}
