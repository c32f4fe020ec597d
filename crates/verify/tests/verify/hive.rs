//! The `nt-hive` reader.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use winkiln_disk::Device;
use winkiln_hive::{Hive, KeyId, ValueType};
use winkiln_verify::{Claim, HiveFact, ValueFact, ValueFingerprint, VerifyError, verify_volume};

use crate::tools::{corpus, disagrees, have, ntfs_volume, opinion, run, unxz};

const PATH: &str = r"\Windows\System32\config\SYSTEM";
/// Values asked of one hive.
const VALUES_MAX: usize = 5000;

fn volume(hive: &[u8]) -> Arc<dyn Device> {
    ntfs_volume(64 << 20, 4096, |root| {
        let folder = root.join("Windows/System32/config");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("SYSTEM"), hive).unwrap();
    })
}

fn claim(contents: &[u8], facts: Vec<HiveFact>) -> Claim {
    Claim::Hive { path: PATH.into(), contents: Arc::new(contents.to_vec()), facts }
}

fn number(kind: ValueType) -> u32 {
    match kind {
        ValueType::None => 0,
        ValueType::Sz => 1,
        ValueType::ExpandSz => 2,
        ValueType::Binary => 3,
        ValueType::Dword => 4,
        ValueType::DwordBigEndian => 5,
        ValueType::Link => 6,
        ValueType::MultiSz => 7,
        ValueType::ResourceList => 8,
        ValueType::FullResourceDescriptor => 9,
        ValueType::ResourceRequirementsList => 10,
        ValueType::Qword => 11,
        ValueType::Other(number) => number,
    }
}

/// Facts of every key and value in the order of the hive, up to a number.
fn facts(hive: &Hive) -> Vec<HiveFact> {
    let mut facts = Vec::new();
    let mut open: Vec<(String, KeyId)> = vec![(String::new(), hive.root())];
    while let Some((path, key)) = open.pop() {
        facts.push(HiveFact::KeyExists { key: path.clone() });
        for value in hive.values(key).unwrap() {
            let (name, kind, data) = (value.name, number(value.kind), value.data);
            facts.push(HiveFact::Value { key: path.clone(), name, kind, data });
        }
        if facts.len() > VALUES_MAX {
            break;
        }
        for (name, below) in hive.subkeys(key).unwrap() {
            open.push((format!("{path}\\{name}").trim_start_matches('\\').to_owned(), below));
        }
    }
    facts
}

/// A hive of the corpus, its sequence numbers made equal by `hivexsh` where they are not.
fn hive(file: &str, folder: &Path) -> Option<Vec<u8>> {
    let path = corpus(file)?;
    let bytes = if file.ends_with(".xz") { unxz(&path) } else { fs::read(&path).unwrap() };
    if bytes[4..8] == bytes[8..12] {
        return Some(bytes);
    }
    let place = folder.join("hive");
    fs::write(&place, bytes).unwrap();
    let script = folder.join("script");
    fs::write(&script, "commit\nunload\n").unwrap();
    run(Command::new("hivexsh").args(["-w", "-f"]).args([&script, &place]));
    Some(fs::read(&place).unwrap())
}

