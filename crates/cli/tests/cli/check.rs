//! `check`.

use std::fs;

use crate::env::{Guest, path, winkiln};

#[test]
fn nothing_is_wrong_with_the_sample() {
    let guest = Guest::new();
    let before = fs::read(guest.image()).unwrap();
    let shown = winkiln(&["check", "--json", guest.image()]).json();
    assert_eq!(shown["clean"], true, "{shown}");
    assert_eq!(shown["findings"].as_array().unwrap().len(), 0, "{shown}");
    let volumes = shown["volumes"].as_array().unwrap();
    let hives: Vec<String> = volumes
        .iter()
        .flat_map(|volume| volume["hives"].as_array().unwrap())
        .map(|hive| hive.as_str().unwrap().to_lowercase())
        .collect();
    for hive in ["\\system", "\\software", "\\bcd"] {
        assert!(hives.iter().any(|path| path.ends_with(hive)), "{hive} in {hives:#?}");
    }
    let text = winkiln(&["check", guest.image()]).ok();
    assert!(text.contains("no problems"), "{text}");
    assert!(before == fs::read(guest.image()).unwrap(), "nothing is changed");
}

#[test]
fn problems_end_with_their_own_status() {
    let guest = Guest::new();
    let mut bytes = fs::read(guest.image()).unwrap();
    // The last file record in use counts one link too many.
    let record = (0..bytes.len())
        .step_by(512)
        .rfind(|at| {
            let record = &bytes[*at..];
            let own = record.starts_with(b"FILE") && record[0x2c] < 24 && record[0x2d] == 0;
            let base = record[0x20..0x28] == [0; 8];
            record.starts_with(b"FILE") && record[0x16] == 1 && base && !own
        })
        .unwrap();
    bytes[record + 0x12] += 1;
    fs::write(guest.image(), bytes).unwrap();
    let run = winkiln(&["check", "--json", guest.image()]);
    assert_eq!(run.status, 4, "{}{}", run.text(), run.err);
    let shown: serde_json::Value = serde_json::from_str(&run.text()).unwrap();
    assert_eq!(shown["clean"], false);
    let findings = shown["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{shown}");
    assert_eq!(findings[0]["code"], "link-count");
    assert_eq!(findings[0]["severity"], "damage");
    assert!(findings[0]["path"].as_str().unwrap().starts_with('\\'), "{shown}");
    assert!(findings[0]["record"].as_u64().unwrap() >= 24);
    assert!(findings[0]["offset"].is_u64());
    let volume = findings[0]["volume"].to_string();
    let run = winkiln(&["check", guest.image(), "--volume", &volume]);
    assert_eq!(run.status, 4);
    assert!(run.text().contains("damage  link-count") && run.err.is_empty(), "{}", run.text());
    winkiln(&["check", guest.image(), "--volume", "77"]).fails(2, &["no volume 77"]);
}

#[test]
fn loose_hives_are_checked() {
    let guest = Guest::new();
    let hive = guest.dir.path().join("SYSTEM");
    let hive = path(&hive);
    drop(winkiln(&["fs", "get", guest.image(), r"\Windows\System32\config\SYSTEM", hive]).ok());
    let text = winkiln(&["check", "--hive", hive]).ok();
    assert!(text.contains("no problems"), "{text}");
    let mut bytes = fs::read(hive).unwrap();
    let at = bytes.windows(2).skip(4096).position(|two| two == b"nk").unwrap() + 4096;
    bytes[at] = b'x';
    fs::write(hive, bytes).unwrap();
    let run = winkiln(&["check", "--json", "--hive", hive]);
    assert_eq!(run.status, 4, "{}{}", run.text(), run.err);
    let shown: serde_json::Value = serde_json::from_str(&run.text()).unwrap();
    let code = shown["findings"][0]["code"].as_str().unwrap();
    assert!(code.starts_with("hive-"), "{shown}");
    fs::write(hive, b"no hive").unwrap();
    winkiln(&["check", "--hive", hive]).fails(3, &["is no registry hive"]);
    winkiln(&["check"]).fails(2, &["IMAGE"]);
}
