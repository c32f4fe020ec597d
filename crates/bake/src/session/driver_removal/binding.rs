//! Bindings of devices: `CriticalDeviceDatabase` and `DriverDatabase`.

use winkiln_drivers::staging::{Binding, Guest, OemNumbers};
use winkiln_hive::Value;

use super::super::Session;
use super::Removal;
use super::filters::bound_to;
use super::inventory::database_roots;
use super::services::owned_by;
use crate::{BakeError, Step};

const CRITICAL: &str = r"Control\CriticalDeviceDatabase";
/// Lists of what packages protect, with their owners.
const SETUP: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Setup";
const CURRENT_VERSION: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion";

impl Session {
    /// Takes away what binds devices to what goes.
    pub(super) fn unbind(
        &mut self,
        removal: &Removal,
        going: &[String],
        guest: &Guest,
    ) -> Result<(), BakeError> {
        for set in self.control_sets()? {
            let root = format!(r"{set}\{CRITICAL}");
            let bound = self.search(&root, 1, |key, values| bound_to(key, values, going))?;
            for key in bound {
                self.delete_with_empty_parents(&key, &root)?;
            }
        }
        if let Binding::Database { drivers_hive } = guest.binding {
            for root in database_roots(drivers_hive) {
                self.remove_from_database(removal, root)?;
            }
            self.free_numbers(removal)?;
        }
        self.unlock_files(removal)
    }

    fn remove_from_database(&mut self, removal: &Removal, root: &str) -> Result<(), BakeError> {
        let infs = removal.infs();
        let ids = format!(r"{root}\DeviceIds");
        let named = self.search(&ids, 2, |key, values| {
            let own = |value: &&Value| infs.iter().any(|inf| inf.eq_ignore_ascii_case(&value.name));
            values.iter().filter(own).map(|v| (key.to_owned(), v.name.clone())).collect()
        })?;
        for (key, name) in named {
            self.apply_step(&Step::DeleteValue { key: key.clone(), name })?;
            self.delete_if_empty(&key, &ids)?;
        }
        for installed in &removal.packages {
            let Some(inf) = &installed.inf else { continue };
            self.delete_with_empty_parents(&format!(r"{root}\DriverInfFiles\{inf}"), root)?;
            for folder in &installed.folders {
                self.delete_with_empty_parents(&format!(r"{root}\DriverPackages\{folder}"), root)?;
            }
        }
        Ok(())
    }

    /// Frees the numbers of the INFs.
    fn free_numbers(&mut self, removal: &Removal) -> Result<(), BakeError> {
        let key = r"HKLM\SYSTEM\DriverDatabase";
        let Some((kind, data)) = self.value_of(key, "OemInfMap")? else { return Ok(()) };
        let mut numbers = OemNumbers::from_map(&data);
        for inf in removal.infs() {
            numbers.free_name(&inf);
        }
        let map = numbers.to_map();
        if map == data { Ok(()) } else { self.set_value(key, "OemInfMap", kind, &map) }
    }

    /// Takes the packages from the owners of protected files and keys.
    fn unlock_files(&mut self, removal: &Removal) -> Result<(), BakeError> {
        let infs = removal.infs();
        for list in ["PnpLockdownFiles", "PnpResources"] {
            let root = format!(r"{SETUP}\{list}");
            let owned = self.search(&root, 8, |key, values| owned_by(key, values, &infs))?;
            // Those below others first; what is left below a key then is of other packages.
            for key in owned.into_iter().rev() {
                self.drop_strings(&key, "Owners", &infs)?;
                if !self.texts_of(&key, "Owners")?.is_empty() {
                    continue;
                }
                if self.subkeys(&key)?.unwrap_or_default().is_empty() {
                    self.delete_with_empty_parents(&key, CURRENT_VERSION)?;
                    continue;
                }
                for value in self.values(&key)? {
                    let (key, name) = (key.clone(), value.name);
                    self.apply_step(&Step::DeleteValue { key, name })?;
                }
            }
        }
        Ok(())
    }

    /// Deletes a key, and those above it, below `stop`, that are empty then.
    pub(super) fn delete_with_empty_parents(
        &mut self,
        key: &str,
        stop: &str,
    ) -> Result<(), BakeError> {
        if !self.has_key(key)? {
            return Ok(());
        }
        self.apply_step(&Step::DeleteKey { key: key.to_owned() })?;
        match key.rsplit_once('\\') {
            Some((above, _)) => self.delete_if_empty(above, stop),
            None => Ok(()),
        }
    }

    /// Deletes a key below `stop` if it is empty, and those above it that are empty then.
    pub(super) fn delete_if_empty(&mut self, key: &str, stop: &str) -> Result<(), BakeError> {
        let mut key = key;
        while key.len() > stop.len() && self.is_key_empty(key)? == Some(true) {
            self.apply_step(&Step::DeleteKey { key: key.to_owned() })?;
            let Some((above, _)) = key.rsplit_once('\\') else { break };
            key = above;
        }
        Ok(())
    }
}
