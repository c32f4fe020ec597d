//! Formats 1.3 to 1.6: what each may hold.

use crate::editing::run;
use crate::tools::judged_clean;
use winkiln_hive::{Hive, ValueType};

/// A sealed hive's bytes with another version.
pub fn with_minor_version(mut bytes: Vec<u8>, minor: u8) -> Vec<u8> {
    bytes[508] ^= bytes[24] ^ minor;
    bytes[24] = minor;
    bytes
}

/// A new hive of another version.
pub fn with_minor(minor: u8) -> Hive {
    let bytes = Hive::create("ROOT", 1).bytes().to_vec();
    Hive::open(with_minor_version(bytes, minor)).unwrap()
}

/// Where in the file the contents of the allocated cells begin that begin with `signature`.
pub fn cells_with(bytes: &[u8], signature: &[u8; 2]) -> Vec<usize> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut found = Vec::new();
    let (mut bin, end) = (4096, 4096 + word(40) as usize);
    while bin < end {
        let bin_end = bin + word(bin + 8) as usize;
        let mut cell = bin + 32;
        while cell < bin_end {
            let size = word(cell).cast_signed();
            if size < 0 && &bytes[cell + 4..cell + 6] == signature {
                found.push(cell + 4);
            }
            cell += size.unsigned_abs() as usize;
        }
        bin = bin_end;
    }
    found
}

#[test]
fn each_version_gets_the_structures_it_knows() {
    for minor in 3..=6 {
        let mut hive = with_minor(minor);
        let (key, _) = hive.create_key(hive.root(), "k\\below", 1).unwrap();
        for length in [16_344, 16_345, 40_000] {
            let name = length.to_string();
            assert!(hive.set_value(key, &name, ValueType::Binary, &vec![7; length], 1).unwrap());
        }
        hive.seal(2);
        judged_clean(&hive);
        let count = |signature| cells_with(hive.bytes(), signature).len();
        let big = if minor >= 4 { 2 } else { 0 };
        assert_eq!(count(b"db"), big, "1.{minor}");
        let (fast, hashed) = if minor >= 5 { (0, 2) } else { (2, 0) };
        assert_eq!((count(b"lf"), count(b"lh")), (fast, hashed), "1.{minor}");
    }
}

/// `reg flags KEY SET ... /RECURSE_FLAG`: keys made below have them too.
#[test]
fn virtualization_is_passed_on_where_the_key_says_so() {
    for (flags, expected) in [(0xa3, 0xa0), (0x23, 0), (0, 0)] {
        let mut hive = Hive::create("ROOT", 1);
        let (key, _) = hive.create_key(hive.root(), "k", 1).unwrap();
        hive.seal(2);
        let mut bytes = hive.bytes().to_vec();
        let control = |key: winkiln_hive::KeyId| 4096 + key.0 as usize + 4 + 54;
        bytes[control(key)] = flags;
        let mut hive = Hive::open(bytes).unwrap();
        let (below, _) = hive.create_key(key, "a\\b", 3).unwrap();
        hive.seal(4);
        assert_eq!(hive.bytes()[control(below)], expected, "{flags:#x}");
        judged_clean(&hive);
    }
}

#[test]
fn random_edits_of_every_version() {
    let (seeds, steps) =
        if std::env::var_os("WINKILN_LONG").is_some() { (40, 400) } else { (2, 200) };
    for minor in 3..=6 {
        for seed in 0..seeds {
            let name = format!("new 1.{minor}");
            run(&name, Some(with_minor(minor).bytes().to_vec()), 100 + seed, steps);
        }
    }
}
