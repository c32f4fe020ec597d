//! What presets look up, in the guest of a session.

use winkiln_boot::bcd;
use winkiln_guest::{BootKind, Disk, HiveName};
use winkiln_hive::Value;

use super::Guest;
use crate::BakeError;
use crate::facts::{Loader, Lookup};

/// A guest with the disk it lies on.
pub(super) struct GuestLookup<'a> {
    pub(super) disk: &'a mut Disk,
    pub(super) guest: &'a mut Guest,
}

impl Lookup for GuestLookup<'_> {
    fn values(&mut self, key: &str) -> Result<Vec<Value>, BakeError> {
        let registry = &mut self.guest.registry;
        let place = registry.locate(self.disk, key)?;
        let hive = registry.hive(self.disk, &place.hive)?;
        let failed = |source| BakeError::Hive { key: key.to_owned(), source };
        match hive.find(hive.root(), &place.path).map_err(failed)? {
            Some(found) => hive.values(found).map_err(failed),
            None => Ok(Vec::new()),
        }
    }

    fn subkeys(&mut self, key: &str) -> Result<Option<Vec<String>>, BakeError> {
        let registry = &mut self.guest.registry;
        let place = registry.locate(self.disk, key)?;
        let hive = registry.hive(self.disk, &place.hive)?;
        let failed = |source| BakeError::Hive { key: key.to_owned(), source };
        let Some(found) = hive.find(hive.root(), &place.path).map_err(failed)? else {
            return Ok(None);
        };
        let below = hive.subkeys(found).map_err(failed)?;
        Ok(Some(below.into_iter().map(|(name, _)| name).collect()))
    }

    fn loaders(&mut self) -> Result<Vec<Loader>, BakeError> {
        require_bcd(self.guest)?;
        let store = self.guest.registry.hive(self.disk, &HiveName::Bcd)?;
        let failed = |object: &str| {
            let object = object.to_owned();
            |source| BakeError::Bcd { object, source }
        };
        let mut loaders = Vec::new();
        for guid in bcd::windows_loaders(store).map_err(failed("store"))? {
            let options = bcd::element(store, &guid, "loadoptions").map_err(failed(&guid))?;
            let load_options = options.map(|options| options.to_text()).unwrap_or_default();
            loaders.push(Loader { guid, load_options });
        }
        Ok(loaders)
    }
}

/// Refuses guests that do not start from a BCD store.
pub(super) fn require_bcd(guest: &Guest) -> Result<(), BakeError> {
    match guest.windows.boot.kind {
        BootKind::Bcd => Ok(()),
        kind => Err(missing("the BCD store", kind)),
    }
}

/// The error for a boot configuration of another kind than the step needs.
pub(super) fn missing(wanted: &'static str, kind: BootKind) -> BakeError {
    let found = match kind {
        BootKind::BootIni => "this Windows starts from boot.ini",
        BootKind::Bcd => "this Windows starts from a BCD store",
        BootKind::Missing => "no boot configuration was found",
    };
    BakeError::NoBootConfiguration { wanted, found: found.to_owned() }
}
