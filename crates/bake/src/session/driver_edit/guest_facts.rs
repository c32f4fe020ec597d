//! What adding drivers needs to know of the guest.

use winkiln_boot::bcd;
use winkiln_drivers::inf::{ParseOptions, code_page};
use winkiln_drivers::staging::{Binding, FRAMEWORK_LIBRARY, Framework, Guest};
use winkiln_drivers::{Architecture, ProductType, Target};
use winkiln_guest::{BootKind, HiveName, Windows};

use super::super::Session;
use crate::BakeError;
use crate::drivers::{DriverError, file_version};

const PRODUCT_OPTIONS: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\ProductOptions";
/// Languages and code pages.
const NLS: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\Nls";
/// `VER_SUITE_TERMINAL`, `VER_SUITE_SINGLEUSERTS`.
const TERMINAL: u32 = 0x10;
const SINGLE_USER: u32 = 0x100;
const SUITES: [(&str, u32); 14] = [
    ("Small Business", 0x1),
    ("Enterprise", 0x2),
    ("BackOffice", 0x4),
    ("CommunicationServer", 0x8),
    ("Terminal Server", TERMINAL),
    ("Small Business(Restricted)", 0x20),
    ("EmbeddedNT", 0x40),
    ("DataCenter", 0x80),
    ("Personal", 0x200),
    ("Blade", 0x400),
    ("Embedded(Restricted)", 0x800),
    ("Security Appliance", 0x1000),
    ("Storage Server", 0x2000),
    ("Compute Server", 0x4000),
];

/// The framework's library has less than a megabyte.
const FRAMEWORK_BYTES_MAX: u64 = 16 << 20;

impl Session {
    /// The guest, as far as drivers are concerned. What decides and cannot be read is an error, never a guess.
    pub(in crate::session) fn driver_guest(&mut self) -> Result<Guest, BakeError> {
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
        let product_type = self.product_type(&windows)?;
        let target = Target {
            version: windows.version,
            build: windows.build,
            suite_mask: self.suite_mask(product_type)?,
            product_type,
            architecture,
        };
        let key = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion";
        let root = self.text_of(key, "SystemRoot")?;
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

    /// How INFs are read in this guest: in the language and the code page that it was installed with.
    pub(in crate::session) fn inf_options(&mut self) -> Result<ParseOptions, BakeError> {
        let mut options = ParseOptions::default();
        let language = self.text_of(&format!(r"{NLS}\Language"), "InstallLanguage")?;
        let language = language.and_then(|digits| u16::from_str_radix(digits.trim(), 16).ok());
        options.language = language.unwrap_or(options.language);
        let number = self.text_of(&format!(r"{NLS}\CodePage"), "ACP")?;
        let known = number.and_then(|digits| code_page(digits.trim().parse().ok()?));
        options.ansi = known.unwrap_or(options.ansi);
        Ok(options)
    }

    fn product_type(&mut self, windows: &Windows) -> Result<ProductType, BakeError> {
        let found = self.text_of(PRODUCT_OPTIONS, "ProductType")?;
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

    /// The suites that this Windows is one of.
    ///
    /// Source: Microsoft, `OSVERSIONINFOEX` for the bits, and KB152078 for the words in the registry.
    fn suite_mask(&mut self, product_type: ProductType) -> Result<u32, BakeError> {
        let mut mask = 0;
        for word in self.texts_of(PRODUCT_OPTIONS, "ProductSuite")? {
            let known = SUITES.iter().find(|(known, _)| known.eq_ignore_ascii_case(&word));
            mask |= known.map_or(0, |(_, bit)| *bit);
        }
        // A client serves one session at a time.
        if mask & TERMINAL != 0 && product_type == ProductType::Workstation {
            mask |= SINGLE_USER;
        }
        Ok(mask)
    }

    /// Windows 10 and later keep packages that are not needed at boot in a hive of their own.
    fn has_drivers_hive(&mut self) -> Result<bool, BakeError> {
        let (registry, disk) = self.registry()?;
        if registry.file(disk, &HiveName::Drivers).is_err() {
            return Ok(false);
        }
        self.has_key(r"HKLM\DRIVERS\DriverDatabase")
    }

    /// The driver framework, by its file: co-installers and updates replace the one that Windows came with.
    pub(super) fn framework(&mut self, windows: &Windows) -> Result<Framework, BakeError> {
        let inbox = Framework::inbox(windows.version, windows.build);
        let file = format!(r"{}\System32\drivers\{FRAMEWORK_LIBRARY}", windows.system_root);
        let service = r"HKLM\SYSTEM\CurrentControlSet\Services\Wdf01000";
        let found = self.metadata(windows.volume, &file)?;
        let is_there =
            found.is_some_and(|found| !found.is_directory && found.size <= FRAMEWORK_BYTES_MAX);
        if !is_there || inbox == Framework::None && !self.has_key(service)? {
            return Ok(inbox);
        }
        // Where it cannot be read, what Windows came with is the best that is known.
        let bytes = self.read(windows.volume, &file, FRAMEWORK_BYTES_MAX).unwrap_or_default();
        Ok(match (file_version(&bytes), inbox) {
            (Some((1, minor)), _) => Framework::Version(1, minor),
            (_, Framework::None) => Framework::Unknown,
            _ => inbox,
        })
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
    pub(in crate::session) fn has_key(&mut self, key: &str) -> Result<bool, BakeError> {
        let (place, hive, _) = self.hive_of(key)?;
        let failed = |source| BakeError::Hive { key: key.to_owned(), source };
        Ok(hive.find(hive.root(), &place.path).map_err(failed)?.is_some())
    }
}
