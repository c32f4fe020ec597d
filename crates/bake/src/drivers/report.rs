//! What became of each package.

use serde::Serialize;
use winkiln_drivers::inf::Version;

/// What became of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriverAction {
    /// It was added.
    Added,
    /// It was there, as it should be.
    AlreadyThere,
    /// It was left out.
    LeftOut,
    /// It was taken out of the guest.
    Removed,
}

/// What became of a package, in the form that scripts read as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DriverReport {
    /// Path of its INF in the source; of one that was taken out, its name in the guest, or that of a service without a package.
    pub package: String,
    /// What became of it.
    pub action: DriverAction,
    /// Why it was left out.
    pub reason: Option<String>,
    /// Name of its INF in the guest, which it had if it was taken out; `None` where Windows gives one when the device comes up.
    pub inf: Option<String>,
    /// Setup class.
    pub class: Option<String>,
    /// `mm/dd/yyyy,a.b.c.d`.
    pub driver_version: Option<String>,
    /// It starts with the guest; never told of one that was taken out.
    pub boot_critical: bool,
    /// Services that were made, or taken out.
    pub services: Vec<String>,
    /// Files of the guest that it consists of, or that were taken out.
    pub files: Vec<String>,
    /// Identifiers of devices that are bound to it now.
    pub bound: Vec<String>,
    /// Who signed it, as far as the guest could know; `None` where nobody did, or the package was not read.
    pub signed_by: Option<String>,
    /// The files it was read from, the INF among them, in the order of their paths.
    pub sources: Vec<SourceFile>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceFile {
    /// Its path in the source.
    pub path: String,
    /// SHA-256 of the file as it is installed, unpacked.
    pub sha256: String,
}

impl DriverReport {
    /// What became of a package, of which nothing else is known yet.
    pub(crate) fn new(package: impl Into<String>, action: DriverAction) -> Self {
        Self {
            package: package.into(),
            action,
            reason: None,
            inf: None,
            class: None,
            driver_version: None,
            boot_critical: false,
            services: Vec::new(),
            files: Vec::new(),
            bound: Vec::new(),
            signed_by: None,
            sources: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// With the class and the version that an INF tells.
    pub(crate) fn described(self, version: &Version) -> Self {
        Self {
            class: version.class.clone(),
            driver_version: version.driver_version.map(|version| version.to_string()),
            ..self
        }
    }
}
