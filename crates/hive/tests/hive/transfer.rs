//! Keys renamed, moved, copied; class names; lists that other programs sorted.

use crate::model::Key;
use crate::{corpus, tools};
use winkiln_hive::{Hive, HiveError, ValueType};

fn judged_clean(hive: &Hive) {
    assert_eq!(hive.check(), []);
    if let Some(theirs) = tools::hivecheck(hive.bytes()) {
        assert!(theirs.is_empty(), "{theirs:?}");
    }
}

#[test]
fn a_renamed_key_keeps_all_it_has() {
    let mut hive = Hive::create("ROOT", 1);
    let root = hive.root();
    let (key, _) = hive.create_key(root, "Old\\Below\\Deep", 1).unwrap();
    hive.set_value(key, "v", ValueType::Sz, b"x\0\0\0", 1).unwrap();
    hive.set_class(key, "Klasse", 1).unwrap();
    let old = hive.find(root, "old").unwrap().unwrap();
    hive.set_class(old, "C", 1).unwrap();
    for name in ["Other", "Z"] {
        hive.create_key(root, name, 1).unwrap();
    }
    let rights = hive.security(old).unwrap();
    // Longer, shorter, other letters, another case alone.
    let mut key = old;
    for name in ["A much longer name than before, which its cell cannot hold", "Я", "я", "Old"] {
        key = hive.move_key(key, root, name, 2).unwrap().unwrap();
        assert_eq!(hive.info(key).unwrap().name, name);
        assert_eq!(hive.find(root, name).unwrap(), Some(key));
        let deep = hive.find(key, "below\\deep").unwrap().unwrap();
        assert_eq!(hive.value(deep, "v").unwrap().unwrap().data, b"x\0\0\0");
        assert_eq!(hive.info(deep).unwrap().class.as_deref(), Some("Klasse"));
        assert_eq!(hive.security(key).unwrap(), rights);
        assert_eq!(hive.subkeys(root).unwrap().len(), 3);
        hive.seal(3);
        judged_clean(&hive);
    }
    let other = hive.find(root, "other").unwrap().unwrap();
    let key = hive.move_key(key, other, "Moved", 4).unwrap().unwrap();
    assert_eq!(hive.move_key(key, other, "Moved", 4).unwrap(), None);
    // Another parent, the same name: nothing but the parent tells the two apart.
    for parent in [root, other] {
        assert_eq!(hive.move_key(key, parent, "Moved", 4).unwrap(), Some(key));
    }
    assert_eq!(hive.find(root, "Other\\Moved\\Below").unwrap().map(|_| ()), Some(()));
    assert_eq!(hive.find(root, "Old").unwrap(), None);
    let below = hive.find(key, "Below").unwrap().unwrap();
    let before = hive.bytes().to_vec();
    for (key, parent, name) in [
        (key, below, "x"),
        (key, key, "x"),
        (key, root, "z"),
        (key, root, "a\\b"),
        (key, root, ""),
        (root, other, "x"),
    ] {
        let error = hive.move_key(key, parent, name, 5).unwrap_err();
        assert!(!error.is_refusal(), "{error}");
    }
    assert!(matches!(hive.move_key(key, root, "z", 5), Err(HiveError::Exists { .. })));
    assert!(matches!(hive.move_key(key, below, "z", 5), Err(HiveError::IntoItself { .. })));
    assert!(hive.bytes() == before, "what failed changed nothing");
    hive.seal(6);
    judged_clean(&hive);
}

