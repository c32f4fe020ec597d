//! Names that text cannot hold as they are: unpaired surrogates, NUL, separators; and names that are too long.

use crate::model::Key;
use crate::tools::hivex;
use winkiln_hive::reg_text::{self, RegAction};
use winkiln_hive::{Hive, HiveError, KeyId, ValueType};

const KEYS: [&str; 6] = [
    "a\u{fffd}d800b",
    "\u{fffd}dc00\u{fffd}d800",
    "nul\u{fffd}0000end",
    "\u{fffd}fffd0041",
    "line\u{fffd}000d\u{fffd}000aend",
    "\u{1f600}",
];
const VALUES: [&str; 4] = ["x\u{fffd}dfff", "\u{fffd}0000", "a\\b\"c", "\u{fffd}fffd"];

fn with_odd_names() -> Hive {
    let mut hive = Hive::create("ROOT", 1);
    for name in KEYS {
        let (key, made) = hive.create_key(hive.root(), &format!("{name}\\below"), 1).unwrap();
        assert_eq!(made, 2, "{name}");
        for name in VALUES {
            assert!(hive.set_value(key, name, ValueType::Dword, &[1; 4], 1).unwrap());
            assert!(!hive.set_value(key, name, ValueType::Dword, &[1; 4], 1).unwrap(), "found");
        }
    }
    hive.seal(2);
    hive
}

#[test]
fn odd_names_are_written_found_and_shown_without_loss() {
    let mut hive = with_odd_names();
    let root = hive.root();
    assert_eq!(hive.check(), []);
    // The units lie in the file.
    let stored: Vec<u8> = [0x61u16, 0xd800, 0x62].into_iter().flat_map(u16::to_le_bytes).collect();
    assert!(hive.bytes().windows(6).any(|name| name == stored));
    let mut shown: Vec<String> = hive.subkeys(root).unwrap().into_iter().map(|one| one.0).collect();
    shown.sort_unstable();
    let mut expected = KEYS;
    expected.sort_unstable();
    assert_eq!(shown, expected);
    let key = hive.find(root, &format!("{}\\below", KEYS[2])).unwrap().unwrap();
    assert_eq!(hive.values(key).unwrap().len(), VALUES.len());
    let renamed = hive.find(root, KEYS[0]).unwrap().unwrap();
    let renamed = hive.move_key(renamed, root, "\u{fffd}dbff", 3).unwrap().unwrap();
    assert_eq!(hive.info(renamed).unwrap().name, "\u{fffd}dbff");
    for name in VALUES {
        assert!(hive.delete_value(key, name, 4).unwrap(), "{name}");
    }
    assert_eq!(hive.check(), []);
}

#[test]
fn odd_names_go_through_text_and_copies() {
    let hive = with_odd_names();
    let text = reg_text::export(&hive, hive.root(), "HKEY_LOCAL_MACHINE\\X").unwrap();
    let mut again = Hive::create("ROOT", 1);
    for operation in reg_text::parse(text.as_bytes()).unwrap() {
        let path = operation.key.strip_prefix("HKEY_LOCAL_MACHINE\\X").unwrap().to_owned();
        let (key, _) = again.create_key(again.root(), &path, 1).unwrap();
        if let RegAction::SetValue { name, kind, data } = operation.action {
            again.set_value(key, &name, kind, &data, 1).unwrap();
        }
    }
    let mut copy = Hive::create("ROOT", 1);
    let to = copy.root();
    copy.copy_from(&hive, hive.root(), to, 1).unwrap();
    let all = Key::read(&hive, hive.root());
    assert!(Key::read(&again, again.root()) == all);
    assert!(Key::read(&copy, copy.root()) == all);
}

#[test]
fn names_that_windows_refuses_are_refused() {
    let mut hive = Hive::create("ROOT", 1);
    let root = hive.root();
    let wide = "\u{1f600}".repeat(128);
    for name in ["k".repeat(256), wide, "\u{fffd}d800".repeat(256)] {
        let error = hive.create_key(root, &name, 1).unwrap_err();
        assert_eq!(error, HiveError::NameTooLong { what: "key", units: 256, max: 255 });
    }
    hive.create_key(root, &"\u{fffd}d800".repeat(255), 1).unwrap();
    let error = hive.create_key(root, "a\u{fffd}005cb", 1).unwrap_err();
    assert_eq!(error, HiveError::KeyName { name: "a\u{fffd}005cb".into() });
    let error = hive.set_value(root, &"v".repeat(16_384), ValueType::None, &[], 1).unwrap_err();
    assert!(matches!(error, HiveError::NameTooLong { what: "value", units: 16_384, .. }));
    assert_eq!(hive.check(), []);
}

/// Longer than Windows makes them, and there nevertheless: read, and edited below.
#[test]
fn names_that_are_too_long_are_worked_with() {
    let mut hive = Hive::create("ROOT", 1);
    // 255 units of two bytes that are letters each become 510 of one byte.
    let (key, _) = hive.create_key(hive.root(), &"\u{4241}".repeat(255), 1).unwrap();
    hive.seal(2);
    let mut bytes = hive.bytes().to_vec();
    bytes[4096 + key.0 as usize + 4 + 2] |= 0x20;
    let mut hive = Hive::open(bytes).unwrap();
    let name = "AB".repeat(255);
    assert_eq!(hive.find(hive.root(), &name).unwrap(), Some(key));
    let (below, made) = hive.create_key(hive.root(), &format!("{name}\\below"), 3).unwrap();
    assert_eq!(made, 1);
    hive.set_value(below, "x", ValueType::Dword, &[1; 4], 3).unwrap();
    let text = reg_text::export(&hive, hive.root(), "HKEY_LOCAL_MACHINE\\X").unwrap();
    assert!(text.contains(&format!("X\\{name}\\below]")));
    if let Some(read) = hivex(hive.bytes()) {
        assert!(read.keys().any(|path| path.ends_with(&format!("\\{name}\\below"))));
    }
    hive.delete_key(KeyId(key.0), 4).unwrap();
    assert_eq!(hive.check(), []);
}
