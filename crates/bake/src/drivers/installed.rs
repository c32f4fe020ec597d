//! Drivers that a guest has besides those of Windows, in the form that scripts read as JSON.

use serde::Serialize;

/// Drivers that a guest has besides those of Windows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct InstalledDrivers {
    /// Packages, by the number of their INF.
    pub packages: Vec<InstalledPackage>,
    /// Services of hypervisors' makers that belong to none of the packages.
    pub leftovers: Vec<Leftover>,
}

/// A package in a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstalledPackage {
    /// Name of its INF in the guest, such as `oem3.inf`; `None`: it waits for its device, or was installed without one.
    pub inf: Option<String>,
    /// The name that its INF came with, where it is known.
    pub original: Option<String>,
    /// Who made it.
    pub provider: Option<String>,
    /// Setup class.
    pub class: Option<String>,
    /// `mm/dd/yyyy,a.b.c.d`.
    pub driver_version: Option<String>,
    /// Folders in the driver store.
    pub folders: Vec<String>,
    /// Its services that the guest has.
    pub services: Vec<InstalledService>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstalledService {
    /// Its name.
    pub name: String,
    /// 0 boot, 1 system, 2 automatic, 3 on demand, 4 disabled.
    pub start: Option<u32>,
    /// Its file; `None`: it lies on another volume.
    pub file: Option<String>,
    /// The file is there.
    pub present: bool,
}

/// A service without a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Leftover {
    /// The maker, as `drivers remove --vendor` takes it.
    pub vendor: &'static str,
    /// The service.
    #[serde(flatten)]
    pub service: InstalledService,
}
