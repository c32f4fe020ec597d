//! What became of each package.

use serde::Serialize;

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
    /// Path of its INF in the source.
    pub package: String,
    /// What became of it.
    pub action: DriverAction,
    /// Why it was left out.
    pub reason: Option<String>,
    /// Name of its INF in the guest; `None` where Windows gives one when the device comes up.
    pub inf: Option<String>,
    /// Setup class.
    pub class: Option<String>,
    /// `mm/dd/yyyy,a.b.c.d`.
    pub driver_version: Option<String>,
    /// It starts with the guest.
    pub boot_critical: bool,
    /// Services that were made.
    pub services: Vec<String>,
    /// Files of the guest that it consists of.
    pub files: Vec<String>,
    /// Identifiers of devices that are bound to it now.
    pub bound: Vec<String>,
    /// What the user should know.
    pub warnings: Vec<String>,
}
