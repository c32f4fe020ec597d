//! The numbers of `oemN.inf`.

use winkiln_drivers::Package;
use winkiln_drivers::staging::{Binding, Guest, OemNumbers, store_name};

use super::super::Session;
use super::super::driver_removal::inventory::database_roots;
use super::super::guest_infs::is_published;
use crate::BakeError;
use crate::drivers::Contents;

/// Numbers that are taken.
pub(super) struct Numbers {
    pub(super) map: OemNumbers,
    /// Windows keeps the map in its registry.
    pub(super) in_registry: bool,
    /// INFs of vendors in the guest.
    infs: Vec<String>,
}

impl Session {
    /// The numbers that are taken: in the registry's map, or by files.
    pub(super) fn oem_numbers(&mut self, guest: &Guest) -> Result<Numbers, BakeError> {
        let in_registry = matches!(guest.binding, Binding::Database { .. });
        let mut map = OemNumbers::default();
        if in_registry {
            let found = self.value_of(r"HKLM\SYSTEM\DriverDatabase", "OemInfMap")?;
            map = OemNumbers::from_map(&found.map(|(_, data)| data).unwrap_or_default());
        }
        let volume = self.windows()?.volume;
        let folder = format!(r"{}\INF", guest.system_root);
        let mut infs = Vec::new();
        for name in self.file_names(volume, &folder)? {
            map.take_name(&name);
            if is_published(&name) {
                infs.push(name.to_ascii_lowercase());
            }
        }
        infs.sort();
        Ok(Numbers { map, in_registry, infs })
    }

    /// The number of a package: that which it has, when it is there already, else the lowest one that is free.
    pub(super) fn number_of(
        &mut self,
        package: &Package,
        contents: &Contents,
        guest: &Guest,
        numbers: &Numbers,
    ) -> Result<u32, BakeError> {
        let known = match guest.binding {
            Binding::Database { drivers_hive } => {
                let name = store_name(package.file_name(), &guest.target, contents.digest);
                self.published_name(&name, drivers_hive)?
            }
            Binding::CriticalDevices => self.same_inf(package, contents, guest, numbers)?,
        };
        let number = known.as_deref().and_then(|name| {
            let digits = name.strip_prefix("oem")?.strip_suffix(".inf")?;
            digits.parse().ok()
        });
        Ok(number.unwrap_or_else(|| numbers.map.lowest_free()))
    }

    /// The name of a package's INF by its folder in the driver store.
    fn published_name(&mut self, store: &str, drivers: bool) -> Result<Option<String>, BakeError> {
        for root in database_roots(drivers) {
            let found = self.text_of(&format!(r"{root}\DriverPackages\{store}"), "")?;
            if let Some(name) = found {
                return Ok(Some(name.to_lowercase()));
            }
        }
        Ok(None)
    }

    /// An INF of the guest that is the package's own.
    fn same_inf(
        &mut self,
        package: &Package,
        contents: &Contents,
        guest: &Guest,
        numbers: &Numbers,
    ) -> Result<Option<String>, BakeError> {
        let volume = self.windows()?.volume;
        let Some(inf) = contents.bytes.get(package.path()) else { return Ok(None) };
        for name in &numbers.infs {
            let path = format!(r"{}\INF\{name}", guest.system_root);
            let size = self.metadata(volume, &path)?.map(|found| found.size);
            if size == Some(inf.len() as u64) && self.read(volume, &path, inf.len() as u64)? == *inf
            {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }
}
