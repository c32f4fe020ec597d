//! Symbolic links of the registry, in an image and in loose hives.

use std::fs;

use winkiln_hive::Hive;

use crate::env::{Guest, winkiln};

const SOFTWARE: &str = r"\Windows\System32\config\SOFTWARE";

/// A guest whose SOFTWARE hive has links to itself, to another hive, in a circle and to nowhere; that hive.
fn guest() -> (Guest, String) {
    let guest = Guest::new();
    let file = guest.hive(SOFTWARE, "SOFTWARE");
    let mut hive = Hive::open(fs::read(&file).unwrap()).unwrap();
    let root = hive.root();
    hive.create_key(root, r"Classes\CLSID", 1).unwrap();
    for (path, target) in [
        (r"Wow6432Node\Classes", r"\REGISTRY\MACHINE\SOFTWARE\Classes"),
        (r"Links\services", r"\Registry\Machine\System\CurrentControlSet\Services"),
        (r"Links\twice", r"\Registry\Machine\Software\Links\services"),
        (r"Links\a", r"\Registry\Machine\Software\Links\b"),
        (r"Links\b", r"\Registry\Machine\Software\Links\a"),
        (r"Links\volatile", r"\Registry\Machine\HARDWARE\x"),
        (r"Links\device", r"\Device\x"),
    ] {
        let (key, _) = hive.create_key(root, path, 1).unwrap();
        hive.make_link(key, target, 1).unwrap();
    }
    hive.seal(1);
    fs::write(&file, hive.bytes()).unwrap();
    drop(winkiln(&["fs", "put", guest.image(), &file, SOFTWARE]).ok());
    (guest, file)
}

#[test]
fn links_are_followed_in_an_image() {
    let (guest, _) = guest();
    let image = guest.image();
    let reg = |verb: &str, rest: &[&str]| winkiln(&[&["reg", verb, image], rest].concat());
    // Within a hive, into another one, through a link to a link.
    drop(reg("add", &[r"HKLM\SOFTWARE\Wow6432Node\Classes\CLSID\{1}", "--ve", "-d", "one"]).ok());
    assert!(reg("query", &[r"HKLM\SOFTWARE\Classes\CLSID\{1}"]).ok().contains("one"));
    let key = r"HKLM\SOFTWARE\Links\twice\winkiln";
    let report = reg("add", &[key, "-v", "Start", "-t", "REG_DWORD", "-d", "4", "--json"]).json();
    assert_eq!(report["changes"][1]["target"], r"HKLM\SYSTEM\ControlSet001\Services\winkiln\Start");
    assert!(!report["verified"].as_array().unwrap().is_empty());
    let place = r"HKLM\SYSTEM\CurrentControlSet\Services\winkiln";
    assert!(reg("query", &[place]).ok().contains("0x4"));
    drop(reg("delete", &[key]).ok());
    reg("query", &[place]).fails(1, &["no such key"]);

    reg("query", &[r"HKLM\SOFTWARE\Links\a\x"]).fails(1, &["more than 32 symbolic links"]);
    reg("query", &[r"HKLM\SOFTWARE\Links\volatile"])
        .fails(1, &[r"\Registry\Machine\HARDWARE\x", "not stored on disk"]);
    let before = guest.hash();
    reg("add", &[r"HKLM\SOFTWARE\Links\device\x"]).fails(1, &[r"symbolic link to \Device\x"]);
    assert_eq!(guest.hash(), before);

    // The link itself.
    let link = r"HKLM\SOFTWARE\Links\services";
    let shown = reg("query", &[link, "--open-link", "--json"]).json();
    let target = r"\Registry\Machine\System\CurrentControlSet\Services";
    assert_eq!(shown["keys"][0]["link"], target);
    assert_eq!(shown["keys"][0]["values"][0]["type"], "REG_LINK");
    drop(reg("delete", &[link, "--open-link"]).ok());
    reg("query", &[link]).fails(1, &["no such key"]);
    assert!(reg("query", &[r"HKLM\SYSTEM\CurrentControlSet\Services"]).ok().len() > 60);
}

#[test]
fn links_are_followed_within_a_loose_hive() {
    let (_guest, file) = guest();
    let reg =
        |verb: &str, rest: &[&str]| winkiln(&[&["reg", verb, "--hive", &file], rest].concat());
    let report = reg("add", &[r"\Wow6432Node\Classes\.x", "--ve", "-d", "x", "--json"]).json();
    assert_eq!(report["changes"][0]["target"], r"HKEY_LOCAL_MACHINE\SOFTWARE\Classes\.x");
    assert!(reg("query", &[r"HKLM\SOFTWARE\Classes\.x"]).ok().contains('x'));
    reg("query", &[r"\Links\twice\X"])
        .fails(1, &[r"\Registry\Machine\System\CurrentControlSet\Services", "not in this hive"]);
    reg("query", &[r"\Links\b"]).fails(1, &["more than 32 symbolic links"]);
    reg("delete", &[r"\Links\device"]).fails(1, &[r"\Device\x"]);
    drop(reg("delete", &[r"\Links\device", "--open-link"]).ok());
    let shown = reg("export", &[r"HKLM\SOFTWARE\Links\a", "--open-link"]).ok();
    assert!(shown.contains("\"SymbolicLinkValue\"=hex(6):5c,00"), "{shown}");
}

#[test]
fn rights_are_told_of_the_key_that_a_link_leads_to() {
    let (guest, file) = guest();
    let link = r"HKLM\SOFTWARE\Wow6432Node\Classes";
    for (target, key) in [
        (&["--hive", &file][..], r"HKEY_LOCAL_MACHINE\SOFTWARE\Classes"),
        (&[guest.image()], r"HKLM\SOFTWARE\Classes"),
    ] {
        let set = [&["reg", "security"][..], target, &[link, "O:SY", "--json"]].concat();
        let done = winkiln(&set).json();
        assert_eq!(done["changes"][0]["target"], key);
        assert_eq!(winkiln(&set).json()["unchanged"], 1);
    }
}
