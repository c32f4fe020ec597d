//! `doctor`.

use crate::env::{Guest, winkiln};

#[test]
fn findings_end_with_their_status_and_repairs_are_one_transaction() {
    let guest = Guest::new();
    let before = guest.hash();
    // The sample has no drivers that are bound to a disk.
    let run = winkiln(&["doctor", "--json", "--target", "ahci", guest.image()]);
    assert_eq!(run.status, 4, "{}", run.err);
    let shown: serde_json::Value = serde_json::from_str(&run.text()).unwrap();
    assert_eq!((&shown["healthy"], &shown["target"]), (&false.into(), &"ahci".into()));
    let findings = shown["findings"].as_array().unwrap();
    let finding = findings.iter().find(|one| one["rule"] == "storage-not-bound").unwrap();
    assert_eq!(
        (&finding["severity"], &finding["repair"]["kind"]),
        (&"stops-boot".into(), &"none".into())
    );
    let text = winkiln(&["doctor", guest.image()]).text();
    assert!(text.contains("stops boot  storage-not-bound  "), "{text}");
    assert!(text.contains("finds its disk on no disk controller"), "{text}");

    winkiln(&["bcd", "set", guest.image(), "{default}", "safeboot", "Minimal"]).ok();
    let unfixed = guest.hash();
    let run = winkiln(&["doctor", "--fix", "--dry-run", guest.image()]);
    assert!(run.text().contains("would repair safe-mode"), "{}", run.text());
    assert_eq!(guest.hash(), unfixed);
    let overlay = guest.local("new.qcow2");
    let run = winkiln(&["doctor", "--fix", "--overlay", &overlay, guest.image()]);
    assert!(run.text().contains("the result is"), "{}", run.text());
    assert_eq!(guest.hash(), unfixed);
    let run = winkiln(&["doctor", "--fix=safe-mode", "--json", guest.image()]);
    assert_eq!(run.status, 4, "{}", run.err);
    let shown: serde_json::Value = serde_json::from_str(&run.text()).unwrap();
    assert_eq!(shown["repaired"][0]["rule"], "safe-mode");
    assert_eq!(shown["report"]["committed"], true);
    assert_ne!(guest.hash(), before);
    let shown = winkiln(&["bcd", "enum", guest.image()]).ok();
    assert!(!shown.contains("safeboot"), "{shown}");
}

#[test]
fn rules_are_listed_and_mistakes_told() {
    let text = winkiln(&["doctor", "--rules"]).ok();
    assert!(text.contains("storage-start "), "{text}");
    let guest = Guest::new();
    winkiln(&["doctor", "--fix=nothing", guest.image()]).fails(2, &["no rule nothing", "--rules"]);
    winkiln(&["doctor"]).fails(2, &["IMAGE"]);
}