/// Facts of real hives, from XP to Windows 10, values of unknown types and big data among them.
#[test]
fn real_hives_agree() {
    if !have(&["mkntfs", "ntfs-3g", "umount", "xz", "hivexsh"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for file in [
        "hive/cellxml-xpsp3-x86/SYSTEM.xz",
        "hive/regipy-win81-x64/SYSTEM.xz",
        "hive/regipy-win10-1709-x64-dirty/SYSTEM.xz",
        "bcd/uefi-win10-lenovo/BCD",
    ] {
        let Some(bytes) = hive(file, folder.path()) else { return };
        let facts = facts(&Hive::open(bytes.clone()).unwrap());
        assert!(facts.len() > 50, "{file}: {} facts", facts.len());
        let found = opinion(&volume(&bytes), &[claim(&bytes, facts.clone())]);
        assert_eq!(found.skipped, [], "{file}");
        assert_eq!(found.verified.len(), facts.len() + 1, "{file}");
    }
}

/// Every kind of wrong fact is found, in a hive that other facts hold of.
#[test]
fn wrong_facts_are_found() {
    if !have(&["mkntfs", "ntfs-3g", "umount", "xz", "hivexsh"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let Some(bytes) = hive("hive/cellxml-xpsp3-x86/SYSTEM.xz", folder.path()) else { return };
    let device = volume(&bytes);
    let select = "Select".to_owned();
    let value = |name: &str, kind, data: &[u8]| HiveFact::Value {
        key: "SELECT".into(),
        name: name.into(),
        kind,
        data: data.to_vec(),
    };
    let one = 1_u32.to_le_bytes();
    let right = vec![
        HiveFact::KeyExists { key: select.clone() },
        HiveFact::KeyExists { key: r"controlset001\SERVICES\tcpip\Parameters".into() },
        HiveFact::KeyAbsent { key: r"Select\Below".into() },
        HiveFact::KeyAbsent { key: r"Nothing\Below".into() },
        value("current", 4, &one),
        HiveFact::ValueAbsent { key: select.clone(), name: "Currant".into() },
        HiveFact::ValueAbsent { key: "Nothing".into(), name: "Current".into() },
    ];
    let values = |values: &[(&str, Option<u32>)]| HiveFact::Values {
        key: "SELECT".into(),
        values: values
            .iter()
            .map(|(name, number)| ValueFact {
                name: (*name).into(),
                found: number.map(|number| (4, number.to_le_bytes().to_vec())),
            })
            .collect(),
    };
    let mut right = right;
    right.push(values(&[("LastKnownGood", Some(2)), ("currant", None), ("CURRENT", Some(1))]));
    let found = opinion(&device, &[claim(&bytes, right.clone())]);
    assert_eq!((found.verified.len(), found.skipped.len()), (right.len() + 1, 0));

    for (fact, reason) in [
        (HiveFact::KeyExists { key: r"Select\Below".into() }, "the key is missing"),
        (HiveFact::KeyAbsent { key: "sElect".into() }, "the key is there"),
        (value("Current", 4, &2_u32.to_le_bytes()), "byte 0x0 is 01, expected 02"),
        (value("Current", 4, &[1, 0, 0]), "4 bytes, expected 3"),
        (value("Current", 3, &one), "type 0x4, expected 0x3"),
        (value("Currant", 4, &one), "the value is missing"),
        (
            HiveFact::ValueAbsent { key: select.clone(), name: "CURRENT".into() },
            "the value is there",
        ),
        (
            HiveFact::Value { key: "No".into(), name: "a".into(), kind: 4, data: one.to_vec() },
            "the key is missing",
        ),
        (
            values(&[("Current", Some(1)), ("Default", Some(7))]),
            "value \"Default\": byte 0x0 is 01",
        ),
        (values(&[("Current", Some(1)), ("Currant", Some(1))]), "value \"Currant\": it is missing"),
        (values(&[("Default", Some(1)), ("current", None)]), "value \"current\": it is there"),
        (HiveFact::Values { key: "No".into(), values: Vec::new() }, "the key is missing"),
    ] {
        disagrees(&device, claim(&bytes, vec![right[0].clone(), fact]), reason);
    }

    let mut other = bytes.clone();
    other[5000] ^= 1;
    disagrees(&device, claim(&other, Vec::new()), "byte 0x1388 is");
}

/// A hive that is no sound hive is an error, whatever is claimed of it.
#[test]
fn damaged_hives_are_errors() {
    if !have(&["mkntfs", "ntfs-3g", "umount"]) {
        return;
    }
    let Some(path) = corpus("bcd/uefi-win10-lenovo/BCD") else { return };
    let good = fs::read(path).unwrap();
    let mut dirty = good.clone();
    dirty[4] ^= 1;
    let mut cell = good.clone();
    cell[4096 + 32] = 3;
    for bytes in [dirty, cell, good[..6000].to_vec(), b"not a hive".to_vec()] {
        let error = verify_volume(volume(&bytes), &[claim(&bytes, Vec::new())]).unwrap_err();
        assert!(matches!(error, VerifyError::Reader { reader: "nt-hive", .. }), "{error:?}");
    }
}

/// What is known of values by their fingerprints alone is found in any order and case, and nothing else is.
#[test]
fn values_are_found_by_their_fingerprints() {
    let big = vec![7; 20_000];
    for minor in [3, 5] {
        let mut hive = Hive::create_in_format("ROOT", minor, 1);
        let root = hive.root();
        let mut values =
            vec![("Empty", 3, &[][..]), ("inline", 0x1234, &[1, 2]), ("", 1, b"a\0\0\0")];
        for (name, kind, data) in &values {
            hive.set_value(root, name, ValueType::from_raw(*kind), data, 1).unwrap();
        }
        hive.set_value(root, "other", ValueType::Binary, &[1, 2], 1).unwrap();
        hive.set_value(root, "Big", ValueType::Binary, &big, 1).unwrap();
        hive.seal(1);
        let bytes = hive.shared_bytes();
        let print = |(name, kind, data): (&str, u32, &[u8])| {
            ValueFingerprint::of(&name.to_uppercase(), kind, data).unwrap()
        };
        let ask = |key: &str, values: Vec<ValueFingerprint>, told| {
            let facts = [HiveFact::Fingerprints { key: key.to_owned(), values }];
            winkiln_verify::verify_hive("hive", &bytes, vec![&facts], told)
        };
        values.reverse();
        let right: Vec<ValueFingerprint> = values.iter().copied().map(print).collect();
        let told = ask("", right.clone(), None).unwrap();
        assert_eq!((told.verified[0].what.as_str(), told.untold), ("hive:  (3 of its values)", 0));
        let counted = ask("", right.clone(), Some(0)).unwrap();
        assert_eq!((counted.verified.len(), counted.untold), (0, 1));
        let with = |value| ask("", [&right[..], &[print(value)]].concat(), None);
        // Not to be asked for like this, lest a wrong value hides behind one that cannot be read.
        assert_eq!(with(("big", 3, &big)).is_err(), minor == 3);
        for wrong in [("inline", 3, &[1, 2][..]), ("inline", 0x1234, &[1, 3]), ("Othe", 3, &[1, 2])]
        {
            let told = with(wrong);
            assert!(told.is_err(), "{wrong:?} {told:?}");
        }
        assert!(ask("No", right, None).is_err());
        assert_eq!(ValueFingerprint::of("\u{e9}", 1, &[]), None);
    }
}

#[test]
fn many_values_are_found_in_any_order_and_case() {
    let mut hive = Hive::create("ROOT", 1);
    let root = hive.root();
    let name = |number: u32| format!("Значение é{number}x");
    let ascii = |number: u32| format!("Value{number}");
    let mut values = Vec::new();
    for number in 0..2000_u32 {
        for name in [name(number), ascii(number)] {
            let data = number.to_le_bytes().to_vec();
            hive.set_value(root, &name, ValueType::Dword, &data, 1).unwrap();
            values.push(ValueFact { name: name.to_uppercase(), found: Some((4, data)) });
        }
    }
    hive.seal(1);
    values.reverse();
    values.push(ValueFact { name: "none".to_owned(), found: None });
    let bytes = hive.shared_bytes();
    let ask = |values: &[ValueFact]| {
        let facts = [HiveFact::Values { key: String::new(), values: values.to_vec() }];
        winkiln_verify::verify_hive("hive", &bytes, vec![&facts], None)
    };
    assert_eq!(ask(&values).unwrap().verified.len(), 1);
    for (at, wrong) in [
        (1, ValueFact { name: name(1999).to_uppercase(), found: None }),
        (2, ValueFact { name: ascii(1998), found: Some((4, vec![0; 4])) }),
        (4000, ValueFact { name: "none".to_owned(), found: Some((4, vec![0; 4])) }),
    ] {
        let mut values = values.clone();
        values[at] = wrong;
        let error = ask(&values).unwrap_err();
        assert!(matches!(error, VerifyError::Disagreement { .. }), "{error}");
    }
}
