//! Hives written anew: compaction and repair.

use crate::model::Key;
use crate::rng::Rng;
use crate::{corpus, tools};
use winkiln_hive::{Hive, KeyId, ValueType};

/// Everything of a hive that compaction keeps, key by key.
fn facts(hive: &Hive, key: KeyId, path: &str, all: &mut Vec<String>) {
    let info = hive.info(key).unwrap();
    let security = hive.security(key).unwrap();
    all.push(format!(
        "{path} {} {:?} {} {security:?} {:?}",
        info.last_write,
        info.class,
        info.is_link,
        hive.values(key).unwrap()
    ));
    for (name, subkey) in hive.subkeys(key).unwrap() {
        facts(hive, subkey, &format!("{path}\\{name}"), all);
    }
}

#[test]
fn a_compacted_hive_holds_the_same() {
    let mut compacted = 0;
    for sample in corpus::hives() {
        // One of this size is enough.
        if sample.bytes.len() > 3_000_000 && !sample.name.contains("regipy-win7") {
            continue;
        }
        let Ok(hive) = Hive::open(sample.bytes.clone()) else { continue };
        let Ok(mut compact) = hive.compact() else {
            assert_ne!(hive.check(), [], "{}", sample.name);
            continue;
        };
        compact.seal(9);
        assert_eq!(compact.check(), [], "{}", sample.name);
        assert!(compact.bytes().len() <= sample.bytes.len().max(8192), "{}", sample.name);
        let (mut before, mut after) = (Vec::new(), Vec::new());
        facts(&hive, hive.root(), "", &mut before);
        facts(&compact, compact.root(), "", &mut after);
        if before != after {
            // Lists that were out of order are in order now.
            assert!(
                hive.check().iter().any(|finding| finding.id == "key.order"),
                "{}",
                sample.name
            );
            before.sort_unstable();
            after.sort_unstable();
        }
        assert!(before == after, "{}", sample.name);
        if compact.bytes().len() < 100_000 {
            if let Some(found) = tools::hivecheck(compact.bytes()) {
                assert!(found.is_empty(), "{}: {found:?}", sample.name);
            }
            tools::nt_hive(
                compact.bytes(),
                &Key::read(&compact, compact.root()),
                compact.minor_version(),
            );
        }
        // And it can be edited like any other.
        let root = compact.root();
        compact.create_key(root, "new\\newer", 10).unwrap();
        assert_eq!(compact.check(), [], "{}", sample.name);
        compacted += 1;
    }
    assert!(corpus::folder().is_none() || compacted > 55, "{compacted}");
}

#[test]
fn a_sound_hive_is_repaired_without_loss() {
    for name in ["hive/regipy/NTUSER.DAT", "bcd/bios-win7/BCD", "hive/yarp/BigDataHive"] {
        let Some(bytes) = corpus::sample(name) else { return };
        let hive = Hive::open(bytes.clone()).unwrap();
        let (repaired, losses, _) = Hive::repair(&bytes).unwrap();
        assert_eq!(losses, [], "{name}");
        assert!(Key::read(&repaired, repaired.root()) == Key::read(&hive, hive.root()), "{name}");
    }
}

#[test]
fn what_was_lost_is_told() {
    let mut hive = Hive::create("ROOT", 1);
    let root = hive.root();
    for name in ["a\\b\\c", "d"] {
        hive.create_key(root, name, 1).unwrap();
    }
    let key = |path: &str, hive: &Hive| hive.find(root, path).unwrap().unwrap();
    let (b, d) = (key("a\\b", &hive), key("d", &hive));
    hive.set_value(d, "kept", ValueType::Sz, b"x\0\0\0", 1).unwrap();
    hive.set_value(d, "gone", ValueType::Binary, &[7; 50], 1).unwrap();
    hive.seal(2);
    let mut bytes = hive.bytes().to_vec();
    // b is no key any more, and the data of a value are nowhere.
    bytes[4096 + b.0 as usize + 4] = b'x';
    let at = bytes.windows(4).position(|name| name == b"gone").unwrap();
    bytes[at - 12..at - 8].copy_from_slice(&0x00ff_fff0_u32.to_le_bytes());
    // The base block is torn too.
    bytes[508] ^= 0x55;
    let (mut repaired, losses, findings) = Hive::repair(&bytes).unwrap();
    repaired.seal(3);
    assert_eq!(repaired.check(), []);
    assert!(findings.iter().any(|finding| finding.id == "base.checksum"));
    let told: Vec<(&str, &str)> =
        losses.iter().map(|loss| (loss.key.as_str(), loss.text.as_str())).collect();
    assert!(
        told.iter().any(|(key, text)| *key == "d" && text.contains("value \"gone\"")),
        "{told:?}"
    );
    assert!(told.iter().any(|(key, text)| *key == "a" && text.contains("a subkey")), "{told:?}");
    assert!(
        told.iter().any(|(_, text)| text.contains("key \"c\", which no key names")),
        "{told:?}"
    );
    let left = Key::read(&repaired, repaired.root());
    assert_eq!(left.paths(), [vec![], vec!["a".to_owned()], vec!["d".to_owned()]]);
    assert_eq!(left.subkeys[1].1.values[0].0, "kept");
    assert_eq!(left.subkeys[1].1.values.len(), 1);
}

#[test]
fn damaged_hives_of_the_corpus_are_repaired() {
    for name in ["BadListHive", "BadSubkeyHive", "DeletedDataHiveTruncated"] {
        let Some(bytes) = corpus::sample(&format!("hive/yarp/{name}")) else { return };
        let (mut repaired, losses, findings) = Hive::repair(&bytes).unwrap();
        repaired.seal(3);
        assert_eq!(repaired.check(), [], "{name}");
        assert!(!losses.is_empty() && !findings.is_empty(), "{name}: {losses:?} {findings:?}");
        if let Some(found) = tools::hivecheck(repaired.bytes()) {
            assert!(found.is_empty(), "{name}: {found:?}");
        }
    }
}

#[test]
fn whatever_is_damaged_the_repaired_hive_is_sound() {
    let mut rng = Rng::new(31);
    for name in ["hive/hivex/special", "bcd/bios-win7/BCD", "hive/plaso/100_sub_keys.hiv"] {
        let Some(original) = corpus::sample(name) else { return };
        let mut repaired = 0;
        for _ in 0..400 {
            let mut bytes = original.clone();
            for _ in 0..=rng.below(40) {
                let at = 4096 + rng.below(bytes.len() - 4096);
                match rng.below(3) {
                    0 => bytes[at] = rng.next() as u8,
                    1 => bytes[at & !3..(at & !3) + 4].fill(0xff),
                    _ => {
                        let from = rng.below(bytes.len() - 4) & !3;
                        bytes.copy_within(from..from + 4, at & !3);
                    }
                }
            }
            let Ok((mut hive, ..)) = Hive::repair(&bytes) else { continue };
            hive.seal(1);
            assert_eq!(hive.check(), []);
            let again = Hive::open(hive.bytes().to_vec()).unwrap();
            Key::read(&again, again.root());
            repaired += 1;
        }
        assert!(repaired > 200, "{name}: {repaired}");
    }
}
