//! The Windows that a package is added to.

use super::Framework;
use crate::{Architecture, Target};

/// How devices are bound to services before any program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// `CriticalDeviceDatabase`: up to Windows 7.
    CriticalDevices,
    /// `DriverDatabase`: from Windows 8 on.
    Database {
        /// The hive DRIVERS is there too, for classes that are not needed at boot.
        drivers_hive: bool,
    },
}

/// The Windows that a package is added to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// What it is.
    pub target: Target,
    /// Its folder on its volume, such as `\Windows`.
    pub system_root: String,
    /// Its folder as it calls it, such as `C:\Windows`.
    pub system_root_path: String,
    /// How it binds devices.
    pub binding: Binding,
    /// The kernel-mode driver framework that it has.
    pub framework: Framework,
}

impl Guest {
    /// Windows XP and Server 2003.
    pub(super) fn is_nt5(&self) -> bool {
        self.target.version < (6, 0)
    }

    pub(super) fn has_database(&self) -> bool {
        matches!(self.binding, Binding::Database { .. })
    }

    pub(super) fn is_64_bit(&self) -> bool {
        !matches!(self.target.architecture, Architecture::X86 | Architecture::Arm)
    }
}
