//! Differences of hives, and the text that carries them over.

use crate::corpus;
use crate::editing::step;
use crate::model::Key;
use crate::rng::Rng;
use winkiln_hive::diff::{Differs, diff, operations};
use winkiln_hive::reg_text::{RegAction, RegOperation, parse, write};
use winkiln_hive::{Hive, ValueType};

/// Carries out operations whose keys begin with `HKX`.
fn apply(hive: &mut Hive, operations: &[RegOperation]) {
    let root = hive.root();
    for RegOperation { key, action, .. } in operations {
        let path = key.strip_prefix("HKX").unwrap();
        let found = hive.find(root, path).unwrap();
        match action {
            RegAction::CreateKey => drop(hive.create_key(root, path, 1).unwrap()),
            RegAction::DeleteKey => hive.delete_key(found.unwrap(), 1).unwrap(),
            RegAction::SetValue { name, kind, data } => {
                hive.set_value(found.unwrap(), name, *kind, data, 1).map(drop).unwrap();
            }
            RegAction::DeleteValue { name } => {
                assert!(hive.delete_value(found.unwrap(), name, 1).unwrap());
            }
        }
    }
}

/// What a hive holds, whatever the order of values and the case of names that were there before.
fn content(hive: &Hive) -> Vec<String> {
    let flat = Key::read(hive, hive.root()).flat();
    flat.into_iter()
        .map(|(key, values)| {
            let mut values: Vec<_> =
                values.into_iter().map(|(name, value)| (name.to_uppercase(), value)).collect();
            values.sort_unstable();
            format!("{} {values:?}", key.to_uppercase())
        })
        .collect()
}

#[test]
fn differences_imported_into_the_first_give_the_second() {
    for seed in 0..12 {
        let mut rng = Rng::new(900 + seed);
        let mut a = Hive::create("ROOT", 1);
        let mut model = Key::default();
        for now in 0..150 {
            step(&mut a, &mut model, &mut rng, now);
        }
        a.seal(1);
        let mut b = Hive::open(a.bytes().to_vec()).unwrap();
        for now in 0..60 {
            step(&mut b, &mut model, &mut rng, now);
        }
        assert_eq!(diff((&a, a.root()), (&a, a.root())).unwrap(), []);
        let found = diff((&a, a.root()), (&b, b.root())).unwrap();
        let expected = operations(&found, "HKX");
        // The text holds the same operations.
        let text = write(&expected).unwrap();
        let read = parse(text.as_bytes()).unwrap();
        let mut copy = Hive::open(a.bytes().to_vec()).unwrap();
        apply(&mut copy, &read);
        assert_eq!(content(&copy), content(&b), "{seed}\n{text}");
        assert_eq!(diff((&copy, copy.root()), (&b, b.root())).unwrap(), [], "{seed}");
    }
}

#[test]
fn the_pair_of_the_corpus_differs_as_it_is_said_to() {
    let Some(a) = corpus::sample("hive/regipy/NTUSER_modified.DAT") else { return };
    let b = corpus::sample("hive/regipy/NTUSER.DAT").unwrap();
    let (a, b) = (Hive::open(a).unwrap(), Hive::open(b).unwrap());
    let found = diff((&a, a.root()), (&b, b.root())).unwrap();
    let count =
        |wanted: fn(&Differs) -> bool| found.iter().filter(|found| wanted(&found.what)).count();
    // 1809 keys become 1812: five more, and one gone with one below it.
    assert_eq!(count(|what| *what == Differs::KeyAdded), 5, "{found:?}");
    assert_eq!(count(|what| *what == Differs::KeyRemoved), 1);
    assert_eq!(count(|what| matches!(what, Differs::Value { before: None, .. })), 6);
    let gone = found.iter().find(|found| matches!(&found.what, Differs::Value { after: None, name, .. } if name == "not_a_malware"));
    assert_eq!(gone.unwrap().key, r"Software\Microsoft\Windows\CurrentVersion\Run");
}

#[test]
fn class_names_and_types_count_but_not_the_case_of_names() {
    let mut a = Hive::create("ROOT", 1);
    let mut b = Hive::create("OTHER", 2);
    for (hive, key, name) in [(&mut a, "Key", "Value"), (&mut b, "KEY", "VALUE")] {
        let (key, _) = hive.create_key(hive.root(), key, 3).unwrap();
        hive.set_value(key, name, ValueType::Sz, b"x\0\0\0", 3).unwrap();
    }
    assert_eq!(diff((&a, a.root()), (&b, b.root())).unwrap(), []);
    let key = b.find(b.root(), "key").unwrap().unwrap();
    b.set_class(key, "c", 4).unwrap();
    b.set_value(key, "value", ValueType::Binary, b"x\0\0\0", 3).unwrap();
    let found = diff((&a, a.root()), (&b, b.root())).unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[1].what, Differs::Class { before: None, after: Some("c".to_owned()) });
    assert_eq!(operations(&found, "HKX").len(), 1);
}
