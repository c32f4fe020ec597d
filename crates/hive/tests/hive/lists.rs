//! Lists of subkeys: long ones, and each kind of them.

use crate::model::{Key, fold};
use crate::rng::Rng;
use crate::tools::{self, judged_clean};
use crate::versions::{cells_with, with_minor, with_minor_version};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use winkiln_hive::{Hive, KeyId};

/// Subkeys of one key above which hivex refuses to list them.
const HIVEX_MAX: usize = 70_000;

/// Hivex, as far as it goes, and nt-hive read what we read.
fn read_alike(hive: &Hive) {
    let model = Key::read(hive, hive.root());
    let most = model.subkeys.iter().map(|(_, key)| key.subkeys.len()).max().unwrap_or(0);
    if most <= HIVEX_MAX
        && let Some(theirs) = tools::hivex(hive.bytes())
    {
        assert_eq!(theirs.len(), model.paths().len(), "keys that hivex counts");
        assert!(theirs == model.flat());
    }
    tools::nt_hive(hive.bytes(), &model, hive.minor_version());
}

/// Makes keys in random order, removes half, makes them again, removes all, and makes them once more.
fn come_and_go(minor: u8, count: usize) -> Duration {
    let mut hive = with_minor(minor);
    let (parent, _) = hive.create_key(hive.root(), "many", 1).unwrap();
    let mut names: Vec<String> = (0..count).map(|number| format!("Key{number:06}")).collect();
    let mut rng = Rng::new(11);
    for index in (1..count).rev() {
        names.swap(index, rng.below(index + 1));
    }
    let half = &names[..count / 2];
    let start = Instant::now();
    let mut edits = Duration::ZERO;
    for name in &names {
        assert_eq!(hive.create_key(parent, name, 2).unwrap().1, 1);
    }
    assert_eq!(hive.create_key(parent, "kEY000042", 3).unwrap().1, 0);
    for name in half {
        let key = hive.find(parent, name).unwrap().unwrap();
        hive.delete_key(key, 4).unwrap();
    }
    edits += start.elapsed();
    eprintln!("1.{minor}: {count} keys made, half of them removed in {edits:?}");
    hive.seal(5);
    judged_clean(&hive);
    let left = hive.subkeys(parent).unwrap();
    assert_eq!(left.len(), count - half.len());
    assert!(left.windows(2).all(|pair| pair[0].0 < pair[1].0));
    read_alike(&hive);

    let length = hive.bytes().len();
    let start = Instant::now();
    for name in half {
        assert_eq!(hive.create_key(parent, name, 6).unwrap().1, 1);
    }
    let again = start.elapsed();
    hive.seal(7);
    assert!(hive.bytes().len() <= length, "freed cells are used again");
    judged_clean(&hive);
    assert_eq!(hive.subkeys(parent).unwrap().len(), count);
    read_alike(&hive);

    let start = Instant::now();
    for name in &names {
        let key = hive.find(parent, name).unwrap().unwrap();
        hive.delete_key(key, 8).unwrap();
    }
    eprintln!("1.{minor}: made again in {again:?}, all removed in {:?}", start.elapsed());
    edits += again + start.elapsed();
    hive.seal(9);
    judged_clean(&hive);
    assert_eq!(hive.info(parent).unwrap().subkey_count, 0);
    assert_eq!(cells_with(hive.bytes(), b"nk").len(), 2, "no key is left");
    assert_eq!(cells_with(hive.bytes(), b"ri").len(), 0, "no list is left");
    edits
}

#[test]
fn many_subkeys_come_and_go() {
    let count = if std::env::var_os("WINKILN_LONG").is_some() { 100_000 } else { 10_000 };
    for minor in [3, 5] {
        let edits = come_and_go(minor, count);
        assert!(count > 10_000 || edits < Duration::from_secs(5), "{edits:?}");
    }
}

