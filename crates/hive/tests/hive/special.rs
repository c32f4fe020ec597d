//! Links, handles, class names and security.

use crate::corpus;
use std::collections::HashMap;
use winkiln_hive::{Hive, HiveError, KeyId, ValueType};

/// Sets flags of a key in the bytes of a sealed hive.
fn with_flags(hive: &mut Hive, key: KeyId, flags: u16) -> Hive {
    hive.seal(2);
    let mut bytes = hive.bytes().to_vec();
    let at = 4096 + key.0 as usize + 4 + 2;
    let old = u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap());
    bytes[at..at + 2].copy_from_slice(&(old | flags).to_le_bytes());
    Hive::open(bytes).unwrap()
}

#[test]
fn links_are_neither_followed_nor_damaged() {
    let mut hive = Hive::create("ROOT", 1);
    let (link, _) = hive.create_key(hive.root(), "CurrentControlSet", 1).unwrap();
    let target: Vec<u8> = "\\Registry\\Machine\\System\\ControlSet001"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    hive.set_value(link, "SymbolicLinkValue", ValueType::Link, &target, 1).unwrap();
    let mut hive = with_flags(&mut hive, link, 0x10);
    assert!(hive.info(link).unwrap().is_link);
    assert_eq!(hive.find(hive.root(), "CurrentControlSet\\Services").unwrap(), None);
    let error = hive.create_key(hive.root(), "CurrentControlSet\\Services", 3).unwrap_err();
    assert!(
        matches!(error, HiveError::NotPlain { kind: "symbolic link", .. }) && !error.is_refusal()
    );
    assert_eq!(hive.value(link, "symboliclinkvalue").unwrap().unwrap().data, target);
    hive.delete_key(link, 4).unwrap();
    assert_eq!(hive.check(), []);
}

#[test]
fn handles_have_no_values() {
    let mut hive = Hive::create("ROOT", 1);
    let (key, _) = hive.create_key(hive.root(), "009", 1).unwrap();
    let mut hive = with_flags(&mut hive, key, 0x40);
    let mut bytes = hive.bytes().to_vec();
    let at = 4096 + key.0 as usize + 4 + 36;
    bytes[at..at + 4].copy_from_slice(&0x8000_0050u32.to_le_bytes());
    hive = Hive::open(bytes).unwrap();
    assert_eq!(hive.values(key).unwrap(), []);
    let error = hive.set_value(key, "x", ValueType::None, &[], 1).unwrap_err();
    assert!(matches!(error, HiveError::NotPlain { kind: "predefined handle", .. }));
    assert_eq!(hive.check(), []);
    hive.delete_key(key, 2).unwrap();
    assert_eq!(hive.check(), []);
}

#[test]
fn keys_marked_as_not_to_be_deleted_stay() {
    let mut hive = Hive::create("ROOT", 1);
    let (key, _) = hive.create_key(hive.root(), "a\\b", 1).unwrap();
    let mut hive = with_flags(&mut hive, key, 0x08);
    let a = hive.find(hive.root(), "a").unwrap().unwrap();
    let error = hive.delete_key(a, 2).unwrap_err();
    assert_eq!(error, HiveError::NoDelete { offset: 4096 + u64::from(key.0) });
    assert!(hive.find(a, "b").unwrap().is_some());
}

#[test]
fn class_names_are_read_and_freed() {
    let Some(original) = corpus::sample("hive/regipy-win7sp1-x86/SYSTEM") else { return };
    let mut hive = Hive::open(original).unwrap();
    let lsa = hive.find(hive.root(), r"ControlSet001\Control\Lsa").unwrap().unwrap();
    for name in ["JD", "Skew1", "GBG", "Data"] {
        let key = hive.find(lsa, name).unwrap().unwrap();
        let class = hive.info(key).unwrap().class.unwrap();
        assert!(
            !class.is_empty() && class.chars().all(|letter| letter.is_ascii_hexdigit()),
            "{name}"
        );
    }
    hive.delete_key(lsa, 1).unwrap();
    assert_eq!(hive.check(), []);
}

/// How many keys have each list.
type Counts = HashMap<Vec<u8>, u32>;

/// The discretionary list of a descriptor that is not protected against inheritance. Owner and group are those of
/// whoever made the key.
fn inherited_list(descriptor: &[u8]) -> Option<Vec<u8>> {
    let word = |at: usize| u32::from_le_bytes(descriptor[at..at + 4].try_into().unwrap());
    let start = word(16) as usize;
    if word(0) >> 16 & 0x1000 != 0 || start == 0 {
        return None;
    }
    let length = (word(start) >> 16) as usize;
    Some(descriptor[start..start + length].to_vec())
}

#[test]
fn new_keys_get_what_windows_gives_them() {
    let names = [
        "hive/regipy-win7sp1-x86/SYSTEM",
        "hive/regipy-win10-1709-x64-dirty/SYSTEM",
        "hive/cellxml-xpsp3-x86/SYSTEM",
    ];
    for name in names {
        let Some(mut bytes) = corpus::sample(name) else { return };
        // Only the descriptors matter here, so a dirty hive is as good.
        let primary: [u8; 4] = bytes[4..8].try_into().unwrap();
        let secondary: [u8; 4] = bytes[8..12].try_into().unwrap();
        bytes[8..12].copy_from_slice(&primary);
        for (at, byte) in bytes[508..512].iter_mut().enumerate() {
            *byte ^= primary[at] ^ secondary[at];
        }
        let mut hive = Hive::open(bytes).unwrap();
        // Descriptors of the subkeys of each parent descriptor, as Windows left them.
        let mut children: HashMap<Vec<u8>, (KeyId, Counts)> = HashMap::new();
        let mut left = vec![hive.root()];
        while let Some(key) = left.pop() {
            let own = hive.security(key).unwrap();
            for (_, subkey) in hive.subkeys(key).unwrap() {
                let Some(theirs) = inherited_list(&hive.security(subkey).unwrap()) else {
                    continue;
                };
                *children
                    .entry(own.clone())
                    .or_insert((key, HashMap::new()))
                    .1
                    .entry(theirs)
                    .or_default() += 1;
                left.push(subkey);
            }
        }
        let (mut same, mut all) = (0, 0);
        for (key, theirs) in children.into_values() {
            let (new, _) = hive.create_key(key, "winkiln test", 5).unwrap();
            let ours = inherited_list(&hive.security(new).unwrap()).unwrap_or_default();
            hive.delete_key(new, 6).unwrap();
            let total: u32 = theirs.values().sum();
            // Keys with entries of their own are rare where there are many.
            if total >= 20 {
                all += total;
                same += theirs.get(&ours).copied().unwrap_or(0);
            }
        }
        eprintln!("{name}: {same} of {all} subkeys have the list that a new one gets");
        assert_eq!(
            hive.check().iter().filter(|finding| finding.id != "key.maxname").count(),
            0,
            "{name}"
        );
        assert!(all > 5000 && same * 100 >= all * 95, "{name}: {same} of {all}");
    }
}
