//! Damaged and hostile hives: never a panic, never an endless walk, always an error or an answer.

use crate::corpus;
use crate::opening::walk;
use crate::rng::Rng;
use winkiln_hive::{Hive, HiveError, ValueType, check_file, reg_text};

/// Makes the checksum of the base block right again.
fn sign(bytes: &mut [u8]) {
    let sum = bytes[..508]
        .chunks(4)
        .fold(0, |sum, word| sum ^ u32::from_le_bytes(word.try_into().unwrap()));
    bytes[508..512].copy_from_slice(&sum.to_le_bytes());
}

/// Does everything that can be done with a hive.
fn use_all(bytes: &[u8]) -> bool {
    let _ = check_file(bytes);
    if let Ok(hive) = Hive::open_unrecovered(bytes.to_vec()) {
        let _ = hive.check();
        let _ = walk(&hive);
        let _ = reg_text::export(&hive, hive.root(), "HKEY_X");
    }
    let Ok(mut hive) = Hive::open(bytes.to_vec()) else { return false };
    let root = hive.root();
    let mut keys = vec![root];
    for at in 0..40 {
        let Some(key) = keys.get(at).copied() else { break };
        keys.extend(hive.subkeys(key).unwrap_or_default().into_iter().map(|(_, key)| key));
    }
    for (index, key) in keys.iter().enumerate() {
        let before = hive.bytes().to_vec();
        let modified = hive.is_modified();
        let failed = match index % 5 {
            0 => hive.create_key(*key, "new\\newer", 1).is_err(),
            1 => hive.set_value(*key, "", ValueType::Sz, &[7; 5000], 1).is_err(),
            2 => hive.delete_key(*key, 1).is_err(),
            3 => {
                let names: Vec<String> = hive
                    .values(*key)
                    .unwrap_or_default()
                    .into_iter()
                    .map(|value| value.name)
                    .collect();
                for name in names {
                    let _ = hive.set_value(*key, &name, ValueType::Binary, &[8; 20000], 1);
                    let _ = hive.delete_value(*key, &name, 1);
                }
                false
            }
            _ => hive.set_value(*key, "y", ValueType::Binary, &[9; 30], 1).is_err(),
        };
        if failed {
            assert!(hive.bytes() == before, "a failed edit changed something");
            assert_eq!(hive.is_modified(), modified);
        }
    }
    hive.seal(3);
    // What an edit of a damaged hive leaves behind must at least be walkable.
    Hive::open(hive.bytes().to_vec()).unwrap();
    true
}

#[test]
fn flipped_bytes_do_no_harm() {
    let mut rng = Rng::new(11);
    let mut opened = 0;
    let names = [
        "hive/python-registry/REORGANIZED_VALUES_TESTS",
        "hive/hivex/special",
        "bcd/bios-win7/BCD",
        "hive/plaso/100_sub_keys.hiv",
    ];
    for name in names {
        let Some(original) = corpus::sample(name) else { return };
        for _ in 0..900 {
            let mut bytes = original.clone();
            for _ in 0..=rng.below(4) {
                let at = rng.below(bytes.len());
                let start = at & !3;
                match rng.below(4) {
                    0 => bytes[at] ^= 1 << rng.below(8),
                    1 => bytes[at] = rng.next() as u8,
                    2 => bytes[start..start + 4].copy_from_slice(&[0xff; 4]),
                    _ => {
                        let from = rng.below(bytes.len()) & !3;
                        bytes.copy_within(from..from + 4, start);
                    }
                }
            }
            sign(&mut bytes);
            opened += usize::from(use_all(&bytes));
        }
    }
    assert!(opened > 1000, "only {opened} damaged hives opened at all");
}

#[test]
fn flipped_bytes_in_a_large_hive_do_no_harm() {
    let Some(original) = corpus::sample("hive/winreg-kb/NTUSER.DAT") else { return };
    let mut rng = Rng::new(12);
    for _ in 0..40 {
        let mut bytes = original.clone();
        for _ in 0..50 {
            let at = rng.below(bytes.len());
            bytes[at] = rng.next() as u8;
        }
        sign(&mut bytes);
        use_all(&bytes);
    }
}

#[test]
fn every_cut_is_refused() {
    let Some(original) = corpus::sample("bcd/bios-win7/BCD") else { return };
    for length in (0..original.len()).step_by(97) {
        let error = Hive::open(original[..length].to_vec()).unwrap_err();
        let expected = matches!(
            error,
            HiveError::NotAHive { .. } | HiveError::TooShort { .. } | HiveError::Length { .. }
        );
        assert!(expected && error.is_refusal(), "{length}: {error}");
    }
}

#[test]
fn keys_that_name_each_other_do_not_go_round() {
    let mut hive = Hive::create("ROOT", 1);
    let (a, _) = hive.create_key(hive.root(), "a", 1).unwrap();
    let (b, _) = hive.create_key(a, "b", 1).unwrap();
    let (c, _) = hive.create_key(b, "c", 1).unwrap();
    hive.seal(2);
    let mut bytes = hive.bytes().to_vec();
    let field = |key: u32, at: usize| 4096 + key as usize + 4 + at;
    // The list of c becomes that of b's parent, which names b.
    let (list, count) = (field(a.0, 28), field(a.0, 20));
    bytes.copy_within(list..list + 4, field(c.0, 28));
    bytes.copy_within(count..count + 4, field(c.0, 20));
    let mut hive = Hive::open(bytes).unwrap();
    assert!(matches!(hive.subkeys(c), Err(HiveError::Parent { .. })));
    assert!(matches!(reg_text::export(&hive, a, "K"), Err(HiveError::Parent { .. })));
    assert!(matches!(
        hive.delete_key(a, 3),
        Err(HiveError::Shared { .. } | HiveError::Parent { .. })
    ));
    assert!(hive.check().iter().any(|finding| finding.id == "ref.twice"));
    assert!(!hive.is_modified());
}

/// One value named by all entries of a list would be read as often as it is named.
#[test]
fn values_that_share_a_cell_take_no_memory() {
    let mut hive = Hive::create("ROOT", 1);
    let (key, _) = hive.create_key(hive.root(), "k", 1).unwrap();
    hive.set_value(key, "large", ValueType::Binary, &vec![7; 1_000_000], 1).unwrap();
    for number in 0..500 {
        hive.set_value(key, &number.to_string(), ValueType::Dword, &[0; 4], 1).unwrap();
    }
    hive.seal(2);
    let mut bytes = hive.bytes().to_vec();
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let list = 4096 + word(&bytes, 4096 + key.0 as usize + 4 + 40) as usize + 4;
    for entry in 1..501 {
        bytes.copy_within(list..list + 4, list + entry * 4);
    }
    let hive = Hive::open(bytes).unwrap();
    assert!(matches!(hive.values(key), Err(HiveError::Shared { .. })));
    assert!(matches!(reg_text::export(&hive, key, "K"), Err(HiveError::Shared { .. })));
}
