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

/// What is overwritten with what; what the check finds; the key of which the repair says that something is lost, and what.
type Damage<'a> = (&'a str, usize, &'a [u8], &'a str, &'a str, &'a str);

/// A hive with everything that can be damaged, and where it lies in the file.
fn with_everything() -> (Vec<u8>, impl Fn(&str) -> usize) {
    let mut hive = Hive::create("ROOT", 1);
    let root = hive.root();
    let mut at = std::collections::HashMap::new();
    for name in ["first", r"first\below", "second", "third"] {
        let (key, _) = hive.create_key(root, name, 1).unwrap();
        at.insert(name.to_owned(), 4096 + key.0 as usize + 4);
    }
    let second = hive.find(root, "second").unwrap().unwrap();
    hive.set_class(second, "a class", 1).unwrap();
    hive.set_value(second, "long", ValueType::Binary, &[7; 100], 1).unwrap();
    hive.set_value(second, "huge", ValueType::Binary, &[8; 40_000], 1).unwrap();
    hive.set_value(second, "short", ValueType::Dword, &[9; 4], 1).unwrap();
    hive.seal(2);
    let bytes = hive.bytes().to_vec();
    let field = |record: usize, skip: usize| {
        4096 + 4 + u32::from_le_bytes(bytes[record + skip..][..4].try_into().unwrap()) as usize
    };
    let second = at["second"];
    at.insert("root".into(), 4096 + root.0 as usize + 4);
    at.insert("subkeys".into(), field(at["root"], 28));
    at.insert("values".into(), field(second, 40));
    at.insert("security".into(), field(second, 44));
    at.insert("class".into(), field(second, 48));
    let list = at["values"];
    let (long, huge) = (field(list, 0), field(list, 4));
    at.insert("data".into(), field(long, 8));
    at.insert("long".into(), long);
    at.insert("huge".into(), huge);
    at.insert("big".into(), field(huge, 8));
    at.insert("segments".into(), field(field(huge, 8), 4));
    (bytes, move |name| at[name])
}

#[test]
fn each_kind_of_damage_is_found_told_and_repaired() {
    let (sound, at) = with_everything();
    let nowhere = 0x00ff_fff0_u32.to_le_bytes();
    let rows: &[Damage<'_>] = &[
        ("a key's signature", at("second"), b"xx", "key.", "", "a subkey with all below it"),
        ("a key's flags of its name", at("second") + 72, &[0xff, 0xff], "", "", "a subkey"),
        ("a parent", at("second") + 16, &nowhere, "key.parent", "", ""),
        ("a list of subkeys", at("subkeys"), b"xx", "", "", "a list of subkeys"),
        ("an entry of it", at("subkeys") + 4, &nowhere, "", "", "a subkey"),
        ("its count", at("root") + 20, &[9], "", "", "subkeys that no list names"),
        ("a list of values", at("second") + 40, &nowhere, "", "second", "all 3 values"),
        ("an entry of it", at("values"), &nowhere, "", "second", "a value"),
        ("a value's signature", at("long"), b"xx", "", "second", "a value"),
        ("a value's data", at("long") + 8, &nowhere, "", "second", "value \"long\""),
        ("a length", at("long") + 4, &[0xff, 0xff, 0], "", "second", "value \"long\""),
        ("big data", at("big"), b"xx", "", "second", "value \"huge\""),
        ("its segments", at("segments"), &nowhere, "", "second", "value \"huge\""),
        ("a class name", at("second") + 48, &nowhere, "", "second", "class name"),
        ("access rights", at("second") + 44, &nowhere, "", "second", "access rights"),
        ("their cell", at("security"), b"xx", "", "", "access rights"),
        ("the ring of them", at("security") + 8, &nowhere, "security", "", ""),
        ("their count", at("security") + 12, &[77], "security", "", ""),
        ("a cell's size", at("third") - 4, &[1, 0, 0, 0], "cell.size", "", "a list of subkeys"),
        ("a bin", 4096 + 4096, b"xxxx", "bin.signature", "", ""),
        ("a key that is free", at("third") - 4, &[88, 0, 0, 0], "", "", "a subkey"),
        ("the checksum", 508, &[1, 2, 3, 4], "base.checksum", "", ""),
    ];
    let long = std::env::var_os("WINKILN_LONG").is_some();
    for (index, (name, place, with, id, key, lost)) in rows.iter().enumerate() {
        let mut bytes = sound.clone();
        bytes[*place..*place + with.len()].copy_from_slice(with);
        assert_ne!(bytes, sound, "{name}");
        let found = winkiln_hive::check_file(&bytes).unwrap();
        assert!(found.iter().any(|finding| finding.id.starts_with(id)), "{name}: {found:?}");
        let (mut repaired, losses, _) = Hive::repair(&bytes).unwrap();
        repaired.seal(3);
        let told = losses.iter().any(|loss| {
            loss.key.starts_with(key) && format!("{} {}", loss.key, loss.text).contains(lost)
        });
        assert!(told || lost.is_empty(), "{name}: {losses:?}");
        assert_eq!(repaired.check(), [], "{name}");
        let left = Key::read(&repaired, repaired.root());
        tools::nt_hive(repaired.bytes(), &left, repaired.minor_version());
        // These start a program each time.
        if !long && index % 7 != 0 {
            continue;
        }
        if let Some(found) = tools::hivecheck(repaired.bytes()) {
            assert!(found.is_empty(), "{name}: {found:?}");
        }
        if let Some(read) = tools::hivex(repaired.bytes()) {
            assert!(read == left.flat(), "{name}");
        }
    }
    // A file that was cut short.
    let (mut repaired, losses, found) = Hive::repair(&sound[..sound.len() - 8192]).unwrap();
    repaired.seal(3);
    assert!(!losses.is_empty() && !found.is_empty() && repaired.check().is_empty());
}
