//! Symbolic links: walked up to, made, refused.

use crate::tools::hivecheck;
use winkiln_hive::{Hive, HiveError, LINK_VALUE, ValueType, Walk};

const TARGET: &str = r"\Registry\Machine\SOFTWARE\Classes";

#[test]
fn a_walk_stops_at_links() {
    let mut hive = Hive::create("ROOT", 1);
    let root = hive.root();
    assert!(!hive.may_hold_links());
    let (link, _) = hive.create_key(root, r"Wow6432Node\Classes", 1).unwrap();
    assert!(hive.make_link(link, TARGET, 2).unwrap());
    assert!(!hive.make_link(link, TARGET, 3).unwrap(), "it is so already");
    let stop = |rest: &str| Walk::Link { link, target: TARGET.into(), rest: rest.into() };
    hive.seal(4);
    for made in [&hive, &Hive::open(hive.bytes().to_vec()).unwrap()] {
        assert!(made.may_hold_links());
        assert_eq!(made.link_target(link).unwrap().as_deref(), Some(TARGET));
        assert_eq!(made.link_target(root).unwrap(), None);
        let walk = |path: &str, open| made.walk(root, path, open).unwrap();
        assert_eq!(walk(r"WOW6432NODE\CLASSES", false), stop(""));
        assert_eq!(walk(r"WOW6432NODE\CLASSES", true), Walk::Key(link));
        assert_eq!(walk(r"Wow6432Node\Classes\\CLSID\{1}\", true), stop(r"CLSID\{1}"));
        assert_eq!(walk(r"Wow6432Node\Other\CLSID", false), Walk::Missing);
        assert_eq!(walk("", false), Walk::Key(root));
        assert_eq!(made.check(), []);
    }
    if let Some(found) = hivecheck(hive.bytes()) {
        assert!(found.is_empty(), "{found:?}");
    }
    // A hive written anew keeps them.
    let mut compact = hive.compact().unwrap();
    compact.seal(5);
    assert_eq!(
        compact
            .walk(compact.root(), r"Wow6432Node\Classes\x", false)
            .ok()
            .map(|walk| { matches!(walk, Walk::Link { target, .. } if target == TARGET) }),
        Some(true)
    );
}

#[test]
fn links_without_a_target_are_errors() {
    let mut hive = Hive::create("ROOT", 1);
    let root = hive.root();
    let (key, _) = hive.create_key(root, "link", 1).unwrap();
    for target in ["", r"Registry\Machine", "\\a\0b"] {
        let error = hive.make_link(key, target, 2).unwrap_err();
        assert!(matches!(error, HiveError::LinkTarget { .. }), "{target:?}");
    }
    assert!(matches!(hive.make_link(root, TARGET, 2), Err(HiveError::RootKey)));
    hive.create_key(key, "below", 2).unwrap();
    let error = hive.make_link(key, TARGET, 2).unwrap_err();
    assert_eq!(error, HiveError::NotEmpty { offset: key.in_file() });
    let below = hive.find(key, "below").unwrap().unwrap();
    hive.delete_key(below, 3).unwrap();
    hive.make_link(key, TARGET, 4).unwrap();
    let units: Vec<u8> = TARGET.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (kind, data) in [
        (ValueType::Sz, &units[..]),
        (ValueType::Link, &units[..5]),
        (ValueType::Link, &units[2..]),
        (ValueType::Link, &[0, 0xd8]),
        (ValueType::Link, &[b'\\', 0, 0, 0]),
    ] {
        hive.set_value(key, LINK_VALUE, kind, data, 5).unwrap();
        let error = hive.walk(root, "link", false).unwrap_err();
        assert_eq!(error, HiveError::LinkTarget { offset: key.in_file() }, "{data:?}");
        assert!(!error.is_refusal());
        assert_eq!(hive.walk(root, "link", true).unwrap(), Walk::Key(key));
    }
    hive.delete_value(key, LINK_VALUE, 6).unwrap();
    assert!(hive.link_target(key).is_err());
}
