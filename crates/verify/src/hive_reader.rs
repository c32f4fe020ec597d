//! Hives, read by `nt-hive`.
//!
//! What is done about the crate's known faults:
//!
//! | fault | done |
//! | --- | --- |
//! | value types outside its list are an error | the number that the error carries is compared |
//! | data above 16,344 bytes is taken for big data in 1.3 hives too | not asked there |
//! | assertions on damaged cells and lists | the hive and each key are first read by `winkiln-hive`, which is strict |
//! | an empty value without a data cell | its length compared, its data not touched |
//! | binary search by its own upper-case table | a key with non-ASCII neighbours may be found in their list instead |

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

use nt_hive::{KeyNode, KeyValue, KeyValueData, NtHiveError, NtHiveNameString};
use winkiln_hive::{Hive, KeyId};

use crate::comparison::{compare_length, compare_piece};
use crate::error::Trouble;
use crate::{HiveFact, ValueFact, ValueFingerprint};

/// Largest data that is one cell in every hive. Source: the format's big data (`db`) threshold.
const SINGLE_CELL_MAX: u32 = ValueFingerprint::DATA_BYTES_MAX as u32;
/// The first minor version that has big data records.
const BIG_DATA_SINCE: u32 = 4;

/// A hive as `nt-hive` sees it.
pub(crate) struct HiveReader<'b> {
    hive: nt_hive::Hive<&'b [u8]>,
    /// The same bytes, for the checks that keep `nt-hive` from asserting.
    strict: Hive,
    /// Keys whose subkeys were read strictly.
    sound: HashSet<KeyId>,
}

type Key<'h, 'b> = KeyNode<'h, &'b [u8]>;

impl<'b> HiveReader<'b> {
    pub(crate) fn open(bytes: &'b Arc<Vec<u8>>) -> Result<Self, Trouble> {
        let strict = Hive::open(Arc::clone(bytes))?;
        let hive = nt_hive::Hive::new(bytes.as_slice())?;
        Ok(Self { hive, strict, sound: HashSet::new() })
    }

    /// `Ok(Some(()))` when the fact holds.
    pub(crate) fn ask(&mut self, fact: &HiveFact) -> Result<Option<()>, Trouble> {
        let is_text = |name: &str| !name.contains(char::REPLACEMENT_CHARACTER);
        let names_are_text = match fact {
            HiveFact::Value { name, .. } | HiveFact::ValueAbsent { name, .. } => is_text(name),
            HiveFact::Values { values, .. } => values.iter().all(|value| is_text(&value.name)),
            _ => true,
        };
        if !names_are_text || !is_text(fact.key()) {
            return Err(Trouble::Unasked("nt-hive takes names that are whole characters".into()));
        }
        self.precheck(fact.key())?;
        let root = self.hive.root_key_node()?;
        let key = descend(root, fact.key())?;
        match (fact, key) {
            (HiveFact::KeyExists { .. }, Some(_)) | (HiveFact::KeyAbsent { .. }, None) => {}
            (HiveFact::KeyAbsent { .. }, Some(_)) => return disagree("the key is there"),
            (HiveFact::ValueAbsent { .. }, None) => {}
            (_, None) => return disagree("the key is missing"),
            (HiveFact::ValueAbsent { name, .. }, Some(key)) => {
                if value(&key, name)?.is_some() {
                    return disagree("the value is there");
                }
            }
            (HiveFact::Value { name, kind, data, .. }, Some(key)) => match value(&key, name)? {
                Some(value) => self.compare(&value, *kind, data)?,
                None => return disagree("the value is missing"),
            },
            (HiveFact::Values { values, .. }, Some(key)) => self.ask_values(&key, values)?,
            (HiveFact::Fingerprints { values, .. }, Some(key)) => {
                self.ask_fingerprints(&key, values)?;
            }
        }
        Ok(Some(()))
    }