#[test]
fn a_copy_holds_the_same_and_keeps_what_is_there() {
    let mut hive = Hive::create("ROOT", 1);
    let root = hive.root();
    for path in ["from\\a\\b", "from\\c", "to\\a\\own"] {
        let (key, _) = hive.create_key(root, path, 1).unwrap();
        hive.set_value(key, path, ValueType::Binary, &[3; 20_000], 1).unwrap();
        hive.set_class(key, path, 1).unwrap();
    }
    let from = hive.find(root, "from").unwrap().unwrap();
    let to = hive.find(root, "to").unwrap().unwrap();
    let source = Hive::open({
        hive.seal(2);
        hive.bytes().to_vec()
    })
    .unwrap();
    assert_eq!(hive.copy_from(&source, from, to, 3).unwrap(), (2, 2));
    let (mut copied, original) = (Key::read(&hive, to), Key::read(&source, from));
    assert!(copied.find(&["a".to_owned(), "own".to_owned()]).is_some());
    copied.delete(&["a".to_owned(), "own".to_owned()]);
    assert!(copied == original);
    assert_eq!(hive.copy_from(&source, from, to, 4).unwrap(), (0, 0), "all is there already");
    // Into another hive, and a key into itself from a copy.
    let mut other = Hive::create("OTHER", 1);
    let root = other.root();
    other.copy_from(&source, source.root(), root, 5).unwrap();
    assert!(Key::read(&other, other.root()) == Key::read(&source, source.root()));
    other.seal(6);
    judged_clean(&other);
    hive.seal(6);
    judged_clean(&hive);
}

#[test]
fn class_names_come_and_go() {
    let mut hive = Hive::create("ROOT", 1);
    let root = hive.root();
    let (key, _) = hive.create_key(root, "k", 1).unwrap();
    for class in ["a", "Ключ", "a much longer class name than the one before it", ""] {
        assert!(hive.set_class(key, class, 2).unwrap());
        assert!(!hive.set_class(key, class, 3).unwrap());
        let expected = (!class.is_empty()).then_some(class);
        assert_eq!(hive.info(key).unwrap().class.as_deref(), expected);
        assert_eq!(hive.check(), []);
    }
    let long = "x".repeat(0x7fff);
    assert!(hive.set_class(key, &long, 4).unwrap());
    assert!(matches!(
        hive.set_class(key, &"x".repeat(0x8000), 5),
        Err(HiveError::NameTooLong { what: "class", .. })
    ));
    assert!(hive.set_class(root, "of the root", 6).unwrap());
    assert_eq!(hive.check(), []);
}

/// Swaps two entries of the root's list, as if another program had sorted by another rule.
fn swapped(hive: &mut Hive) -> Hive {
    hive.seal(2);
    let mut bytes = hive.bytes().to_vec();
    let root = 4096 + hive.root().0 as usize + 4;
    let list = u32::from_le_bytes(bytes[root + 28..root + 32].try_into().unwrap()) as usize;
    let entries = 4096 + list + 8;
    let (a, b) = (bytes[entries..entries + 8].to_vec(), bytes[entries + 8..entries + 16].to_vec());
    bytes[entries..entries + 8].copy_from_slice(&b);
    bytes[entries + 8..entries + 16].copy_from_slice(&a);
    Hive::open(bytes).unwrap()
}

#[test]
fn lists_that_others_sorted_are_put_in_order_by_an_edit() {
    let mut hive = Hive::create("ROOT", 1);
    let root = hive.root();
    for name in ["a", "b", "c", "_d"] {
        hive.create_key(root, name, 1).unwrap();
    }
    let mut hive = swapped(&mut hive);
    assert_eq!(hive.check()[0].id, "key.order");
    // What is only looked at stays as it is.
    assert!(hive.find(root, "A").unwrap().is_some());
    assert!(!hive.is_modified());
    hive.create_key(root, "B2", 3).unwrap();
    judged_clean(&hive);
    let mut hive = swapped(&mut hive);
    let key = hive.find(root, "c").unwrap().unwrap();
    hive.move_key(key, root, "0", 4).unwrap();
    judged_clean(&hive);
}

#[test]
fn a_control_set_is_copied_quickly() {
    let Some(bytes) = corpus::sample("hive/regipy-win7sp1-x86/SYSTEM") else { return };
    let source = Hive::open(bytes.clone()).unwrap();
    let mut hive = Hive::open(bytes).unwrap();
    let from = hive.find(hive.root(), "ControlSet001").unwrap().unwrap();
    let (to, _) = hive.create_key(hive.root(), "ControlSet009", 1).unwrap();
    let start = std::time::Instant::now();
    let (keys, values) = hive.copy_from(&source, from, to, 2).unwrap();
    eprintln!("{keys} keys and {values} values in {:?}", start.elapsed());
    assert!(keys > 10_000 && values > 20_000);
    assert!(Key::read(&hive, to) == Key::read(&source, from));
}