/// Rewrites the `lh` leaves of a sealed hive as leaves of another kind.
fn with_leaves(mut bytes: Vec<u8>, kind: &[u8; 2]) -> Vec<u8> {
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    for list in cells_with(&bytes, b"lh") {
        bytes[list..list + 2].copy_from_slice(kind);
        let count = usize::from(u16::from_le_bytes([bytes[list + 2], bytes[list + 3]]));
        for entry in 0..count {
            let key = word(&bytes, list + 4 + entry * 8);
            if kind == b"li" {
                bytes[list + 4 + entry * 4..][..4].copy_from_slice(&key.to_le_bytes());
                continue;
            }
            let node = 4096 + key as usize + 4;
            let (compressed, name) = (bytes[node + 2] & 0x20 != 0, node + 76);
            let length = usize::from(u16::from_le_bytes([bytes[node + 72], bytes[node + 73]]));
            let mut hint = [0; 4];
            if compressed {
                let length = length.min(4);
                hint[..length].copy_from_slice(&bytes[name..name + length]);
            }
            bytes[list + 4 + entry * 8 + 4..][..4].copy_from_slice(&hint);
        }
    }
    bytes
}

const STEMS: [&str; 6] = ["Alpha", "b", "Ünï", "ключ", "_", "Zeta-"];

/// Creates, renames and removes subkeys of one key, with a map beside it.
fn edit_list(hive: &mut Hive, parent: KeyId, seed: u64) {
    let mut keys: BTreeMap<String, String> = BTreeMap::new();
    for (name, _) in hive.subkeys(parent).unwrap() {
        keys.insert(fold(&name), name);
    }
    let mut rng = Rng::new(seed);
    for now in 10..200 {
        let name = format!("{}{}", rng.pick(&STEMS), rng.below(3000));
        let folded = fold(&name);
        let any = keys.keys().nth(rng.below(keys.len())).unwrap().clone();
        match rng.below(3) {
            0 => {
                let made = hive.create_key(parent, &name, now).unwrap().1;
                assert_eq!(made == 1, !keys.contains_key(&folded), "{name}");
                keys.entry(folded).or_insert(name);
            }
            1 => {
                let key = hive.find(parent, &keys[&any]).unwrap().unwrap();
                let moved = hive.move_key(key, parent, &name, now);
                assert_eq!(moved.is_ok(), any == folded || !keys.contains_key(&folded), "{name}");
                if moved.is_ok() {
                    keys.remove(&any);
                    keys.insert(folded, name);
                }
            }
            _ if keys.len() > 1 => {
                let key = hive.find(parent, &keys[&any].to_lowercase()).unwrap().unwrap();
                hive.delete_key(key, now).unwrap();
                keys.remove(&any);
            }
            _ => {}
        }
    }
    hive.seal(500);
    judged_clean(hive);
    let mut found: Vec<String> =
        hive.subkeys(parent).unwrap().into_iter().map(|(name, _)| name).collect();
    found.sort_unstable();
    let mut expected: Vec<String> = keys.into_values().collect();
    expected.sort_unstable();
    assert_eq!(found, expected);
    read_alike(hive);
}

#[test]
fn lists_of_every_kind_are_edited() {
    let cases: [(u8, &[u8; 2], usize); 8] = [
        (3, b"lf", 30),
        (4, b"lf", 480),
        (3, b"li", 30),
        (5, b"lh", 30),
        (6, b"lh", 480),
        (3, b"li", 1500),
        (5, b"lf", 1500),
        (5, b"lh", 1500),
    ];
    for (seed, (minor, kind, count)) in (1..).zip(cases) {
        let mut hive = Hive::create("ROOT", 1);
        let (parent, _) = hive.create_key(hive.root(), "list", 1).unwrap();
        for number in 0..count {
            let name = format!("{}{number}", STEMS[number % STEMS.len()]);
            hive.create_key(parent, &name, 2).unwrap();
        }
        hive.seal(3);
        let mut bytes = hive.bytes().to_vec();
        if kind != b"lh" {
            bytes = with_leaves(bytes, kind);
        }
        let mut hive = Hive::open(with_minor_version(bytes, minor)).unwrap();
        assert_eq!(hive.check(), []);
        let kinds = |hive: &Hive| {
            [b"lf", b"lh", b"li", b"ri"].map(|kind| cells_with(hive.bytes(), kind).len())
        };
        let before = kinds(&hive);
        assert_eq!(before[3], usize::from(count > 1012), "an index root where one is needed");
        edit_list(&mut hive, parent, seed);
        assert!(!cells_with(hive.bytes(), kind).is_empty(), "{before:?} {:?}", kinds(&hive));
        assert_eq!(kinds(&hive)[3], before[3]);
        for (_, key) in hive.subkeys(parent).unwrap() {
            hive.delete_key(key, 600).unwrap();
        }
        assert_eq!(hive.check(), []);
        assert_eq!(cells_with(hive.bytes(), b"nk").len(), 2);
    }
}
