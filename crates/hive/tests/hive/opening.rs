//! Every hive of the corpus is opened or refused for the right reason, and checked as the strict checker does.

use crate::model::Key;
use crate::{corpus, tools};
use std::collections::BTreeMap;
use winkiln_hive::{Hive, HiveError, KeyId, ValueType, check_file};

/// Reads all keys and values: how many of each.
pub fn walk(hive: &Hive) -> Result<(usize, usize), HiveError> {
    let mut left = vec![hive.root()];
    let (mut keys, mut values) = (0, 0);
    while let Some(key) = left.pop() {
        keys += 1;
        hive.info(key)?;
        hive.security(key)?;
        values += hive.values(key)?.len();
        left.extend(hive.subkeys(key)?.into_iter().map(|(_, subkey): (String, KeyId)| subkey));
        assert!(keys < 1_000_000, "keys go round");
    }
    Ok((keys, values))
}

#[test]
fn check_agrees_with_the_strict_checker() {
    for sample in corpus::hives() {
        let large = ["cellxml-xpsp3-x86/SYSTEM", "museum-win10-user", "regipy-usrclass"];
        if sample.bytes.len() > 600_000 && !large.iter().any(|name| sample.name.contains(name)) {
            continue;
        }
        let Some(theirs) = tools::hivecheck(&sample.bytes) else { return };
        let mut ours = BTreeMap::new();
        match check_file(&sample.bytes) {
            None => {
                ours.insert("not a hive".to_owned(), 1);
            }
            Some(findings) => {
                for finding in findings {
                    *ours.entry(finding.id.to_owned()).or_default() += 1;
                }
            }
        }
        assert_eq!(ours, theirs, "{}", sample.name);
    }
}

/// What the corpus says of the files that are not to be opened, beside those that are dirty.
fn expected_refusal(name: &str, error: &HiveError) -> bool {
    match name.rsplit('/').next().unwrap() {
        "GarbageHive" | "BadBaseBlockHive" => matches!(error, HiveError::Checksum { .. }),
        "OldLogWithRemnantData" => matches!(error, HiveError::FileType { found: 1 }),
        "InvalidParentFragment" | "SqliteFragment" | "TruncatedHiveBin" => {
            matches!(error, HiveError::NotAHive { .. })
        }
        name if name.ends_with(".rf") => matches!(
            error,
            HiveError::NotAHive { .. }
                | HiveError::Version { major: 0, minor: 0 }
                | HiveError::Checksum { .. }
                | HiveError::FileFormat { found: 0 }
        ),
        _ => false,
    }
}

#[test]
fn every_hive_opens_or_is_refused() {
    let (mut clean, mut dirty) = (0, 0);
    for sample in corpus::hives() {
        let sequences = sample.bytes.get(4..12).map(|numbers| numbers.split_at(4));
        let differ = sequences.is_some_and(|(primary, secondary)| primary != secondary);
        match Hive::open(sample.bytes.clone()) {
            Ok(hive) => {
                assert!(!differ && !hive.is_modified(), "{}", sample.name);
                let keys = walk(&hive);
                let damaged = ["BadListHive", "BadSubkeyHive", "DeletedDataHiveTruncated"];
                let is_damaged = damaged.iter().any(|name| sample.name.ends_with(name));
                assert_eq!(keys.is_err(), is_damaged, "{}: {keys:?}", sample.name);
                assert!(hive.bytes() == sample.bytes);
                clean += 1;
            }
            Err(error @ HiveError::Dirty { .. }) => {
                assert!(differ && error.is_refusal(), "{}", sample.name);
                let mut hive = Hive::open_unrecovered(sample.bytes.clone()).unwrap();
                walk(&hive).unwrap();
                let root = hive.root();
                assert_eq!(hive.create_key(root, "x", 1), Err(error.clone()));
                assert_eq!(hive.set_value(root, "x", ValueType::None, &[], 1), Err(error.clone()));
                assert_eq!(hive.delete_value(root, "x", 1), Err(error.clone()));
                assert_eq!(hive.delete_key(root, 1), Err(error));
                assert_eq!(hive.seal(1), []);
                dirty += 1;
            }
            Err(error) => {
                assert!(expected_refusal(&sample.name, &error), "{}: {error}", sample.name);
                assert!(error.is_refusal());
            }
        }
    }
    if corpus::folder().is_some() {
        assert_eq!((clean, dirty), (67, 20), "hives that open, hives that are dirty");
    }
}

#[test]
fn hivex_reads_the_same() {
    // Keys that cannot be walked, and names that are no text.
    let unfit = ["BadListHive", "BadSubkeyHive", "DeletedDataHiveTruncated", "TruncatedPairHive2"];
    for sample in corpus::hives() {
        let Ok(hive) = Hive::open_unrecovered(sample.bytes) else { continue };
        if unfit.iter().any(|name| sample.name.ends_with(name)) {
            continue;
        }
        // Three hives of this size are enough.
        if hive.bytes().len() > 3_000_000 && sample.name.contains("regipy-win") {
            continue;
        }
        let Some(theirs) = tools::hivex(hive.bytes()) else { return };
        let ours = Key::read(&hive, hive.root()).flat();
        assert_eq!(theirs.len(), ours.len(), "{}: keys", sample.name);
        for (key, values) in ours {
            assert!(theirs.get(&key) == Some(&values), "{}: {key}", sample.name);
        }
    }
}
