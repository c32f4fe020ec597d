//! What should be true of a hive after its edits, by key.

use std::collections::{BTreeMap, HashMap};

use winkiln_verify::{HiveFact, ValueFact};

/// Values of a key that are searched one by one.
const FEW: usize = 16;

/// What should be true of a hive.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// By path in lower case.
    keys: BTreeMap<String, KeyFacts>,
    /// There are keys that should not be there.
    any_absent: bool,
}

#[derive(Debug, Default)]
struct KeyFacts {
    /// As spelt first.
    path: String,
    /// Whether it is there, when something was said of it.
    there: Option<bool>,
    values: Vec<ValueFact>,
    /// Places in `values` by name in lower case, once they are many.
    places: HashMap<String, usize>,
}

impl KeyFacts {
    fn expect(&mut self, fact: ValueFact) {
        match self.place(&fact.name) {
            Some(known) => *known = fact,
            None => {
                if self.values.len() == FEW {
                    let names = self.values.iter().enumerate();
                    self.places = names.map(|(at, fact)| (fact.name.to_lowercase(), at)).collect();
                }
                if self.values.len() >= FEW {
                    self.places.insert(fact.name.to_lowercase(), self.values.len());
                }
                self.values.push(fact);
            }
        }
    }

    fn place(&mut self, name: &str) -> Option<&mut ValueFact> {
        if self.values.len() > FEW {
            let at = *self.places.get(&name.to_lowercase())?;
            return self.values.get_mut(at);
        }
        let lower = |name: &str| name.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
        let is_same = |other: &str| {
            other.eq_ignore_ascii_case(name)
                || (!(other.is_ascii() && name.is_ascii()) && lower(other) == lower(name))
        };
        self.values.iter_mut().find(|fact| is_same(&fact.name))
    }

    fn into_facts(self) -> Vec<HiveFact> {
        let Self { path: key, there, values, .. } = self;
        if there == Some(false) {
            return vec![HiveFact::KeyAbsent { key }];
        }
        // That a value is there tells that its key is.
        if values.len() > 1 && values.iter().any(|fact| fact.found.is_some()) {
            return vec![HiveFact::Values { key, values }];
        }
        let exists = there.map(|_| HiveFact::KeyExists { key: key.clone() });
        let values = values.into_iter().map(|ValueFact { name, found }| match found {
            Some((kind, data)) => HiveFact::Value { key: key.clone(), name, kind, data },
            None => HiveFact::ValueAbsent { key: key.clone(), name },
        });
        exists.into_iter().chain(values).collect()
    }
}

impl Expected {
    /// Records a fact. What it contradicts is no longer expected.
    pub(super) fn expect(&mut self, fact: HiveFact) {
        match fact {
            HiveFact::KeyAbsent { key } => self.expect_absent(key),
            HiveFact::KeyExists { key } => self.present(&key).there = Some(true),
            HiveFact::Value { key, name, kind, data } => {
                self.present(&key).expect(ValueFact { name, found: Some((kind, data)) });
            }
            HiveFact::ValueAbsent { key, name } => {
                self.present(&key).expect(ValueFact { name, found: None });
            }
            HiveFact::Values { key, values } => self.expect_values(&key, values.into_iter()),
        }
    }

    /// Records facts of many values of one key.
    pub(super) fn expect_values(&mut self, key: &str, values: impl Iterator<Item = ValueFact>) {
        let facts = self.present(key);
        values.for_each(|value| facts.expect(value));
    }

    /// The facts, by key.
    pub(super) fn into_list(self) -> Vec<HiveFact> {
        self.keys.into_values().flat_map(KeyFacts::into_facts).collect()
    }

    /// What is said of a key that is there.
    fn present(&mut self, key: &str) -> &mut KeyFacts {
        let lower = key.to_lowercase();
        if self.any_absent {
            let ends = lower.match_indices('\\').map(|(at, _)| at).chain([lower.len()]);
            for end in ends {
                if self.keys.get(&lower[..end]).is_some_and(|facts| facts.there == Some(false)) {
                    self.keys.remove(&lower[..end]);
                }
            }
        }
        self.keys
            .entry(lower)
            .or_insert_with(|| KeyFacts { path: key.to_owned(), ..KeyFacts::default() })
    }

    fn expect_absent(&mut self, key: String) {
        let lower = key.to_lowercase();
        let below = |at: &str| at.len() == lower.len() || at.as_bytes()[lower.len()] == b'\\';
        let gone: Vec<String> = self
            .keys
            .range(lower.clone()..)
            .map(|(path, _)| path)
            .take_while(|path| path.starts_with(&lower))
            .filter(|path| below(path))
            .cloned()
            .collect();
        for path in gone {
            self.keys.remove(&path);
        }
        self.any_absent = true;
        let facts = KeyFacts { path: key, there: Some(false), ..KeyFacts::default() };
        self.keys.insert(lower, facts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        HiveFact::Value { key: key.to_owned(), name: name.to_owned(), kind: 3, data: vec![byte] }
    }

    #[test]
    fn many_values_of_a_key_are_found_by_name() {
        let mut expected = Expected::default();
        for round in 0..2 {
            for number in 0..100u8 {
                let name =
                    if round == 0 { format!("Name{number}") } else { format!("NAME{number}") };
                expected.expect(value("A", &name, number + round));
            }
        }
        let list = expected.into_list();
        let [HiveFact::Values { values, .. }] = list.as_slice() else { panic!("{list:?}") };
        assert_eq!(values.len(), 100);
        assert_eq!(values[7], ValueFact { name: "NAME7".to_owned(), found: Some((3, vec![8])) });
    }

    #[test]
    fn the_last_word_on_a_place_is_what_is_expected() {
        let rows = [
            (
                vec![exists("A"), exists(r"A\B"), exists("AB"), absent("a")],
                vec![absent("a"), exists("AB")],
            ),
            (vec![absent("A"), exists(r"A\B\C")], vec![exists(r"A\B\C")]),
            (vec![absent(r"A\B"), exists("A")], vec![exists("A"), absent(r"A\B")]),
            (vec![no_value("A", "x"), no_value("a", "X")], vec![no_value("A", "X")]),
            (vec![no_value("A", "x"), absent("A")], vec![absent("A")]),
            (vec![absent("A"), value("A", "x", 1)], vec![value("A", "x", 1)]),
            (
                vec![value("A", "x", 1), no_value("a", "y"), value("a", "X", 2)],
                vec![HiveFact::Values {
                    key: "A".to_owned(),
                    values: vec![
                        ValueFact { name: "X".to_owned(), found: Some((3, vec![2])) },
                        ValueFact { name: "y".to_owned(), found: None },
                    ],
                }],
            ),
            (
                vec![no_value("A", "x"), no_value("A", "y")],
                vec![no_value("A", "x"), no_value("A", "y")],
            ),
        ];
        for (said, expected) in rows {
            let mut expected_now = Expected::default();
            for fact in said {
                expected_now.expect(fact);
            }
            assert_eq!(expected_now.into_list(), expected);
        }
    }
}
