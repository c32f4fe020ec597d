//! What should be true of a hive after its edits, by key.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};

use winkiln_bake::value_text::type_number;
use winkiln_hive::{NewValue, Value, ValueSet, ValueType};
use winkiln_verify::{HiveFact, ValueFact, ValueFingerprint};

/// What should be true of a hive.
#[derive(Debug, Default)]
pub(super) struct Expected {
    keys: BTreeMap<KeyPath, KeyFacts>,
    /// There are keys that should not be there.
    any_absent: bool,
}

/// A path as it was spelt first, which is the same in any case.
#[derive(Debug, Clone)]
struct KeyPath(Box<str>);

impl KeyPath {
    fn lower(&self) -> impl Iterator<Item = char> + '_ {
        self.0.chars().flat_map(char::to_lowercase)
    }

    /// True for this path and for those below it.
    fn holds(&self, other: &Self) -> bool {
        let mut rest = other.lower();
        self.lower().all(|letter| rest.next() == Some(letter))
            && matches!(rest.next(), None | Some('\\'))
    }
}

impl Ord for KeyPath {
    fn cmp(&self, other: &Self) -> Ordering {
        if !(self.0.is_ascii() && other.0.is_ascii()) {
            return self.lower().cmp(other.lower());
        }
        for (own, other) in self.0.bytes().zip(other.0.bytes()) {
            if own != other {
                let (own, other) = (own.to_ascii_lowercase(), other.to_ascii_lowercase());
                if own != other {
                    return own.cmp(&other);
                }
            }
        }
        self.0.len().cmp(&other.0.len())
    }
}

impl PartialOrd for KeyPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for KeyPath {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for KeyPath {}

/// Of one key. There may be many, with many values.
#[derive(Debug, Default)]
struct KeyFacts {
    /// Whether it is there, when something was said of it.
    there: Option<bool>,
    values: Fingerprints,
    /// Values told in full, by name in lower case.
    named: BTreeMap<String, ValueFact>,
}

/// Fingerprints of values of different names.
#[derive(Debug)]
enum Fingerprints {
    Few(Vec<ValueFingerprint>),
    Many(HashSet<ValueFingerprint>),
}

impl Default for Fingerprints {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Fingerprints {
    /// As many as are looked through one by one.
    const FEW: usize = 64;

    fn insert(&mut self, value: ValueFingerprint, is_new: bool) {
        self.turn_to_many(is_new);
        match self {
            Self::Few(values) if is_new || !values.contains(&value) => values.push(value),
            Self::Few(_) => {}
            Self::Many(values) => _ = values.insert(value),
        }
    }

    fn remove(&mut self, value: ValueFingerprint) {
        self.turn_to_many(false);
        match self {
            Self::Few(values) => values.retain(|other| *other != value),
            Self::Many(values) => _ = values.remove(&value),
        }
    }

    fn turn_to_many(&mut self, is_new: bool) {
        if let Self::Few(values) = self
            && !is_new
            && values.len() > Self::FEW
        {
            *self = Self::Many(values.drain(..).collect());
        }
    }

    fn into_list(self) -> Vec<ValueFingerprint> {
        match self {
            Self::Few(values) => values,
            Self::Many(values) => values.into_iter().collect(),
        }
    }
}

fn fingerprint(name: &str, kind: ValueType, data: &[u8]) -> Option<ValueFingerprint> {
    ValueFingerprint::of(name, type_number(kind), data)
}

impl KeyFacts {
    /// A value that was set, in few bytes where that is possible.
    fn expect(&mut self, new: &NewValue<'_>, set: &ValueSet) {
        let kind = type_number(new.kind);
        let Some(value) = ValueFingerprint::to_ask_for(new.name, kind, new.data) else {
            return self.expect_in_full(new, set);
        };
        if !self.named.is_empty() {
            self.named.remove(&new.name.to_lowercase());
        }
        if let ValueSet::Replaced(kind, data) = set
            && let Some(old) = fingerprint(new.name, *kind, data)
        {
            self.values.remove(old);
        }
        self.values.insert(value, *set == ValueSet::Created);
    }

