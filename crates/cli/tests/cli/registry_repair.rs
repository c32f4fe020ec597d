//! `reg compact`, `reg repair` and `check --repair`, in an image and on loose hives.

use std::fs;

use serde_json::{Value, json};
use winkiln_hive::{Hive, ValueType};

use crate::env::{Guest, winkiln};
use crate::loose_logs::{number, sign, unfinished};

const SOFTWARE: &str = r"\Windows\System32\config\SOFTWARE";
const PARENT: &str = r"\Microsoft\Windows NT\CurrentVersion";

/// A guest whose SOFTWARE hive has lost the signature of one key below [`PARENT`]; that hive.
fn damaged() -> (Guest, String) {
    let guest = Guest::new();
    let file = guest.hive(SOFTWARE, "SOFTWARE");
    let mut bytes = fs::read(&file).unwrap();
    let name = b"Windows\0";
    let at = bytes.windows(name.len()).position(|found| found == name).unwrap();
    assert_eq!(&bytes[at - 76..at - 74], b"nk");
    bytes[at - 76] = b'x';
    fs::write(&file, bytes).unwrap();
    drop(winkiln(&["fs", "put", guest.image(), &file, SOFTWARE]).ok());
    (guest, file)
}

fn shown(run: crate::env::Run, status: i32) -> Value {
    assert_eq!(run.status, status, "{}{}", run.text(), run.err);
    serde_json::from_str(&run.text()).unwrap()
}

#[track_caller]
fn tells_the_loss(lost: &Value) {
    let lost = lost.as_array().unwrap();
    let subkey =
        lost.iter().find(|loss| loss["key"] == PARENT).unwrap_or_else(|| panic!("{lost:?}"));
    assert!(subkey["what"].as_str().unwrap().contains("key node"), "{subkey}");
    assert!(subkey["offset"].as_u64().unwrap() > 4096);
}

#[test]
fn check_repairs_hives_in_an_image() {
    let (guest, _) = damaged();
    let image = guest.image();
    let before = guest.hash();
    let dry = shown(winkiln(&["check", image, "--repair", "--dry-run", "--json"]), 4);
    assert_eq!((&dry["repaired"][0]["committed"], guest.hash()), (&json!(false), before));
    tells_the_loss(&dry["repaired"][0]["lost"]);
    let plain = shown(winkiln(&["check", image, "--json"]), 4);
    assert_eq!(
        (&plain["repaired"], guest.hash()),
        (&json!(null), before),
        "never without being told"
    );

    let overlay = guest.local("new.qcow2");
    let told = winkiln(&["check", image, "--repair", "--overlay", &overlay]).ok();
    assert!(told.contains("the result is") && guest.hash() == before, "{told}");
    let undo = guest.local("undo");
    let done = shown(winkiln(&["check", image, "--repair", "--json", "--undo", &undo]), 0);
    assert_eq!(done["report"]["undo"], undo.as_str());
    assert_eq!(done["clean"], false, "it was not");
    assert_eq!(done["repaired"].as_array().unwrap().len(), 1);
    assert_eq!(done["repaired"][0]["path"], SOFTWARE);
    assert_eq!(done["repaired"][0]["committed"], true);
    tells_the_loss(&done["repaired"][0]["lost"]);
    assert!(winkiln(&["check", image]).ok().contains("no problems"));
    assert!(winkiln(&["reg", "query", image, r"HKLM\SOFTWARE"]).ok().contains("Microsoft"));
}

#[test]
fn one_hive_of_an_image_is_repaired_and_compacted() {
    let (guest, file) = damaged();
    let image = guest.image();
    for target in [&[image, r"HKLM\SOFTWARE"][..], &["--hive", &file]] {
        let run = |verb: &str, more: &[&str]| {
            winkiln(&[&["reg", verb][..], target, more, &["--json"]].concat())
        };
        run("compact", &[]).fails(3, &["key node"]);
        let dry = run("repair", &["--dry-run"]).json();
        assert_eq!(dry["committed"], false);
        let done = run("repair", &[]).json();
        assert_eq!(done["committed"], true);
        tells_the_loss(&done["lost"]);
        let verified = done["verified"].as_array().unwrap();
        assert!(verified.iter().any(|one| one["reader"] == "nt-hive"), "{done}");
        assert_eq!(done["changes"].as_array().unwrap().len(), 1);
        let again = run("repair", &[]).json();
        assert_eq!((&again["committed"], &again["unchanged"]), (&json!(false), &json!(1)));
    }
    let key = r"HKLM\SOFTWARE\Large";
    let data = "ab".repeat(50_000);
    let value = ["-v", "x", "-t", "REG_BINARY", "-d", &data];
    drop(winkiln(&[&["reg", "add", image, key], &value[..]].concat()).ok());
    drop(winkiln(&["reg", "delete", image, key]).ok());
    let keys = winkiln(&["reg", "query", image, r"HKLM\SOFTWARE", "-s"]).ok();
    let overlay = guest.local("new.qcow2");
    let told = winkiln(&["reg", "compact", image, SOFTWARE, "--overlay", &overlay]).ok();
    assert!(told.contains("the result is"), "{told}");
    let done = winkiln(&["reg", "compact", image, SOFTWARE, "--json"]).json();
    assert_eq!(done["committed"], true);
    let (before, after) = (&done["bytes_before"], &done["bytes_after"]);
    assert!(after.as_u64().unwrap() + 40_000 < before.as_u64().unwrap(), "{done}");
    assert_eq!(winkiln(&["reg", "query", image, r"HKLM\SOFTWARE", "-s"]).ok(), keys);
    let length = fs::metadata(guest.hive(SOFTWARE, "compacted")).unwrap().len();
    assert_eq!(Some(length), after.as_u64());
    assert!(winkiln(&["check", image]).ok().contains("no problems"));
    winkiln(&["reg", "compact", image, r"HKLM\SOFTWARE\Microsoft"]).fails(2, &["key inside"]);
    winkiln(&["reg", "compact", image]).fails(2, &["no HIVE given"]);
}

