//! Edits of a loose hive, each recorded as a bake records its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use winkiln_bake::report::VerifiedBy;
use winkiln_bake::value_text::{display_value, type_number};
use winkiln_bake::{Change, Io, Report};
use winkiln_hive::reg_text::RegAction;
use winkiln_hive::{Hive, HiveError, KeyId, ValueType};
use winkiln_verify::{HiveFact, verify_hive};

use crate::error::{CliError, Result};

/// What was changed, what was already so, and what should now be true.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    changes: Vec<Change>,
    unchanged: usize,
    /// By key and value name in lower case; `None` for what is said of the key itself.
    facts: BTreeMap<(String, Option<String>), HiveFact>,
}

impl Ledger {
    /// Carries out one operation on the key at `path`; `key` is its full name for the record.
    pub(crate) fn apply(
        &mut self,
        hive: &mut Hive,
        key: &str,
        path: &str,
        action: &RegAction,
        now: u64,
    ) -> Result<(), HiveError> {
        match action {
            RegAction::CreateKey => self.create_key(hive, key, path, now).map(drop),
            RegAction::DeleteKey => self.delete_key(hive, key, path, now),
            RegAction::SetValue { name, kind, data } => {
                let id = self.create_key(hive, key, path, now)?;
                self.set_value(hive, (id, key, path), (name, *kind, data), now)
            }
            RegAction::DeleteValue { name } => self.delete_value(hive, key, path, name, now),
        }
    }

    /// Records an edit of another kind; `None` when it was already so.
    pub(crate) fn record(&mut self, change: Option<Change>) {
        match change {
            Some(change) => self.changes.push(change),
            None => self.unchanged += 1,
        }
    }

    /// Records something that should be true of the hive now. What it contradicts is no longer expected.
    pub(crate) fn expect(&mut self, fact: HiveFact) {
        let key = fact.key().to_lowercase();
        if matches!(fact, HiveFact::KeyAbsent { .. }) {
            let below = |at: &str| at.len() == key.len() || at.as_bytes()[key.len()] == b'\\';
            let gone: Vec<_> = self
                .facts
                .range((key.clone(), None)..)
                .map(|(place, _)| place)
                .take_while(|(at, _)| at.starts_with(&key))
                .filter(|(at, _)| below(at))
                .cloned()
                .collect();
            for place in gone {
                self.facts.remove(&place);
            }
        } else {
            let ends = key.match_indices('\\').map(|(at, _)| at).chain([key.len()]);
            for end in ends {
                let place = (key[..end].to_owned(), None);
                if matches!(self.facts.get(&place), Some(HiveFact::KeyAbsent { .. })) {
                    self.facts.remove(&place);
                }
            }
        }
        let name = match &fact {
            HiveFact::Value { name, .. } | HiveFact::ValueAbsent { name, .. } => {
                Some(name.to_lowercase())
            }
            _ => None,
        };
        self.facts.insert((key, name), fact);
    }

    /// The report before anything is written.
    pub(super) fn report(&self, dry_run: bool) -> Report {
        Report {
            committed: false,
            dry_run,
            changes: self.changes.clone(),
            unchanged: self.unchanged,
            warnings: Vec::new(),
            io: Io::default(),
            verified: Vec::new(),
        }
    }

    /// Has an independent reader read the edits back.
    pub(super) fn verify(&self, path: &Path, bytes: &Arc<Vec<u8>>) -> Result<Vec<VerifiedBy>> {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let facts: Vec<HiveFact> = self.facts.values().cloned().collect();
        let opinion = verify_hive(&name, bytes, &facts).map_err(|error| {
            CliError::failed(format!("{}: {error}; nothing was written", path.display()))
        })?;
        Ok(opinion
            .verified
            .into_iter()
            .map(|verified| VerifiedBy { reader: verified.reader.to_owned(), what: verified.what })
            .collect())
    }

    fn create_key(
        &mut self,
        hive: &mut Hive,
        key: &str,
        path: &str,
        now: u64,
    ) -> Result<KeyId, HiveError> {
        let (id, made) = hive.create_key(hive.root(), path, now)?;
        self.record((made > 0).then(|| Change {
            kind: "registry-key",
            target: key.to_owned(),
            before: None,
            after: Some("key".to_owned()),
        }));
        self.expect(HiveFact::KeyExists { key: path.to_owned() });
        Ok(id)
    }

    fn delete_key(
        &mut self,
        hive: &mut Hive,
        key: &str,
        path: &str,
        now: u64,
    ) -> Result<(), HiveError> {
        let found = hive.find(hive.root(), path)?;
        if let Some(id) = found {
            hive.delete_key(id, now)?;
        }
        self.record(found.map(|_| Change {
            kind: "registry-key",
            target: key.to_owned(),
            before: Some("key".to_owned()),
            after: None,
        }));
        self.expect(HiveFact::KeyAbsent { key: path.to_owned() });
        Ok(())
    }

    fn set_value(
        &mut self,
        hive: &mut Hive,
        (id, key, path): (KeyId, &str, &str),
        (name, kind, data): (&str, ValueType, &[u8]),
        now: u64,
    ) -> Result<(), HiveError> {
        let before = hive.value(id, name)?;
        let changed = hive.set_value(id, name, kind, data, now)?;
        self.record(changed.then(|| Change {
            kind: "registry-value",
            target: value_target(key, name),
            before: before.map(|value| display_value(value.kind, &value.data)),
            after: Some(display_value(kind, data)),
        }));
        self.expect(HiveFact::Value {
            key: path.to_owned(),
            name: name.to_owned(),
            kind: type_number(kind),
            data: data.to_vec(),
        });
        Ok(())
    }

    fn delete_value(
        &mut self,
        hive: &mut Hive,
        key: &str,
        path: &str,
        name: &str,
        now: u64,
    ) -> Result<(), HiveError> {
        let Some(id) = hive.find(hive.root(), path)? else {
            self.record(None);
            return Ok(());
        };
        let before = hive.value(id, name)?;
        let deleted = hive.delete_value(id, name, now)?;
        self.record(deleted.then(|| Change {
            kind: "registry-value",
            target: value_target(key, name),
            before: before.map(|value| display_value(value.kind, &value.data)),
            after: None,
        }));
        self.expect(HiveFact::ValueAbsent { key: path.to_owned(), name: name.to_owned() });
        Ok(())
    }
}

fn value_target(key: &str, name: &str) -> String {
    format!("{key}\\{}", if name.is_empty() { "(Default)" } else { name })
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

    #[test]
    fn the_last_word_on_a_place_is_what_is_expected() {
        let rows = [
            (
                vec![exists("A"), exists(r"A\B"), exists("AB"), absent("a")],
                vec![absent("a"), exists("AB")],
            ),
            (vec![absent("A"), exists(r"A\B\C")], vec![exists(r"A\B\C")]),
            (vec![absent(r"A\B"), exists("A")], vec![exists("A"), absent(r"A\B")]),
            (vec![no_value("A", "x"), no_value("a", "X")], vec![no_value("a", "X")]),
            (vec![no_value("A", "x"), absent("A")], vec![absent("A")]),
        ];
        for (said, expected) in rows {
            let mut ledger = Ledger::default();
            for fact in said {
                ledger.expect(fact);
            }
            assert_eq!(ledger.facts.into_values().collect::<Vec<_>>(), expected);
        }
    }
}
