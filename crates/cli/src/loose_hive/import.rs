//! `.reg` text carried out on a loose hive.

use std::sync::Arc;

use winkiln_hive::NewValue;
use winkiln_hive::reg_text::{RegAction, RegOperation, RegReadError};

use super::LooseHive;
use crate::error::{Doing as _, Result};

/// Values of a section for which there is room from its beginning.
const SECTION_VALUES: usize = 16;

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
        operations: impl Iterator<Item = Result<RegOperation, RegReadError>>,
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
                    let values = Vec::with_capacity(SECTION_VALUES);
                    section = Some(Section { key, line: Some(line), values });
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
        let mut new = Vec::with_capacity(values.len());
        new.extend(values.iter().filter_map(new_value));
        for (key, path) in &places {
            let root = self.hive.root();
            let (id, made) = self.hive.create_key(root, path, now).doing(doing)?;
            match named {
                Some(_) => self.ledger.key_asked(key, made),
                None => self.ledger.key_made(key, made),
            }
            match self.hive.set_values(id, &new, now) {
                Ok(set) => self.ledger.values_set((key, path), named.is_some(), &new, set),
                Err(error) => {
                    self.line_by_line(&values, all_control_sets, now)?;
                    return Err(error).doing(doing);
                }
            }
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