    /// Compares many values of a key, which is read once.
    fn ask_values(&self, key: &Key<'_, 'b>, expected: &[ValueFact]) -> Result<(), Trouble> {
        let mut seen = vec![false; expected.len()];
        let mut unasked = None;
        let mut places = None;
        // They mostly stand in the order in which they were made.
        let mut next = 0;
        for value in key.values().transpose()?.into_iter().flatten() {
            let value = value?;
            let own = value.name()?;
            let is = |at: usize| expected.get(at).is_some_and(|fact| is_named(&own, &fact.name));
            let found = if is(next) {
                Some(next)
            } else {
                places.get_or_insert_with(|| Places::of(expected)).find(&own, is)
            };
            let Some(at) = found else { continue };
            next = at + 1;
            let (Some(fact), Some(seen)) = (expected.get(at), seen.get_mut(at)) else { continue };
            // Of two with one name the first one counts.
            if std::mem::replace(seen, true) {
                continue;
            }
            let named = |text: String| format!("value {:?}: {text}", fact.name);
            let Some((kind, data)) = &fact.found else {
                return Err(Trouble::Disagrees(named("it is there".to_owned())));
            };
            match self.compare(&value, *kind, data) {
                Ok(()) => {}
                Err(Trouble::Unasked(reason)) => unasked = Some(named(reason)),
                Err(Trouble::Disagrees(text)) => return Err(Trouble::Disagrees(named(text))),
                Err(failed) => return Err(failed),
            }
        }
        let missing =
            expected.iter().zip(&seen).find(|(fact, seen)| !**seen && fact.found.is_some());
        match (missing, unasked) {
            (Some((fact, _)), _) => disagree(&format!("value {:?}: it is missing", fact.name)),
            (None, Some(reason)) => Err(Trouble::Unasked(reason)),
            (None, None) => Ok(()),
        }
    }

    /// Looks for values of a key by their fingerprints.
    fn ask_fingerprints(
        &self,
        key: &Key<'_, 'b>,
        expected: &[ValueFingerprint],
    ) -> Result<(), Trouble> {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        expected.dedup();
        let mut seen = vec![false; expected.len()];
        let mut names = HashSet::new();
        for value in key.values().transpose()?.into_iter().flatten() {
            let value = value?;
            // Of two with one name the first one counts.
            if let Some(name) = fingerprint(&value, 0, &[])?
                && !names.insert(name)
            {
                continue;
            }
            let found = match self.fingerprint(&value) {
                // None that is asked for: see `ValueFingerprint::DATA_BYTES_MAX`.
                Err(Trouble::Unasked(_)) => continue,
                found => found?,
            };
            let at = found.and_then(|found| expected.binary_search(&found).ok());
            if let Some(seen) = at.and_then(|at| seen.get_mut(at)) {
                *seen = true;
            }
        }
        match seen.iter().filter(|seen| !**seen).count() {
            0 => Ok(()),
            missing => {
                disagree(&format!("{missing} of {} values are not as they were set", seen.len()))
            }
        }
    }

    /// The fingerprint of a value as it is read; `None` where the name is not ASCII.
    fn fingerprint(
        &self,
        value: &KeyValue<'_, &'b [u8]>,
    ) -> Result<Option<ValueFingerprint>, Trouble> {
        let kind = type_of(value)?;
        let of = |data: &[u8]| fingerprint(value, kind, data);
        if value.data_size() == 0 {
            return of(&[]);
        }
        match self.data(value)? {
            KeyValueData::Small(data) => of(data),
            big @ KeyValueData::Big(_) => of(&big.into_vec()?),
        }
    }

    /// The data of a value that is not empty.
    fn data<'h>(
        &self,
        value: &'h KeyValue<'_, &'b [u8]>,
    ) -> Result<KeyValueData<'h, &'b [u8]>, Trouble> {
        if value.data_size() > SINGLE_CELL_MAX && self.hive.minor_version() < BIG_DATA_SINCE {
            return Err(Trouble::Unasked(
                "nt-hive takes large data of a 1.3 hive for a big data record".into(),
            ));
        }
        Ok(value.data()?)
    }

    /// Walks the path strictly, as far as it exists: lists, names and values are sound where `nt-hive` will look.
    fn precheck(&mut self, path: &str) -> Result<(), Trouble> {
        let mut key = self.strict.root();
        for component in components(path) {
            if self.sound.insert(key) {
                self.strict.check_subkeys(key)?;
            }
            match self.strict.find(key, component)? {
                Some(below) => key = below,
                None => return Ok(()),
            }
        }
        self.strict.check_values(key)?;
        Ok(())
    }

    fn compare(&self, value: &KeyValue<'_, &[u8]>, kind: u32, data: &[u8]) -> Result<(), Trouble> {
        compare_length(value.data_size().into(), data.len() as u64)?;
        if !data.is_empty() {
            match self.data(value)? {
                KeyValueData::Small(found) => compare_piece(found, data, 0)?,
                big @ KeyValueData::Big(_) => compare_piece(&big.into_vec()?, data, 0)?,
            }
        }
        match type_of(value)? {
            found if found == kind => Ok(()),
            found => disagree(&format!("type {found:#x}, expected {kind:#x}")),
        }
    }
}

