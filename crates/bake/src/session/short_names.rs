//! Whether new long names get 8.3 names.

use winkiln_guest::{HiveName, Registry, Windows};
use winkiln_hive::Value;

use super::Session;
use crate::BakeError;

/// Whether new long names on NTFS get 8.3 names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShortNames {
    /// As the guest's Windows would do it; without one, none.
    #[default]
    Guest,
    /// Always.
    On,
    /// Never.
    Off,
}

/// The key and the value that say how Windows does it.
///
/// Source: `fsutil 8dot3name` and `fsutil behavior` in the Windows commands' documentation: 0 on all volumes, 1 on none, 2 as each volume
/// says, 3 on the system volume alone.
const KEY: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\FileSystem";
const VALUE: &str = "NtfsDisable8dot3NameCreation";
/// What Windows does without the value: before Vista and since.
const ON_ALL: u32 = 0;
const AS_VOLUME_SAYS: u32 = 2;

impl Session {
    /// Tells a volume that is about to be edited for the first time whether to make 8.3 names.
    pub(super) fn tell_short_names(&mut self, volume: u32) -> Result<(), BakeError> {
        if !self.told_short_names.insert(volume) {
            return Ok(());
        }
        let on = match self.short_names {
            ShortNames::On => true,
            ShortNames::Off => false,
            ShortNames::Guest => self.guest_makes_short_names(volume)?,
        };
        self.disk.volume_mut(volume)?.set_short_names(on);
        Ok(())
    }

    /// Tells whether something on a volume was edited, or tried to.
    pub(super) fn was_edited(&self, volume: u32) -> bool {
        self.told_short_names.contains(&volume)
    }

    fn guest_makes_short_names(&mut self, volume: u32) -> Result<bool, BakeError> {
        let windows = match &self.guest {
            Some(guest) => Some(guest.windows.clone()),
            None => {
                let found = self.disk.find_windows()?;
                let asked = |windows: &&Windows| self.volume.is_none_or(|n| n == windows.volume);
                found.iter().find(asked).or(found.first()).cloned()
            }
        };
        let Some(windows) = windows else { return Ok(false) };
        let setting = match self.short_name_setting(&windows) {
            Ok(setting) => setting,
            Err(error) => {
                self.warn(format!(
                    "no 8.3 names are made: the guest's setting is not known ({error})"
                ));
                return Ok(false);
            }
        };
        let otherwise = if windows.is_nt5() { ON_ALL } else { AS_VOLUME_SAYS };
        Ok(match setting.unwrap_or(otherwise) {
            0 => true,
            2 => self
                .disk
                .volume(volume)?
                .allows_short_names()
                .map_err(|source| BakeError::Volume { path: "\\".to_owned(), source })?,
            3 => windows.volume == volume,
            _ => false,
        })
    }

    /// The guest's setting; its registry is not kept open for it.
    fn short_name_setting(&mut self, windows: &Windows) -> Result<Option<u32>, BakeError> {
        let mut own = Registry::new(windows);
        let registry = self.guest.as_mut().map_or(&mut own, |guest| &mut guest.registry);
        let place = registry.locate(&mut self.disk, KEY)?;
        let hive = registry.hive(&mut self.disk, &HiveName::System)?;
        let failed = |source| BakeError::Hive { key: KEY.to_owned(), source };
        let Some(key) = hive.find(hive.root(), &place.path).map_err(failed)? else {
            return Ok(None);
        };
        let values = hive.values(key).map_err(failed)?;
        let is_it = |value: &&Value| value.name.eq_ignore_ascii_case(VALUE);
        let data = values.iter().find(is_it).and_then(|value| value.data.first_chunk().copied());
        Ok(data.map(u32::from_le_bytes))
    }
}
