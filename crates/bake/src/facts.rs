//! What presets know of a guest.

use winkiln_guest::{Architecture, BootKind, Firmware, Windows};
use winkiln_hive::Value;

use crate::BakeError;

/// Facts of an installation that decide what a preset does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Kernel version, such as (10, 0) or (5, 1).
    pub version: (u32, u32),
    /// Build number.
    pub build: u32,
    /// Processor architecture.
    pub architecture: Architecture,
    /// `boot.ini`, BCD or neither.
    pub boot: BootKind,
    /// BIOS or UEFI.
    pub firmware: Firmware,
    /// Its folder on its volume, such as `\Windows`.
    pub system_root: String,
}

/// Windows Vista and Server 2008.
pub const VISTA: (u32, u32) = (6, 0);
/// Windows 7 and Server 2008 R2.
pub const WINDOWS_7: (u32, u32) = (6, 1);
/// Windows 8 and Server 2012.
pub const WINDOWS_8: (u32, u32) = (6, 2);
/// Windows 8.1 and Server 2012 R2.
pub const WINDOWS_8_1: (u32, u32) = (6, 3);
/// Windows 10, 11, Server 2016 and later.
pub const WINDOWS_10: (u32, u32) = (10, 0);

impl Facts {
    /// Tells Windows XP and Server 2003 from Vista and later.
    #[must_use]
    pub fn is_nt5(&self) -> bool {
        self.version < VISTA
    }
}

impl From<&Windows> for Facts {
    fn from(windows: &Windows) -> Self {
        Self {
            version: windows.version,
            build: windows.build,
            architecture: windows.architecture,
            boot: windows.boot.kind,
            firmware: windows.boot.firmware,
            system_root: windows.system_root.clone(),
        }
    }
}

/// A Windows loader entry of the BCD store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loader {
    /// `{guid}`.
    pub guid: String,
    /// `loadoptions`, empty when there are none.
    pub load_options: String,
}

/// What presets look up in the guest; only what a preset asks for is read.
pub trait Lookup {
    /// All values of a key; empty when the key is missing.
    ///
    /// # Errors
    /// When the hive cannot be read.
    fn values(&mut self, key: &str) -> Result<Vec<Value>, BakeError>;

    /// The names of the keys below a key; `None` when the key is missing.
    ///
    /// # Errors
    /// When the hive cannot be read.
    fn subkeys(&mut self, key: &str) -> Result<Option<Vec<String>>, BakeError>;

    /// The entries that start an installed Windows, in the store's order.
    ///
    /// # Errors
    /// When there is no BCD store or it cannot be read.
    fn loaders(&mut self) -> Result<Vec<Loader>, BakeError>;
}
