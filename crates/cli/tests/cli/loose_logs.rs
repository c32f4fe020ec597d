//! Loose hives that were not closed properly, with their logs beside them.

use std::fs;
use std::path::Path;

use crate::env::{Guest, winkiln};

pub(crate) fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

pub(crate) fn sign(base_block: &mut [u8]) {
    let sum = (0..508).step_by(4).fold(0, |sum, at| sum ^ number(base_block, at));
    base_block[508..512].copy_from_slice(&sum.to_le_bytes());
}

/// A hive left half written: `old` as it is on disk, and the old-format log that leads to `new`.
pub(crate) fn unfinished(old: &[u8], new: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut hive = old.to_vec();
    let sequence = number(old, 8) + 1;
    hive[4..8].copy_from_slice(&sequence.to_le_bytes());
    sign(&mut hive[..512]);
    let mut log = new[..512].to_vec();
    log[4..8].copy_from_slice(&sequence.to_le_bytes());
    log[8..12].copy_from_slice(&sequence.to_le_bytes());
    log[12..20].copy_from_slice(&old[12..20]);
    log[28..32].copy_from_slice(&1_u32.to_le_bytes());
    sign(&mut log);
    let sectors = number(new, 40) as usize / 512;
    log.extend(b"DIRT");
    log.extend(vec![0xff; sectors / 8]);
    log.resize(log.len().next_multiple_of(512), 0);
    log.extend(&new[4096..4096 + sectors * 512]);
    (hive, log)
}

#[test]
fn a_loose_hive_is_recovered_from_the_logs_beside_it() {
    let guest = Guest::new();
    let file = guest.hive(r"\Windows\System32\config\SOFTWARE", "SOFTWARE");
    let old = fs::read(&file).unwrap();
    drop(
        winkiln(&["reg", "add", "--hive", &file, r"HKLM\SOFTWARE\Pending", "-v", "x", "-d", "1"])
            .ok(),
    );
    let (dirty, log) = unfinished(&old, &fs::read(&file).unwrap());
    fs::write(&file, &dirty).unwrap();

    // Without its log it is refused for editing, and the hint says what is missing.
    let add = ["reg", "add", "--hive", &file, r"HKLM\SOFTWARE\Edited"];
    winkiln(&add).fails(3, &["dirty", "LOG1"]);

    // Windows writes the name as it likes, and empty logs say nothing.
    let log_file = guest.write("software.log", &log);
    guest.write("SOFTWARE.LOG1", b"");
    let run = winkiln(&["reg", "query", "--hive", &file, r"HKLM\SOFTWARE\Pending"]);
    assert!(run.err.contains("recovered from the logs beside it (1 entry)"), "{}", run.err);
    assert!(run.ok().contains("    x    REG_SZ    1"));
    assert_eq!(fs::read(&file).unwrap(), dirty, "reading writes nothing");

    // An edit that changes nothing writes nothing either.
    let same = ["reg", "add", "--hive", &file, r"HKLM\SOFTWARE\Pending", "--json"];
    assert_eq!(winkiln(&same).json()["committed"], false);
    assert_eq!(
        (fs::read(&file).unwrap(), fs::read(&log_file).unwrap()),
        (dirty.clone(), log.clone())
    );

    let mut dry = add.to_vec();
    dry.push("--dry-run");
    drop(winkiln(&dry).ok());
    assert_eq!((fs::read(&file).unwrap(), fs::read(&log_file).unwrap()), (dirty, log));

    let mut json = add.to_vec();
    json.push("--json");
    let report = winkiln(&json).json();
    assert_eq!(report["committed"], true);
    assert!(report["warnings"][0].as_str().unwrap().contains("recovered"), "{report}");
    assert_eq!(fs::metadata(&log_file).unwrap().len(), 0, "the log has nothing more to say");
    let edited = fs::read(&file).unwrap();
    assert_eq!(number(&edited, 4), number(&edited, 8));
    for key in [r"HKLM\SOFTWARE\Pending", r"HKLM\SOFTWARE\Edited"] {
        let run = winkiln(&["reg", "query", "--hive", &file, key]);
        assert_eq!(run.err, "", "{key}");
        drop(run.ok());
    }
}

#[test]
fn a_log_longer_than_any_hive_is_not_read() {
    let guest = Guest::new();
    let file = guest.hive(r"\Windows\System32\config\SOFTWARE", "SOFTWARE");
    let old = fs::read(&file).unwrap();
    let log = guest.write("SOFTWARE.LOG1", b"log");
    fs::File::options().write(true).open(log).unwrap().set_len(5 << 30).unwrap();
    // It would not help a hive that is whole.
    drop(winkiln(&["reg", "query", "--hive", &file, r"HKLM\SOFTWARE"]).ok());
    let (dirty, _) = unfinished(&old, &old);
    fs::write(&file, dirty).unwrap();
    let query = ["reg", "query", "--hive", &file, r"HKLM\SOFTWARE"];
    winkiln(&query).fails(3, &["SOFTWARE.LOG1 is longer than a registry hive can be"]);
}

#[test]
fn logs_of_another_time_are_not_applied() {
    let guest = Guest::new();
    let file = guest.hive(r"\Windows\System32\config\SOFTWARE", "SOFTWARE");
    let old = fs::read(&file).unwrap();
    let (dirty, mut log) = unfinished(&old, &old);
    log[12] ^= 1;
    sign(&mut log[..512]);
    fs::write(&file, &dirty).unwrap();
    let log_file = guest.write("SOFTWARE.LOG1", &log);
    winkiln(&["reg", "add", "--hive", &file, r"\Edited"]).fails(3, &["dirty"]);
    assert_eq!(fs::read(&file).unwrap(), dirty);
    assert!(Path::new(&log_file).metadata().unwrap().len() > 0);
}
