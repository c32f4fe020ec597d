//! Edits of a loose hive, each recorded as a bake records its own.

mod expected;

use std::path::Path;
use std::sync::Arc;

use winkiln_bake::report::VerifiedBy;
use winkiln_bake::value_text::{display_value, type_number};
use winkiln_bake::{Change, Io, Report};
use winkiln_hive::reg_text::{RegAction, RegOperation};
use winkiln_hive::{Hive, HiveError, NewValue, ValueSet};
use winkiln_verify::{HiveFact, ValueFact, verify_hive};

use crate::error::{CliError, Result};
use expected::Expected;

/// What was changed, what was already so, and what should now be true.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    changes: Vec<Change>,
    unchanged: usize,
    facts: Expected,
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
            RegAction::CreateKey => self.create_key(hive, key, path, now),
            RegAction::DeleteKey => self.delete_key(hive, key, path, now),
            RegAction::SetValue { name, kind, data } => {
                self.set_values(hive, (key, path), &[NewValue { name, kind: *kind, data }], now)?;
                self.expect(HiveFact::Value {
                    key: path.to_owned(),
                    name: name.clone(),
                    kind: type_number(*kind),
                    data: data.clone(),
                });
                Ok(())
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
        self.facts.expect(fact);
    }

    /// The report before anything is written.
    pub(super) fn report(&mut self, dry_run: bool) -> Report {
        Report {
            committed: false,
            dry_run,
            changes: std::mem::take(&mut self.changes),
            unchanged: self.unchanged,
            warnings: Vec::new(),
            io: Io::default(),
            drivers: Vec::new(),
            undo: None,
            verified: Vec::new(),
        }
    }

    /// Has an independent reader read the edits back.
    pub(super) fn verify(self, path: &Path, bytes: &Arc<Vec<u8>>) -> Result<Vec<VerifiedBy>> {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let facts = self.facts.into_list();
        let opinion = verify_hive(&name, bytes, &facts).map_err(|error| {
            CliError::failed(format!("{}: {error}; nothing was written", path.display()))
        })?;
        Ok(opinion
            .verified
            .into_iter()
            .map(|verified| VerifiedBy { reader: verified.reader.to_owned(), what: verified.what })
            .collect())
    }

    /// Sets values of the key at `path`, which is made when it is missing.
    pub(super) fn set_values(
        &mut self,
        hive: &mut Hive,
        (key, path): (&str, &str),
        new: &[NewValue<'_>],
        now: u64,
    ) -> Result<(), HiveError> {
        let (id, made) = hive.create_key(hive.root(), path, now)?;
        let set = hive.set_values(id, new, now)?;
        if made > 0 {
            self.record(Some(made_key(key)));
        }
        for (new, set) in new.iter().zip(set) {
            self.record(match set {
                ValueSet::Unchanged => None,
                ValueSet::Created => Some(set_value(key, new, None)),
                ValueSet::Replaced(kind, data) => {
                    Some(set_value(key, new, Some(display_value(kind, &data))))
                }
            });
        }
        Ok(())
    }

    /// Records that the values which these operations set should be there now.
    pub(super) fn expect_values(
        &mut self,
        path: &str,
        operations: impl Iterator<Item = RegOperation>,
    ) {
        let facts = operations.filter_map(|operation| match operation.action {
            RegAction::SetValue { name, kind, data } => {
                Some(ValueFact { name, found: Some((type_number(kind), data)) })
            }
            _ => None,
        });
        self.facts.expect_values(path, facts);
    }

    /// Makes a key that a `.reg` file names.
    pub(super) fn create_key(
        &mut self,
        hive: &mut Hive,
        key: &str,
        path: &str,
        now: u64,
    ) -> Result<(), HiveError> {
        let (_, made) = hive.create_key(hive.root(), path, now)?;
        self.record((made > 0).then(|| made_key(key)));
        self.expect(HiveFact::KeyExists { key: path.to_owned() });
        Ok(())
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

fn made_key(key: &str) -> Change {
    Change {
        kind: "registry-key",
        target: key.to_owned(),
        before: None,
        after: Some("key".to_owned()),
    }
}

fn set_value(key: &str, new: &NewValue<'_>, before: Option<String>) -> Change {
    Change {
        kind: "registry-value",
        target: value_target(key, new.name),
        before,
        after: Some(display_value(new.kind, new.data)),
    }
}

fn value_target(key: &str, name: &str) -> String {
    format!("{key}\\{}", if name.is_empty() { "(Default)" } else { name })
}