    /// A value that was set.
    fn expect_in_full(&mut self, new: &NewValue<'_>, set: &ValueSet) {
        let old = match set {
            ValueSet::Created => None,
            ValueSet::Unchanged => fingerprint(new.name, new.kind, new.data),
            ValueSet::Replaced(kind, data) => fingerprint(new.name, *kind, data),
        };
        old.into_iter().for_each(|old| self.values.remove(old));
        let found = Some((type_number(new.kind), new.data.to_vec()));
        self.name(ValueFact { name: new.name.to_owned(), found });
    }

    fn name(&mut self, fact: ValueFact) {
        self.named.insert(fact.name.to_lowercase(), fact);
    }

    fn into_facts(self, KeyPath(path): KeyPath) -> Vec<HiveFact> {
        let key = path.into_string();
        if self.there == Some(false) {
            return vec![HiveFact::KeyAbsent { key }];
        }
        let named: Vec<ValueFact> = self.named.into_values().collect();
        let values = self.values.into_list();
        let mut facts = Vec::new();
        // That a value is there tells that its key is.
        let joined = named.len() > 1 && named.iter().any(|fact| fact.found.is_some());
        if self.there.is_some() && !joined && values.is_empty() {
            facts.push(HiveFact::KeyExists { key: key.clone() });
        }
        if joined {
            facts.push(HiveFact::Values { key: key.clone(), values: named });
        } else {
            facts.extend(named.into_iter().map(|ValueFact { name, found }| match found {
                Some((kind, data)) => HiveFact::Value { key: key.clone(), name, kind, data },
                None => HiveFact::ValueAbsent { key: key.clone(), name },
            }));
        }
        if !values.is_empty() {
            facts.push(HiveFact::Fingerprints { key, values });
        }
        facts
    }
}

impl Expected {
    /// Records a fact. What it contradicts is no longer expected.
    pub(super) fn expect(&mut self, fact: HiveFact) {
        match fact {
            HiveFact::KeyAbsent { key } => self.expect_absent(&key),
            HiveFact::KeyExists { key } => self.present(&key).there = Some(true),
            HiveFact::Value { key, name, kind, data } => {
                self.present(&key).name(ValueFact { name, found: Some((kind, data)) });
            }
            HiveFact::ValueAbsent { key, name } => {
                self.present(&key).name(ValueFact { name, found: None });
            }
            HiveFact::Values { key, values } => {
                let facts = self.present(&key);
                values.into_iter().for_each(|fact| facts.name(fact));
            }
            HiveFact::Fingerprints { key, values } => {
                let facts = self.present(&key);
                values.into_iter().for_each(|value| facts.values.insert(value, false));
            }
        }
    }

    /// Records that a value which was set should be there.
    pub(super) fn expect_value(&mut self, key: &str, new: &NewValue<'_>, set: &ValueSet) {
        self.present(key).expect_in_full(new, set);
    }