#[test]
fn what_cannot_be_repaired_is_told() {
    let (guest, file) = damaged();
    let told = winkiln(&["check", "--hive", &file, "--repair"]);
    assert_eq!(told.status, 0, "{}", told.err);
    assert!(told.text().contains(r"lost at 0x") && told.text().contains(PARENT));
    assert!(winkiln(&["check", "--hive", &file]).ok().contains("no problems"));
    // No root key, no hive.
    let mut bytes = fs::read(&file).unwrap();
    let root = u32::from_le_bytes(bytes[36..40].try_into().unwrap()) as usize;
    bytes[4096 + root + 4] = b'x';
    fs::write(&file, &bytes).unwrap();
    let run = winkiln(&["check", "--hive", &file, "--repair"]);
    assert_eq!(run.status, 4);
    assert!(run.text().contains("not repaired"), "{}", run.text());
    assert_eq!(fs::read(&file).unwrap(), bytes);
    drop(winkiln(&["fs", "put", guest.image(), &file, SOFTWARE]).ok());
    let run = shown(winkiln(&["check", guest.image(), "--repair", "--json"]), 4);
    assert!(run["repaired"][0]["failure"].as_str().unwrap().contains("key node"), "{run}");
    winkiln(&["check", guest.image(), "--dry-run"]).fails(2, &["--repair"]);
}

/// A log of another time: newer than the hive, and of no use to it.
fn stale_log(hive: &[u8]) -> Vec<u8> {
    let (_, mut log) = unfinished(hive, hive);
    log[4..8].copy_from_slice(&500_u32.to_le_bytes());
    log[8..12].copy_from_slice(&500_u32.to_le_bytes());
    log[12] ^= 1;
    sign(&mut log[..512]);
    log
}

#[test]
fn a_repair_tells_logs_that_could_have_helped_from_those_that_could_not() {
    let (guest, file) = damaged();
    let image = guest.image();
    let whole = fs::read(&file).unwrap();
    let log = stale_log(&whole);
    let log_file = guest.write("SOFTWARE.LOG1", &log);
    let inner = format!("{SOFTWARE}.LOG1");
    // Damaged, but closed properly: its logs have nothing to say, and must never undo the repair.
    drop(winkiln(&["fs", "put", image, &log_file, &inner]).ok());
    for target in [&[image, r"HKLM\SOFTWARE"][..], &["--hive", &file]] {
        let done = winkiln(&[&["reg", "repair"][..], target, &["--json"]].concat()).json();
        assert_eq!(done["warnings"], json!([]), "{target:?}");
    }
    assert_eq!(fs::read(&log_file).unwrap(), log);
    let inside = fs::read(guest.hive(&inner, "log")).unwrap();
    assert_eq!(inside, log);
    for repaired in [fs::read(&file), fs::read(guest.hive(SOFTWARE, "repaired"))] {
        let repaired = repaired.unwrap();
        assert_eq!((number(&repaired, 4), number(&repaired, 8)), (501, 501));
    }
    // Without its last page: the logs could hold it, but do not.
    let mut hive = Hive::open(fs::read(&file).unwrap()).unwrap();
    hive.set_value(hive.root(), "large", ValueType::Binary, &[7; 20_000], 1).unwrap();
    hive.seal(1);
    fs::write(&file, &hive.bytes()[..hive.bytes().len() - 4096]).unwrap();
    drop(winkiln(&["fs", "put", image, &file, SOFTWARE]).ok());
    for target in [&[image, SOFTWARE][..], &["--hive", &file]] {
        let done = winkiln(&[&["reg", "repair"][..], target, &["--json"]].concat()).json();
        let warning = done["warnings"][0].as_str().unwrap();
        assert!(warning.contains("logs were of no use"), "{target:?}: {done}");
    }
    assert_eq!(fs::metadata(&log_file).unwrap().len(), 0);
    assert_eq!(fs::read(guest.hive(&inner, "log")).unwrap(), b"");
}
