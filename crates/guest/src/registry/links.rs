//! Symbolic links of the registry, followed from hive to hive.

use winkiln_hive::Walk;

use super::Registry;
use crate::hive_name::{Location, native_key};
use crate::{Disk, GuestError};

/// Links followed for one key. Windows gives up after some too.
const LINKS_MAX: usize = 32;

impl Registry {
    /// Turns a full key (`HKLM\SYSTEM\CurrentControlSet\...`, long root names, any case) into its place: where Windows would
    /// come to, through symbolic links and from hive to hive.
    ///
    /// A user is named by SID where the list of profiles knows it, whatever name was given, so that each hive has one name.
    ///
    /// # Errors
    /// [`GuestError::UnknownKey`], [`GuestError::NoHive`], and those of reading the hives on the way;
    /// [`GuestError::Link`] for a link that leads to no hive, [`GuestError::LinkLoop`] for links without an end.
    pub fn locate(&mut self, disk: &mut Disk, key: &str) -> Result<Location, GuestError> {
        self.resolve(disk, key, false)
    }

    /// As [`Registry::locate`], but a link at the end of the key is meant itself, as with `REG_OPTION_OPEN_LINK`.
    ///
    /// # Errors
    /// As [`Registry::locate`].
    pub fn locate_link(&mut self, disk: &mut Disk, key: &str) -> Result<Location, GuestError> {
        self.resolve(disk, key, true)
    }

    fn resolve(
        &mut self,
        disk: &mut Disk,
        key: &str,
        open_link: bool,
    ) -> Result<Location, GuestError> {
        let mut place = self.place(disk, key)?;
        for _ in 0..=LINKS_MAX {
            // Whoever reads the hive is told why it cannot be read.
            let Ok(hive) = self.hive(disk, &place.hive) else { return Ok(place) };
            if !hive.may_hold_links() {
                return Ok(place);
            }
            let failed = |source| GuestError::Hive { path: place.hive.to_string(), source };
            let walk = hive.walk(hive.root(), &place.path, open_link).map_err(failed)?;
            let Walk::Link { target, rest, .. } = walk else { return Ok(place) };
            let unusable = |source| {
                let (key, target) = (key.to_owned(), target.clone());
                GuestError::Link { key, target, source }
            };
            let next = native_key(&target).ok_or_else(|| unusable(None))?;
            let next = if rest.is_empty() { next } else { format!("{next}\\{rest}") };
            place = self.place(disk, &next).map_err(|source| unusable(Some(Box::new(source))))?;
        }
        Err(GuestError::LinkLoop { key: key.to_owned(), max: LINKS_MAX })
    }
}
