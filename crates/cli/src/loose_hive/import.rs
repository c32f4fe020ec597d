//! `.reg` text carried out on a loose hive.

use std::sync::Arc;

use winkiln_hive::NewValue;
use winkiln_hive::reg_text::{RegAction, RegOperation, RegTextError};

use super::LooseHive;
use crate::error::{Doing as _, Result};

/// A key with the values that follow it in the text.
struct Section {
    key: Arc<str>,
    /// The line of the key, when it is named there and not only meant by its values.
    line: Option<u32>,
    values: Vec<RegOperation>,
}

impl LooseHive {
    /// Carries out the operations of `.reg` text, in their order; the values of a key together.
    pub(crate) fn import(
        &mut self,
        operations: impl Iterator<Item = Result<RegOperation, RegTextError>>,
        all_control_sets: bool,
        now: u64,
    ) -> Result<()> {
        let mut section: Option<Section> = None;
        for operation in operations {
            let operation = operation?;
            match (&operation.action, &mut section) {
                (RegAction::SetValue { .. }, Some(section))
                    if Arc::ptr_eq(&section.key, &operation.key) =>
                {
                    section.values.push(operation);
                    continue;
                }
                _ => {}
            }
            if let Some(section) = section.take() {
                self.set(section, all_control_sets, now)?;
            }
            match operation.action {
                RegAction::CreateKey => {
                    let RegOperation { line, key, .. } = operation;
                    section = Some(Section { key, line: Some(line), values: Vec::new() });
                }
                RegAction::SetValue { .. } => {
                    let key = operation.key.clone();
                    section = Some(Section { key, line: None, values: vec![operation] });
                }
                RegAction::DeleteKey | RegAction::DeleteValue { .. } => {
                    self.one_line(&operation, all_control_sets, now)?;
                }
            }
        }
        section.map_or(Ok(()), |section| self.set(section, all_control_sets, now))
    }

    fn one_line(
        &mut self,
        operation: &RegOperation,
        all_control_sets: bool,
        now: u64,
    ) -> Result<()> {
        self.carry_out(operation, all_control_sets, now)
            .doing(|| format!("line {}: cannot edit {}", operation.line, operation.key))
    }

    fn set(&mut self, section: Section, all_control_sets: bool, now: u64) -> Result<()> {
        let Section { key, line: named, values } = section;
        let Some(line) = named.or(values.first().map(|value| value.line)) else { return Ok(()) };
        let doing = || format!("line {line}: cannot edit {key}");
        let places = self.places(&key, all_control_sets).doing(doing)?;
        let new: Vec<NewValue<'_>> = values.iter().filter_map(new_value).collect();
        for (key, path) in &places {
            let root = self.hive.root();
            let (id, made) = self.hive.create_key(root, path, now).doing(doing)?;
            match named {
                Some(_) => self.ledger.key_named(key, path, made),
                None => self.ledger.key_made(key, made),
            }
            match self.hive.set_values(id, &new, now) {
                Ok(set) => self.ledger.values_set(key, &new, set),
                Err(error) => {
                    self.line_by_line(&values, all_control_sets, now)?;
                    return Err(error).doing(doing);
                }
            }
        }
        if values.is_empty() {
            return Ok(());
        }
        if let Some(((_, last), others)) = places.split_last() {
            for (_, path) in others {
                self.ledger.expect_values(path, values.iter().cloned());
            }
            self.ledger.expect_values(last, values.into_iter());
        }
        Ok(())
    }

    /// After values that could not be set together: the line of the first that cannot be set.
    fn line_by_line(
        &mut self,
        values: &[RegOperation],
        all_control_sets: bool,
        now: u64,
    ) -> Result<()> {
        values.iter().try_for_each(|value| self.one_line(value, all_control_sets, now))
    }
}

fn new_value(operation: &RegOperation) -> Option<NewValue<'_>> {
    match &operation.action {
        RegAction::SetValue { name, kind, data } => Some(NewValue { name, kind: *kind, data }),
        _ => None,
    }
}