    /// Records that values which were set should be there, and with `named` the key whatever becomes of them.
    pub(super) fn expect_values(
        &mut self,
        (key, named): (&str, bool),
        new: &[NewValue<'_>],
        set: &[ValueSet],
    ) {
        let facts = self.present(key);
        if named {
            facts.there = Some(true);
        }
        if let Fingerprints::Few(values) = &mut facts.values {
            values.reserve_exact(new.len());
        }
        new.iter().zip(set).for_each(|(new, set)| facts.expect(new, set));
    }

    /// Records that a value should not be there, which was `before`.
    pub(super) fn expect_no_value(&mut self, key: &str, name: &str, before: Option<&Value>) {
        let facts = self.present(key);
        if let Some(old) = before.and_then(|old| fingerprint(name, old.kind, &old.data)) {
            facts.values.remove(old);
        }
        facts.name(ValueFact { name: name.to_owned(), found: None });
    }

    /// The facts, by key, in as many parts as they are worth threads.
    pub(super) fn into_facts(self) -> Vec<impl Iterator<Item = HiveFact> + Send> {
        let mut keys = self.keys;
        let threads = winkiln_verify::threads(keys.len());
        let part = keys.len() / threads;
        let firsts: Vec<KeyPath> =
            (1..threads).filter_map(|number| keys.keys().nth(number * part).cloned()).collect();
        let mut parts: Vec<_> = firsts.iter().rev().map(|first| keys.split_off(first)).collect();
        parts.push(keys);
        let facts = |part: BTreeMap<KeyPath, KeyFacts>| {
            part.into_iter().flat_map(|(path, facts)| facts.into_facts(path))
        };
        parts.into_iter().rev().map(facts).collect()
    }

    /// What is said of a key that is there.
    fn present(&mut self, key: &str) -> &mut KeyFacts {
        if self.any_absent {
            let ends = key.match_indices('\\').map(|(at, _)| at).chain([key.len()]);
            for end in ends {
                let above = KeyPath(key[..end].into());
                if self.keys.get(&above).is_some_and(|facts| facts.there == Some(false)) {
                    self.keys.remove(&above);
                }
            }
        }
        self.keys.entry(KeyPath(key.into())).or_default()
    }

    fn expect_absent(&mut self, key: &str) {
        let key = KeyPath(key.into());
        let gone: Vec<KeyPath> = self
            .keys
            .range(key.clone()..)
            .map(|(path, _)| path)
            .take_while(|path| path.lower().zip(key.lower()).all(|(a, b)| a == b))
            .filter(|path| key.holds(path))
            .cloned()
            .collect();
        for path in gone {
            self.keys.remove(&path);
        }
        self.any_absent = true;
        self.keys.insert(key, KeyFacts { there: Some(false), ..KeyFacts::default() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Said = fn(&mut Expected);

    impl Expected {
        fn expect_key(&mut self, key: &str, there: bool) {
            let key = key.to_owned();
            self.expect(match there {
                true => HiveFact::KeyExists { key },
                false => HiveFact::KeyAbsent { key },
            });
        }
    }

    fn new<'a>(name: &'a str, byte: &'a [u8]) -> NewValue<'a> {
        NewValue { name, kind: ValueType::Binary, data: byte }
    }

    fn prints(values: &[(&str, u8)]) -> Vec<ValueFingerprint> {
        let print = |(name, byte): &(&str, u8)| ValueFingerprint::of(name, 3, &[*byte]).unwrap();
        let mut prints: Vec<_> = values.iter().map(print).collect();
        prints.sort();
        prints
    }

    #[test]
    fn many_values_of_a_key_are_known_by_their_fingerprints() {
        let mut expected = Expected::default();
        let names: Vec<String> = (0..100).map(|number| format!("Name{number}")).collect();
        let values: Vec<NewValue<'_>> = names.iter().map(|name| new(name, &[1])).collect();
        expected.expect_values(("A", false), &values, &vec![ValueSet::Created; 100]);
        let upper: Vec<String> = names.iter().map(|name| name.to_uppercase()).collect();
        let values: Vec<NewValue<'_>> = upper.iter().map(|name| new(name, &[2])).collect();
        let was = ValueSet::Replaced(ValueType::Binary, vec![1]);
        expected.expect_values(("a", false), &values, &vec![was; 100]);
        expected.expect_values(("a", false), &values, &vec![ValueSet::Unchanged; 100]);
        let mut list: Vec<HiveFact> = expected.into_facts().into_iter().flatten().collect();
        let Some(HiveFact::Fingerprints { key, values }) = list.pop() else { panic!("{list:?}") };
        let found: HashSet<_> = values.iter().copied().collect();
        let wanted: Vec<(&str, u8)> = names.iter().map(|name| (name.as_str(), 2)).collect();
        assert_eq!((key.as_str(), values.len()), ("A", 100));
        assert_eq!(found, prints(&wanted).into_iter().collect());
    }

    #[test]
    fn the_last_word_on_a_place_is_what_is_expected() {
        fn exists(key: &str) -> HiveFact {
            HiveFact::KeyExists { key: key.to_owned() }
        }
        fn absent(key: &str) -> HiveFact {
            HiveFact::KeyAbsent { key: key.to_owned() }
        }
        fn no_value(key: &str, name: &str) -> HiveFact {
            HiveFact::ValueAbsent { key: key.to_owned(), name: name.to_owned() }
        }
        fn value(key: &str, name: &str, byte: u8) -> HiveFact {
            let (key, name) = (key.to_owned(), name.to_owned());
            HiveFact::Value { key, name, kind: 3, data: vec![byte] }
        }
        fn some(key: &str, values: &[(&str, u8)]) -> HiveFact {
            HiveFact::Fingerprints { key: key.to_owned(), values: prints(values) }
        }
        let was = |byte| Value { name: "x".into(), kind: ValueType::Binary, data: vec![byte] };
        let first = was(1);
        let rows: Vec<(Said, Vec<HiveFact>)> = vec![
            (
                |all| {
                    all.expect_key("A", true);
                    all.expect_key(r"A\B", true);
                    all.expect_key("AB", true);
                    all.expect_key("a", false);
                },
                vec![absent("a"), exists("AB")],
            ),
            (
                |all| {
                    all.expect_key("\u{c4}", true);
                    all.expect_key("\u{e4}\\B", true);
                    all.expect_key("\u{e4}", false);
                },
                vec![absent("\u{e4}")],
            ),
            (
                |all| {
                    all.expect_key("A", false);
                    all.expect_key(r"A\B\C", true);
                },
                vec![exists(r"A\B\C")],
            ),
            (
                |all| {
                    all.expect_key(r"A\B", false);
                    all.expect_key("A", true);
                },
                vec![exists("A"), absent(r"A\B")],
            ),
            (
                |all| {
                    all.expect_no_value("A", "x", None);
                    all.expect_no_value("a", "X", None);
                },
                vec![no_value("A", "X")],
            ),
            (
                |all| {
                    all.expect_no_value("A", "x", None);
                    all.expect_key("A", false);
                },
                vec![absent("A")],
            ),
            (
                |all| {
                    all.expect_key("A", false);
                    all.expect_values(("A", false), &[new("x", &[1])], &[ValueSet::Created]);
                },
                vec![some("A", &[("x", 1)])],
            ),
            // In full, and by its fingerprint, and the other way round.
            (
                |all| {
                    all.expect_value("A", &new("x", &[1]), &ValueSet::Created);
                    let was = ValueSet::Replaced(ValueType::Binary, vec![1]);
                    all.expect_values(("A", false), &[new("X", &[2])], &[was]);
                },
                vec![some("A", &[("x", 2)])],
            ),
            (
                |all| {
                    all.expect_values(("A", false), &[new("x", &[1])], &[ValueSet::Created]);
                    all.expect_value("A", &new("X", &[1]), &ValueSet::Unchanged);
                },
                vec![value("A", "X", 1)],
            ),
            (
                |all| {
                    all.expect_values(("A", false), &[new("\u{e4}", &[1])], &[ValueSet::Created]);
                },
                vec![value("A", "\u{e4}", 1)],
            ),
        ];
        for (said, expected) in rows {
            let mut all = Expected::default();
            said(&mut all);
            assert_eq!(all.into_facts().into_iter().flatten().collect::<Vec<_>>(), expected);
        }
        let mut all = Expected::default();
        all.expect_values(("A", false), &[new("x", &[1])], &[ValueSet::Created]);
        all.expect_no_value("a", "X", Some(&first));
        assert_eq!(
            all.into_facts().into_iter().flatten().collect::<Vec<_>>(),
            [no_value("A", "X")]
        );
        let mut all = Expected::default();
        all.expect_value("A", &new("x", &[1]), &ValueSet::Created);
        all.expect_no_value("a", "y", None);
        let values = vec![
            ValueFact { name: "x".to_owned(), found: Some((3, vec![1])) },
            ValueFact { name: "y".to_owned(), found: None },
        ];
        let joined = HiveFact::Values { key: "A".to_owned(), values };
        assert_eq!(all.into_facts().into_iter().flatten().collect::<Vec<_>>(), [joined]);
    }
}
