//! A registry hive. An input is a byte for the number of patches (with bit 7 the hive is also written as text, with bit 6 also repaired), the patches, then operations of three bytes. A patch is an offset (two
//! bytes), a length, and that many bytes; the checksum of the base block is put right unless the length has bit 7.

use std::sync::OnceLock;

use winkiln_hive::{Hive, KeyId, ValueType, check_file, reg_text};

use crate::bytes::{Input, put, u32_at};

const PATCHES_MAX: usize = 24;
const OPERATIONS_MAX: usize = 8;
/// Keys that a walk looks at.
const WALK_MAX: usize = 40;
const NOW: u64 = 133_000_000_000_000_000;

/// A hive with lists of several kinds, values of every size, and several levels.
///
/// # Panics
/// When the editor cannot make it.
pub fn base() -> &'static [u8] {
    static BASE: OnceLock<Vec<u8>> = OnceLock::new();
    BASE.get_or_init(|| {
        let mut hive = Hive::create("ROOT", NOW);
        let root = hive.root();
        for number in 0..12 {
            let (key, _) =
                hive.create_key(root, &format!("many\\Key {number}"), NOW).expect("a key");
            hive.set_value(key, "", ValueType::Sz, b"t\0e\0x\0t\0\0\0", NOW).expect("a value");
        }
        let (deep, _) = hive.create_key(root, "a\\b\\c\\d\\\u{4e2d}", NOW).expect("keys");
        for (name, kind, length) in [
            ("dword", ValueType::Dword, 4),
            ("empty", ValueType::Binary, 0),
            ("some", ValueType::MultiSz, 90),
            ("\u{df}\u{4e2d}", ValueType::Other(0x1234), 300),
            ("big", ValueType::Binary, 16_500),
        ] {
            hive.set_value(deep, name, kind, &vec![7; length], NOW).expect("a value");
        }
        hive.seal(NOW);
        hive.bytes().to_vec()
    })
}

/// Puts the checksum of a base block right.
pub fn stamp(bytes: &mut [u8]) {
    let sum = (0..508).step_by(4).fold(0, |sum, at| sum ^ u32_at(bytes, at));
    let sum = match sum {
        0 => 1,
        u32::MAX => u32::MAX - 1,
        sum => sum,
    };
    put(bytes, 508, &sum.to_le_bytes());
}

/// Applies the patches of an input.
pub fn patch(bytes: &mut Vec<u8>, patches: usize, input: &mut Input<'_>) {
    for _ in 0..patches {
        let (at, length) = (usize::from(input.u16()), input.u8());
        let data = input.take(usize::from(length & 0x1f));
        let at = at % bytes.len().max(1);
        put(bytes, at, data);
        if length & 0x80 == 0 {
            stamp(bytes);
        }
        if length & 0x60 == 0x60 {
            bytes.truncate(at);
        }
    }
}

/// Opens a damaged hive, reads and checks everything, edits it, and opens what was sealed.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let form = input.u8();
    let patches = usize::from(form & 0x3f) % (PATCHES_MAX + 1);
    let mut bytes = base().to_vec();
    patch(&mut bytes, patches, &mut input);
    exercise(bytes, form, &mut input);
}

