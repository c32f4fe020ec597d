//! What adding drivers needs to know of the guest.

use winkiln_boot::bcd;
use winkiln_drivers::staging::{Binding, Framework, Guest};
use winkiln_drivers::{Architecture, ProductType, Target};
use winkiln_guest::{BootKind, HiveName, Windows};
use winkiln_hive::strings;

use super::super::Session;
use crate::BakeError;
use crate::drivers::DriverError;

impl Session {
    /// The guest, as far as drivers are concerned. What decides and cannot be read is an error, never a guess.
    pub(super) fn driver_guest(&mut self) -> Result<Guest, BakeError> {
        let windows = self.windows()?;
        if windows.version == (0, 0) || windows.build == 0 {
            return Err(DriverError::UnknownGuest { what: "the version" }.into());
        }
        let architecture = match windows.architecture {
            winkiln_guest::Architecture::X86 => Architecture::X86,
            winkiln_guest::Architecture::X86_64 => Architecture::Amd64,
            winkiln_guest::Architecture::Arm64 => Architecture::Arm64,
            winkiln_guest::Architecture::Unknown => {
                return Err(DriverError::UnknownGuest { what: "the architecture" }.into());
            }
        };
        let target = Target {
            version: windows.version,
            build: windows.build,
            product_type: self.product_type(&windows)?,
            suite_mask: 0,
            architecture,
        };
        let key = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion";
        let root = self.value_of(key, "SystemRoot")?;
        let root = root.and_then(|(_, data)| strings(&data).into_iter().next());
        let binding = if self.has_key(r"HKLM\SYSTEM\DriverDatabase")? {
            Binding::Database { drivers_hive: self.has_drivers_hive()? }
        } else {
            Binding::CriticalDevices
        };
        Ok(Guest {
            target,
            system_root_path: root.unwrap_or_else(|| format!("C:{}", windows.system_root)),
            binding,
            framework: self.framework(&windows)?,
            system_root: windows.system_root,
        })
    }

    fn product_type(&mut self, windows: &Windows) -> Result<ProductType, BakeError> {
        let key = r"HKLM\SYSTEM\CurrentControlSet\Control\ProductOptions";
        let found = self.value_of(key, "ProductType")?;
        let found = found.and_then(|(_, data)| strings(&data).into_iter().next());
        let server = [&windows.installation_type, &windows.product_name]
            .iter()
            .any(|text| text.to_lowercase().contains("server"));
        Ok(match found.unwrap_or_default().to_lowercase().as_str() {
            "lanmannt" => ProductType::DomainController,
            "servernt" => ProductType::Server,
            _ if server => ProductType::Server,
            _ => ProductType::Workstation,
        })
    }

    /// Windows 10 and later keep packages that are not needed at boot in a hive of their own.
    fn has_drivers_hive(&mut self) -> Result<bool, BakeError> {
        let (registry, disk) = self.registry()?;
        if registry.file(disk, &HiveName::Drivers).is_err() {
            return Ok(false);
        }
        self.has_key(r"HKLM\DRIVERS\DriverDatabase")
    }

    fn framework(&mut self, windows: &Windows) -> Result<Framework, BakeError> {
        let inbox = Framework::inbox(windows.version, windows.build);
        let file = format!(r"{}\System32\drivers\Wdf01000.sys", windows.system_root);
        let service = r"HKLM\SYSTEM\CurrentControlSet\Services\Wdf01000";
        let brought = inbox == Framework::None
            && self.metadata(windows.volume, &file)?.is_some()
            && self.has_key(service)?;
        Ok(if brought { Framework::Unknown } else { inbox })
    }

    /// Tells whether every Windows loader entry allows drivers signed for tests.
    pub(super) fn is_testsigning(&mut self) -> Result<bool, BakeError> {
        if self.windows()?.boot.kind != BootKind::Bcd {
            return Ok(false);
        }
        let (registry, disk) = self.registry()?;
        let store = registry.hive(disk, &HiveName::Bcd)?;
        let failed = |source| BakeError::Bcd { object: "store".to_owned(), source };
        let loaders = bcd::windows_loaders(store).map_err(failed)?;
        for guid in &loaders {
            let found = bcd::element(store, guid, "testsigning").map_err(failed)?;
            if !found.is_some_and(|element| element.to_text().eq_ignore_ascii_case("yes")) {
                return Ok(false);
            }
        }
        Ok(!loaders.is_empty())
    }

    /// Tells whether there is a key.
    pub(super) fn has_key(&mut self, key: &str) -> Result<bool, BakeError> {
        let (place, hive, _) = self.hive_of(key)?;
        let failed = |source| BakeError::Hive { key: key.to_owned(), source };
        Ok(hive.find(hive.root(), &place.path).map_err(failed)?.is_some())
    }
}