/// A fingerprint under the name of a value; `None` where that is not ASCII.
fn fingerprint(
    value: &KeyValue<'_, &[u8]>,
    kind: u32,
    data: &[u8],
) -> Result<Option<ValueFingerprint>, Trouble> {
    Ok(match value.name()? {
        NtHiveNameString::Latin1(name) => {
            name.is_ascii().then(|| ValueFingerprint::of_ascii(name, kind, data))
        }
        wide => ValueFingerprint::of(&wide.to_string_lossy(), kind, data),
    })
}

/// The type of a value as it is stored.
fn type_of(value: &KeyValue<'_, &[u8]>) -> Result<u32, Trouble> {
    match value.data_type() {
        Ok(found) => Ok(found as u32),
        Err(NtHiveError::UnsupportedKeyValueDataType { actual, .. }) => Ok(actual),
        Err(error) => Err(error.into()),
    }
}

/// Places of names that may be the same in another case.
struct Places(HashMap<u64, Vec<u32>>);

impl Places {
    fn of(facts: &[ValueFact]) -> Self {
        let mut places: HashMap<u64, Vec<u32>> = HashMap::new();
        for (at, fact) in (0..).zip(facts) {
            places.entry(Self::alike(fact.name.chars())).or_default().push(at);
        }
        Self(places)
    }

    /// The first place of a name that `is` it.
    fn find(&self, name: &NtHiveNameString<'_>, is: impl Fn(usize) -> bool) -> Option<usize> {
        let places = self.0.get(&Self::alike(name.to_string_lossy().chars()))?;
        places.iter().map(|at| *at as usize).find(|at| is(*at))
    }

    /// The same for all names that differ in case alone, whatever is beyond ASCII.
    fn alike(name: impl Iterator<Item = char>) -> u64 {
        let mut hasher = DefaultHasher::new();
        for letter in name {
            hasher
                .write_u8(u8::try_from(letter.to_ascii_uppercase()).map_or(0x80, |l| l.min(0x80)));
        }
        hasher.finish()
    }
}

fn disagree<T>(difference: &str) -> Result<T, Trouble> {
    Err(Trouble::Disagrees(difference.to_owned()))
}

/// Components of a key's path.
fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('\\').filter(|component| !component.is_empty())
}

/// Goes down from `root` as Windows does: by binary search.
fn descend<'h, 'b>(root: Key<'h, 'b>, path: &str) -> Result<Option<Key<'h, 'b>>, Trouble> {
    let mut key = root;
    for component in components(path) {
        match subkey(&key, component)? {
            Some(below) => key = below,
            None => return Ok(None),
        }
    }
    Ok(Some(key))
}

fn subkey<'h, 'b>(key: &Key<'h, 'b>, name: &str) -> Result<Option<Key<'h, 'b>>, Trouble> {
    if let Some(found) = key.subkey(name) {
        return Ok(Some(found?));
    }
    // Either there is none, or it stands where a binary search does not come by.
    let Some(subkeys) = key.subkeys() else { return Ok(None) };
    let mut found = None;
    let mut plain = name.is_ascii();
    for subkey in subkeys? {
        let subkey = subkey?;
        let other = subkey.name()?;
        plain &= other.to_string_lossy().is_ascii();
        if other == name {
            found = Some(subkey);
        }
    }
    match found {
        Some(_) if plain => disagree(&format!("{name} is listed out of order")),
        found => Ok(found),
    }
}

/// Tells whether a name is `name`, in any case.
fn is_named(own: &NtHiveNameString<'_>, name: &str) -> bool {
    match own {
        NtHiveNameString::Latin1(own) if name.is_ascii() => {
            // Letters beyond ASCII are never the other case of an ASCII one in Windows' table.
            own.eq_ignore_ascii_case(name.as_bytes())
        }
        own => *own == name,
    }
}

fn value<'h, 'b>(key: &Key<'h, 'b>, name: &str) -> Result<Option<KeyValue<'h, &'b [u8]>>, Trouble> {
    Ok(key.value(name).transpose()?)
}