/// Reads, checks, edits and writes a hive as `form` and what is left of the input ask.
pub fn exercise(bytes: Vec<u8>, form: u8, input: &mut Input<'_>) {
    let export = form & 0x80 != 0;
    let _ = check_file(&bytes);
    if form & 0x40 != 0
        && let Ok((repaired, _, _)) = Hive::repair(&bytes)
    {
        let found = repaired.check();
        assert!(found.is_empty(), "a repaired hive is sound: {found:?}");
    }
    let Ok(mut hive) = Hive::open(bytes) else { return };
    if export {
        let _ = reg_text::export(&hive, hive.root(), "HKEY_LOCAL_MACHINE\\X");
    }
    let keys = walk(&hive);
    let mut sound = hive.check().is_empty();
    for operation in input.take(3 * OPERATIONS_MAX).chunks_exact(3) {
        let before = hive.shared_bytes();
        let done = edit(&mut hive, &keys, sound, operation);
        if !done {
            assert!(*before == hive.bytes(), "an edit that fails changes nothing");
        }
        drop(before);
        if sound {
            let found = hive.check();
            assert!(found.is_empty(), "a sound hive stays sound: {found:?}");
        }
    }
    sound = hive.check().is_empty();
    for range in hive.seal(NOW + 1) {
        assert!(range.start < range.end && range.end <= hive.bytes().len() as u64);
    }
    let again = Hive::open(hive.bytes().to_vec());
    let again = again.expect("what was sealed opens");
    assert_eq!(again.check().is_empty(), sound, "what was sealed is as sound as before");
    if sound && form & 0x40 != 0 {
        let compact = hive.compact().expect("a sound hive is written anew");
        assert!(compact.check().is_empty(), "a hive that is written anew is sound");
    }
    if sound && export {
        let text = reg_text::export(&hive, hive.root(), "HKEY_LOCAL_MACHINE\\X");
        let text = text.expect("a sound hive has a text");
        assert!(reg_text::parse(text.as_bytes()).is_ok(), "the text of a hive is read back");
    }
}

/// Keys and their parents.
fn walk(hive: &Hive) -> Vec<KeyId> {
    let mut keys = vec![hive.root()];
    let mut next = 0;
    while let Some(key) = keys.get(next).copied() {
        next += 1;
        let _ = (hive.info(key), hive.values(key), hive.security(key), hive.value(key, "big"));
        let Ok(below) = hive.subkeys(key) else { continue };
        for (name, subkey) in below {
            if keys.len() < WALK_MAX && !keys.contains(&subkey) {
                let _ = hive.find(key, &name);
                keys.push(subkey);
            }
        }
    }
    keys
}

/// Runs an operation; false when it fails.
fn edit(hive: &mut Hive, keys: &[KeyId], sound: bool, operation: &[u8]) -> bool {
    let key = keys[usize::from(operation[1]) % keys.len()];
    let number = operation[2];
    let name = ["", "big", "dword", "new value", "some", "\u{df}\u{4e2d}"][usize::from(number) % 6];
    let size = match number % 4 {
        0 => usize::from(number) / 40,
        1 => usize::from(number),
        2 => usize::from(number) * 90,
        _ => 16_300 + usize::from(number),
    };
    let other = keys[usize::from(number) % keys.len()];
    match operation[0] % 9 {
        5 => hive.move_key(key, other, &format!("Moved {number}"), NOW).is_ok(),
        6 => {
            let copy = Hive::open(hive.bytes().to_vec());
            // Part of a copy may have been made when it fails.
            let _ = copy.map(|copy| hive.copy_from(&copy, key, other, NOW));
            true
        }
        7 => hive.set_class(key, &"c".repeat(usize::from(number)), NOW).is_ok(),
        0 => hive.create_key(key, &format!("New {number}"), NOW).is_ok(),
        1 => {
            hive.create_key(key, &format!("x\\y\\{}", "k".repeat(usize::from(number))), NOW).is_ok()
        }
        2 => hive.delete_key(key, NOW).is_ok(),
        3 | 4 => {
            let data = vec![number; size];
            let done = hive.set_value(key, name, ValueType::from_raw(number.into()), &data, NOW);
            if done.is_ok() && sound {
                let value = hive.value(key, name).expect("a sound hive").expect("the value");
                assert_eq!(value.data, data, "a value reads back");
            }
            done.is_ok()
        }
        _ => hive.delete_value(key, name, NOW).is_ok(),
    }
}

/// A sound hive with operations, and damage in each of its first cells.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let operations: Vec<u8> = (0..24u8).flat_map(|at| [at % 9, at * 5, at * 11]).collect();
    let mut seeds = vec![[&[0], &operations[..24]].concat(), [&[0xc0], &operations[24..]].concat()];
    for at in (0x1000u16..0x2400).step_by(0x24).chain([0x14, 0x18, 0x24, 0x28]) {
        let [low, high] = at.to_le_bytes();
        let from = usize::from(at) % 16 * 3;
        let form = 1 | ((at >> 8 & 3) as u8 * 0x40);
        seeds.push([&[form, low, high, 2, 0x40, 0x10], &operations[from..from + 12]].concat());
    }
    seeds
}
