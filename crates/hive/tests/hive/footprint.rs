//! What an edit writes, and what it leaves alone.

use crate::{corpus, tools};
use std::ops::Range;
use winkiln_hive::{Hive, HiveError, ValueType};

fn total(ranges: &[Range<u64>]) -> u64 {
    assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start), "{ranges:?}");
    ranges.iter().map(|range| range.end - range.start).sum()
}

fn changed(before: &[u8], after: &[u8]) -> usize {
    before.iter().zip(after).filter(|(a, b)| a != b).count() + after.len() - before.len()
}

#[test]
fn one_value_in_a_large_hive_writes_little() {
    let Some(original) = corpus::sample("hive/regipy-win7sp1-x86/SYSTEM") else { return };
    let start = std::time::Instant::now();
    let mut hive = Hive::open(original.clone()).unwrap();
    let key = hive.find(hive.root(), r"ControlSet001\Control\Session Manager").unwrap().unwrap();
    let first = start.elapsed();
    assert!(hive.set_value(key, "ProtectionMode", ValueType::Dword, &[0, 0, 0, 0], 9).unwrap());
    let ranges = hive.seal(10);
    eprintln!("opened in {first:?}, edited in {:?}: {ranges:?}", start.elapsed());
    assert!(total(&ranges) <= 4096, "{ranges:?}");
    assert!(changed(&original, hive.bytes()) < 60);

    let services = hive.find(hive.root(), r"controlset001\SERVICES").unwrap().unwrap();
    let (key, made) = hive.create_key(services, "winkiln", 11).unwrap();
    assert_eq!(made, 1);
    for (name, length) in [("Start", 4), ("ImagePath", 60), ("Group", 14), ("Parameters", 300)] {
        hive.set_value(key, name, ValueType::Binary, &vec![1; length], 12).unwrap();
    }
    let ranges = hive.seal(13);
    assert!(total(&ranges) <= 24 * 1024, "{ranges:?}");
}

#[test]
fn what_is_so_already_touches_nothing() {
    let Some(original) = corpus::sample("hive/winreg-kb/NTUSER.DAT") else { return };
    let mut hive = Hive::open(original.clone()).unwrap();
    let mut left = vec![hive.root()];
    while let Some(key) = left.pop() {
        for value in hive.values(key).unwrap() {
            assert!(
                !hive
                    .set_value(key, &value.name.to_uppercase(), value.kind, &value.data, 5)
                    .unwrap()
            );
        }
        for (name, subkey) in hive.subkeys(key).unwrap() {
            assert_eq!(hive.create_key(key, &name.to_lowercase(), 5).unwrap(), (subkey, 0));
            left.push(subkey);
        }
        assert!(!hive.delete_value(key, "no such value", 5).unwrap());
    }
    assert!(!hive.is_modified());
    assert_eq!(hive.seal(6), []);
    assert!(hive.bytes() == original);
}

#[test]
fn sealing_moves_past_every_log() {
    let Some(original) = corpus::sample("hive/museum-win10-default-profile/NTUSER.DAT") else {
        return;
    };
    let number =
        |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let (primary, secondary) = (number(&original, 4), number(&original, 8));
    let mut hive = Hive::open(original).unwrap();
    let root = hive.root();
    hive.set_value(root, "x", ValueType::Sz, b"a\0\0\0", 0x0102_0304_0506_0708).unwrap();
    assert!(hive.is_modified());
    let first = hive.seal(0x0102_0304_0506_0709);
    let bytes = hive.bytes().to_vec();
    assert_eq!((number(&bytes, 4), number(&bytes, 8)), (primary + 1, secondary + 1));
    // The time is in the base block and in the first bin.
    for at in [12, 4096 + 20] {
        assert_eq!(bytes[at..at + 8], 0x0102_0304_0506_0709u64.to_le_bytes());
    }
    assert!(first[0].start == 0);
    assert_eq!(hive.seal(99), first, "nothing new to stamp");
    assert!(hive.bytes() == bytes);
    for log in ["NTUSER.DAT.LOG1", "NTUSER.DAT.LOG2"] {
        let log = corpus::sample(&format!("hive/museum-win10-default-profile/{log}")).unwrap();
        for entry in log.chunks(512).filter(|sector| sector.starts_with(b"HvLE")) {
            assert!(number(entry, 12) < primary + 1, "an entry that could still be applied");
        }
    }
}

#[test]
fn growth_uses_the_slack_behind_the_bins_first() {
    let Some(original) = corpus::sample("hive/cfreds/base.hive") else { return };
    let mut hive = Hive::open(original.clone()).unwrap();
    let root = hive.root();
    hive.set_value(root, "a", ValueType::Binary, &[1; 100_000], 2).unwrap();
    hive.seal(3);
    assert_eq!(hive.bytes().len(), original.len());
    hive.set_value(root, "b", ValueType::Binary, &[2; 200_000], 4).unwrap();
    let ranges = hive.seal(5);
    let length = hive.bytes().len();
    assert!(length > original.len() && length.is_multiple_of(4096));
    assert_eq!(ranges.last().unwrap().end, length as u64);
    assert_eq!(hive.check(), []);
    if let Some(found) = tools::hivecheck(hive.bytes()) {
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn a_failed_edit_changes_nothing() {
    let mut hive = Hive::create("ROOT", 1);
    hive.seal(2);
    let mut hive = Hive::open(hive.bytes().to_vec()).unwrap();
    let before = hive.bytes().to_vec();
    let root = hive.root();
    let path = format!("{}\\{}", vec!["deep"; 300].join("\\"), "x".repeat(300));
    assert!(matches!(hive.create_key(root, &path, 3), Err(HiveError::NameTooLong { .. })));
    assert!(hive.bytes() == before);
    assert_eq!(hive.seal(4), []);
    assert_eq!(hive.delete_key(root, 3), Err(HiveError::RootKey));
    hive.create_key(root, "still works", 5).unwrap();
    assert_eq!(hive.check(), []);
}
