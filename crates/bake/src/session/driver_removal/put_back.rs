//! What adding a package changed of what others use too: it is put back as it was, where it is still what the package made of it.

use std::collections::{HashMap, HashSet};

use winkiln_drivers::footprint::Footprint;
use winkiln_drivers::staging::Guest;
use winkiln_hive::ValueType;
use winkiln_hive::reg_text::{self, RegAction, RegOperation};

use super::super::Session;
use super::super::driver_edit::record::{AFTER, BEFORE, folder};
use super::Removal;
use super::folders::is_device_path;
use super::inventory::Installed;
use crate::value_text::multi_data;
use crate::{BakeError, Step};

/// Bytes of a record.
const RECORD_BYTES_MAX: u64 = 16 << 20;
/// Keys whose values keep drivers from starting.
const START_OVERRIDE: &str = r"\startoverride";
/// Where the keys of services are.
const SERVICES: &str = r"\services";

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
                let after = by_value(&after);
                for operation in &before {
                    // What keeps drivers from starting would keep those of other packages from it too.
                    let blocks = operation.key.to_lowercase().ends_with(START_OVERRIDE);
                    if !(is_device_path(operation) || blocks && others_boot) {
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
        after: &HashMap<(String, String), &RegAction>,
    ) -> Result<(), BakeError> {
        let Some(name) = value_name(&operation.action) else { return Ok(()) };
        let key = &*operation.key;
        let Some(made) = after.get(&place(key, name)) else { return Ok(()) };
        let found = self.value_of(key, name)?;
        let as_made = match (&found, made) {
            (Some((kind, data)), RegAction::SetValue { kind: own_kind, data: own, .. }) => {
                kind == own_kind && data == own
            }
            (None, RegAction::DeleteValue { .. }) => true,
            _ => false,
        };
        if as_made {
            let (key, name) = (key.to_owned(), name.to_owned());
            return match &operation.action {
                RegAction::SetValue { kind, data, .. } => self.set_value(&key, &name, *kind, data),
                _ => self.apply_step(&Step::DeleteValue { key, name }),
            };
        }
        // Of a list that was changed since, the strings that the package added go.
        let (Some((ValueType::MultiSz, data)), Some(own)) = (found, strings(made)) else {
            self.warn(format!(r"{key}\{name} stays: it was changed after the package was added"));
            return Ok(());
        };
        let was = strings(&operation.action).unwrap_or_default();
        let mut list = winkiln_hive::strings(&data);
        list.retain(|string| was.contains(string) || !own.contains(string));
        self.set_value(key, name, ValueType::MultiSz, &multi_data(&list)?)
    }

    /// Services that were there before the packages, in lower case.
    pub(super) fn services_before(
        &mut self,
        packages: &[Installed],
        guest: &Guest,
    ) -> Result<HashSet<String>, BakeError> {
        let mut services = HashSet::new();
        for store in packages.iter().flat_map(|installed| &installed.folders) {
            let (mut there, mut shared) = (HashSet::new(), HashSet::new());
            for operation in self.record(guest, store, BEFORE)? {
                let key = operation.key.to_lowercase();
                let parts = key.rsplit_once('\\').filter(|(above, _)| above.ends_with(SERVICES));
                let Some((_, service)) = parts else { continue };
                // A line with the key's name alone comes before its values.
                match operation.action {
                    RegAction::CreateKey => there.insert(service.to_owned()),
                    RegAction::DeleteKey => shared.insert(service.to_owned()),
                    _ => continue,
                };
            }
            services.extend(there.difference(&shared).cloned());
        }
        Ok(services)
    }

    /// A file of a package's record; none of it where it cannot be read.
    pub(super) fn record(
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

/// The values of a record by their places.
fn by_value(operations: &[RegOperation]) -> HashMap<(String, String), &RegAction> {
    let named = operations.iter().filter_map(|operation| {
        let name = value_name(&operation.action)?;
        Some((place(&operation.key, name), &operation.action))
    });
    named.collect()
}

/// The value that is meant, whatever its case.
fn place(key: &str, name: &str) -> (String, String) {
    (key.to_lowercase(), name.to_lowercase())
}

fn value_name(action: &RegAction) -> Option<&str> {
    match action {
        RegAction::SetValue { name, .. } | RegAction::DeleteValue { name } => Some(name),
        _ => None,
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
