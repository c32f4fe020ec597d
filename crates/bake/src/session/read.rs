//! Reading the guest's registry as it is after the steps so far.

use winkiln_guest::Windows;
use winkiln_hive::Value;

use super::Session;
use super::lookup::GuestLookup;
use crate::BakeError;
use crate::facts::Lookup as _;

impl Session {
    /// All values of a full key; empty when the key is missing. What steps changed counts.
    ///
    /// # Errors
    /// When the hive cannot be read.
    pub fn values(&mut self, key: &str) -> Result<Vec<Value>, BakeError> {
        let (guest, disk, _) = self.guest()?;
        GuestLookup { disk, guest }.values(key)
    }

    /// The names of the keys below a full key; `None` when the key is missing.
    ///
    /// # Errors
    /// When the hive cannot be read.
    pub fn subkeys(&mut self, key: &str) -> Result<Option<Vec<String>>, BakeError> {
        let (guest, disk, _) = self.guest()?;
        GuestLookup { disk, guest }.subkeys(key)
    }

    /// Lets go of what was read of the guest and not edited, so that steps may replace hives, and what they changed is seen.
    pub fn look_afresh(&mut self) {
        let Some(guest) = &mut self.guest else { return };
        for (_, file) in guest.registry.opened() {
            guest.registry.close(&file);
        }
        if guest.registry.opened().is_empty() {
            self.guest = None;
            return;
        }
        // Hives with edits stay as they are; what the guest starts by may be another file now.
        let found = self.disk.find_windows().unwrap_or_default();
        let is_it = |windows: &Windows| {
            windows.volume == guest.windows.volume
                && windows.system_root == guest.windows.system_root
        };
        if let Some(windows) = found.into_iter().find(is_it) {
            guest.registry.starts_by(&windows.boot);
            guest.windows.boot = windows.boot;
        }
    }
}
