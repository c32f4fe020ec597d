//! What adding a package changed of what others use too: it is put back as it was, where it is still what the package made of it.

use winkiln_drivers::footprint::Footprint;
use winkiln_drivers::staging::Guest;
use winkiln_hive::ValueType;
use winkiln_hive::reg_text::{self, RegAction, RegOperation};

use super::super::Session;
use super::super::driver_edit::record::{AFTER, BEFORE, folder};
use super::Removal;
use super::inventory::Installed;
use crate::value_text::multi_data;
use crate::{BakeError, Step};

/// Bytes of a record.
const RECORD_BYTES_MAX: u64 = 16 << 20;
/// Keys whose values keep drivers from starting.
const START_OVERRIDE: &str = r"\startoverride";

impl Session {
    /// Puts back what the packages changed.
    pub(super) fn put_changes_back(
        &mut self,
        removal: &Removal,
        rest: &[(Installed, Footprint)],
        guest: &Guest,
    ) -> Result<(), BakeError> {
        let mut others_boot = false;
        for (installed, _) in rest {
            for service in &installed.services {
                let found = self.service(service, guest)?;
                others_boot |= found.is_some_and(|service| service.start == Some(0));
            }
        }
        for installed in removal.packages.iter().rev() {
            for store in installed.folders.clone() {
                let before = self.record(guest, &store, BEFORE)?;
                let after = self.record(guest, &store, AFTER)?;
                for operation in &before {
                    // What keeps drivers from starting would keep those of other packages from it too.
                    let blocks = operation.key.to_lowercase().ends_with(START_OVERRIDE);
                    if !(blocks && others_boot) {
                        self.put_value_back(operation, &after)?;
                    }
                }
                let made = before.iter().filter(|op| op.action == RegAction::DeleteKey);
                let mut made: Vec<&RegOperation> = made.collect();
                made.sort_by_key(|operation| std::cmp::Reverse(operation.key.len()));
                for operation in made {
                    if self.is_key_empty(&operation.key)? == Some(true) {
                        let key = operation.key.to_string();
                        self.apply_step(&Step::DeleteKey { key })?;
                    }
                }
            }
        }
        Ok(())
    }

    fn put_value_back(
        &mut self,
        operation: &RegOperation,
        after: &[RegOperation],
    ) -> Result<(), BakeError> {
        let (RegAction::SetValue { name, .. } | RegAction::DeleteValue { name }) =
            &operation.action
        else {
            return Ok(());
        };
        let key = &*operation.key;
        let made = after.iter().find(|made| {
            made.key.eq_ignore_ascii_case(key)
                && matches!(&made.action, RegAction::SetValue { name: own, .. } | RegAction::DeleteValue { name: own } if own.eq_ignore_ascii_case(name))
        });
        let Some(made) = made else { return Ok(()) };
        let found = self.value_of(key, name)?;
        let as_made = match (&found, &made.action) {
            (Some((kind, data)), RegAction::SetValue { kind: own_kind, data: own, .. }) => {
                kind == own_kind && data == own
            }
            (None, RegAction::DeleteValue { .. }) => true,
            _ => false,
        };
        if as_made {
            let (key, name) = (key.to_owned(), name.clone());
            return match &operation.action {
                RegAction::SetValue { kind, data, .. } => self.set_value(&key, &name, *kind, data),
                _ => self.apply_step(&Step::DeleteValue { key, name }),
            };
        }
        // Of a list that was changed since, the strings that the package added go.
        let (Some((ValueType::MultiSz, data)), Some(own)) = (found, strings(&made.action)) else {
            self.warn(format!(r"{key}\{name} stays: it was changed after the package was added"));
            return Ok(());
        };
        let was = strings(&operation.action).unwrap_or_default();
        let mut list = winkiln_hive::strings(&data);
        list.retain(|string| was.contains(string) || !own.contains(string));
        self.set_value(key, name, ValueType::MultiSz, &multi_data(&list)?)
    }

    /// Tells whether a service was there before the package that goes.
    pub(super) fn was_there(
        &mut self,
        removal: &Removal,
        guest: &Guest,
        service: &str,
    ) -> Result<bool, BakeError> {
        let end = format!(r"\services\{}", service.to_lowercase());
        for installed in &removal.packages {
            for store in &installed.folders {
                let record = self.record(guest, store, BEFORE)?;
                let is_it = |op: &RegOperation| {
                    op.action == RegAction::CreateKey && op.key.to_lowercase().ends_with(&end)
                };
                if record.iter().any(is_it) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// A file of a package's record; none of it where it cannot be read.
    fn record(
        &mut self,
        guest: &Guest,
        store: &str,
        name: &str,
    ) -> Result<Vec<RegOperation>, BakeError> {
        let volume = self.windows()?.volume;
        let path = format!(r"{}\{name}", folder(guest, store));
        if self.metadata(volume, &path)?.is_none_or(|found| found.size > RECORD_BYTES_MAX) {
            return Ok(Vec::new());
        }
        let bytes = self.read(volume, &path, RECORD_BYTES_MAX)?;
        Ok(reg_text::parse(&bytes).unwrap_or_else(|error| {
            self.warn(format!("{path} cannot be read, so that nothing of it is put back: {error}"));
            Vec::new()
        }))
    }
}

fn strings(action: &RegAction) -> Option<Vec<String>> {
    match action {
        RegAction::SetValue { kind: ValueType::MultiSz, data, .. } => {
            Some(winkiln_hive::strings(data))
        }
        _ => None,
    }
}
