//! Edits of a loose hive, each recorded as a bake records its own.

mod expected;

use std::path::Path;
use std::sync::Arc;

use winkiln_bake::report::VerifiedBy;
use winkiln_bake::value_text::{hidden_value, report_value};
use winkiln_bake::{Change, Io, Report};
use winkiln_hive::reg_text::RegAction;
use winkiln_hive::{Hive, HiveError, NewValue, ValueSet, ValueType};
use winkiln_verify::{HiveFact, verify_hive};

use crate::error::{CliError, Result};
use expected::Expected;

/// What was changed, what was already so, and what should now be true.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    changes: Vec<Change>,
    /// Of values, only that they are there is told.
    secret: bool,
    /// Changes that are told one by one; `None` for all.
    told_max: Option<usize>,
    /// The others.
    untold: usize,
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
                let new = NewValue { name, kind: *kind, data };
                self.set_value(hive, (key, path), &new, now)
            }
            RegAction::DeleteValue { name } => self.delete_value(hive, key, path, name, now),
        }
    }

    /// Has the report tell of no value what it holds.
    pub(super) fn hide_values(&mut self) {
        self.secret = true;
    }

    pub(super) fn hides_values(&self) -> bool {
        self.secret
    }

    /// Has no more than so many changes told one by one, and the others counted.
    pub(super) fn tell(&mut self, max: Option<usize>) {
        self.told_max = max;
    }

    /// Records an edit of another kind; `None` when it was already so.
    pub(crate) fn record(&mut self, change: Option<Change>) {
        match change {
            Some(change) => self.changed(|| change),
            None => self.unchanged += 1,
        }
    }

    /// Records how many things were already so.
    pub(super) fn record_unchanged(&mut self, count: usize) {
        self.unchanged += count;
    }

    fn changed(&mut self, change: impl FnOnce() -> Change) {
        if self.told_max.is_some_and(|max| self.changes.len() >= max) {
            self.untold += 1;
        } else {
            self.changes.push(change());
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
            untold: self.untold,
            unchanged: self.unchanged,
            warnings: Vec::new(),
            io: Io::default(),
            drivers: Vec::new(),
            undo: None,
            kept_addresses: Vec::new(),
            overlay: None,
            verified: Vec::new(),
            verified_untold: 0,
        }
    }

    /// Has an independent reader read the edits back.
    pub(super) fn verify(
        self,
        path: &Path,
        bytes: &Arc<Vec<u8>>,
        report: &mut Report,
    ) -> Result<()> {
        verify_facts(path, bytes, self.facts.into_facts(), self.told_max, report)
    }

    /// Sets a value of the key at `path`, which is made when it is missing.
    fn set_value(
        &mut self,
        hive: &mut Hive,
        (key, path): (&str, &str),
        new: &NewValue<'_>,
        now: u64,
    ) -> Result<(), HiveError> {
        let (id, made) = hive.create_key(hive.root(), path, now)?;
        let set = hive.set_values(id, std::slice::from_ref(new), now)?;
        self.key_made(key, made);
        if let Some(set) = set.first() {
            self.facts.expect_value(path, new, set);
        }
        self.values_told(key, std::slice::from_ref(new), set);
        Ok(())
    }

    /// Records what became of values of a key, and that they should be there now; with `named` the key itself too.
    pub(super) fn values_set(
        &mut self,
        (key, path): (&str, &str),
        named: bool,
        new: &[NewValue<'_>],
        set: Vec<ValueSet>,
    ) {
        self.facts.expect_values((path, named), new, &set);
        self.values_told(key, new, set);
    }

    fn values_told(&mut self, key: &str, new: &[NewValue<'_>], set: Vec<ValueSet>) {
        let secret = self.secret;
        for (new, set) in new.iter().zip(set) {
            let old = match set {
                ValueSet::Unchanged => {
                    self.unchanged += 1;
                    continue;
                }
                ValueSet::Created => None,
                ValueSet::Replaced(kind, data) => Some((kind, data)),
            };
            self.changed(|| Change {
                kind: "registry-value",
                target: value_target(key, new.name),
                before: old.map(|(kind, data)| value_told(secret, new.name, kind, &data)),
                after: Some(value_told(secret, new.name, new.kind, new.data)),
            });
        }
    }

    fn create_key(
        &mut self,
        hive: &mut Hive,
        key: &str,
        path: &str,
        now: u64,
    ) -> Result<(), HiveError> {
        let (_, made) = hive.create_key(hive.root(), path, now)?;
        self.key_asked(key, made);
        self.expect(HiveFact::KeyExists { key: path.to_owned() });
        Ok(())
    }

    /// Records that keys had to be made for values.
    pub(super) fn key_made(&mut self, key: &str, made: u32) {
        if made > 0 {
            self.changed(|| made_key(key));
        }
    }

    /// Records that a key was asked for, and how many had to be made for it.
    pub(super) fn key_asked(&mut self, key: &str, made: u32) {
        self.record((made > 0).then(|| made_key(key)));
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
        self.facts.expect_no_value(path, name, before.as_ref());
        self.record(deleted.then(|| Change {
            kind: "registry-value",
            target: value_target(key, name),
            before: before.map(|value| value_told(self.secret, name, value.kind, &value.data)),
            after: None,
        }));
        Ok(())
    }
}

/// Has an independent reader say that these facts are true of a hive. Of what it says no more than `told_max` is told one by one.
pub(super) fn verify_facts(
    path: &Path,
    bytes: &Arc<Vec<u8>>,
    facts: Vec<impl IntoIterator<Item = HiveFact> + Send>,
    told_max: Option<usize>,
    report: &mut Report,
) -> Result<()> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let opinion = verify_hive(&name, bytes, facts, told_max).map_err(|error| {
        CliError::failed(format!("{}: {error}; nothing was written", path.display()))
    })?;
    report.verified = opinion.verified.into_iter().map(VerifiedBy::from).collect();
    report.verified_untold = opinion.untold;
    let max = told_max.unwrap_or(usize::MAX);
    let more = opinion.skipped.len().saturating_sub(max);
    report.warnings.extend(opinion.skipped.iter().take(max).map(ToString::to_string));
    if more > 0 {
        report.warnings.push(format!("{more} more were not read back by an independent reader"));
    }
    Ok(())
}

fn made_key(key: &str) -> Change {
    Change {
        kind: "registry-key",
        target: key.to_owned(),
        before: None,
        after: Some("key".to_owned()),
    }
}

/// A value as the report tells it.
pub(crate) fn value_told(secret: bool, name: &str, kind: ValueType, data: &[u8]) -> String {
    if secret { hidden_value(kind, data) } else { report_value(name, kind, data) }
}

fn value_target(key: &str, name: &str) -> String {
    format!("{key}\\{}", if name.is_empty() { "(Default)" } else { name })
}
