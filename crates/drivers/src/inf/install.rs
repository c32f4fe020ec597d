//! What an install section asks for, as data.
//!
//! Source: "INF DDInstall section" and the pages of its directives.

mod copy_files;
mod filter;
mod include;
mod lookup;
mod registry;
mod service;
mod walk;
mod wdf;

pub use copy_files::FileCopy;
pub use filter::Filter;
pub use include::{Included, IncludedInfs, NoIncludes};
pub use registry::{
    Existing, RegistryData, RegistryEdit, RegistryOperation, RegistryRoot, RegistryView,
};
pub use service::{AddServiceFlags, EventLog, Service, ServiceRemoval};
pub(crate) use walk::feature_score;
pub use wdf::WdfService;

use super::{DriverVersion, Inf, InfError, InfProblem, Section};
use crate::Architecture;

/// Entries that all installations of a package, or its models, may take up: several times what the largest INF of Windows has.
pub(crate) const ENTRIES_MAX: usize = 500_000;

/// What installing a section means. Everything is in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Install {
    /// The section in force, with its decoration.
    pub section: String,
    /// `DriverVer` of the section, which goes before that of `[Version]`.
    pub driver_version: Option<DriverVersion>,
    /// `FeatureScore`: of two drivers for a device, the one of the lower score is better. 0xFF when nothing is said.
    pub feature_score: Option<u8>,
    /// Files to copy.
    pub files: Vec<FileCopy>,
    /// Edits below the driver's software key (`HKR`), or elsewhere.
    pub registry: Vec<RegistryEdit>,
    /// `.HW`: edits below the device's hardware key (`HKR`), or elsewhere.
    pub hardware_registry: Vec<RegistryEdit>,
    /// Services to make.
    pub services: Vec<Service>,
    /// `AddService=,2`: the device has no function driver.
    pub null_service: bool,
    /// Services to delete.
    pub removed_services: Vec<ServiceRemoval>,
    /// Filters that the device gets.
    pub filters: Vec<Filter>,
    /// `.CoInstallers`.
    pub coinstallers: CoInstallers,
    /// `.Wdf`.
    pub wdf: Vec<WdfService>,
    /// Entries that the class installer reads: of network adapters, `Characteristics` and the like.
    pub class_entries: Vec<(String, String)>,
    /// `Include` and `Needs`, and what became of them.
    pub included: Vec<Included>,
    /// Entries that mean something to Windows and nothing here.
    pub not_carried_out: Vec<NotCarriedOut>,
}

impl Install {
    /// The service of the device itself; `None` for a null driver, or when an included INF that is not there may name it.
    #[must_use]
    pub fn function_service(&self) -> Option<&Service> {
        self.services.iter().find(|service| service.flags.is_function_driver())
    }
}

/// `.CoInstallers`: libraries that Windows Vista to 10 call while a device is installed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CoInstallers {
    /// Files to copy.
    pub files: Vec<FileCopy>,
    /// Edits below the driver's software key (`HKR`), or elsewhere.
    pub registry: Vec<RegistryEdit>,
}

/// An entry that means something to Windows and nothing here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotCarriedOut {
    /// The file it is in.
    pub file: String,
    /// Its line, from 1.
    pub line: u32,
    /// Its section.
    pub section: String,
    /// The directive, as written.
    pub directive: String,
    /// What it says.
    pub values: Vec<String>,
}

/// The section of that name for an architecture: `name.NTamd64` before `name.NT` before `name`.
///
/// Source: `SetupDiGetActualSectionToInstall`.
#[must_use]
pub fn actual_section<'a>(
    inf: &'a Inf,
    name: &str,
    architecture: Architecture,
) -> Option<&'a Section> {
    inf.section(&format!("{name}.NT{architecture}"))
        .or_else(|| inf.section(&format!("{name}.NT")))
        .or_else(|| inf.section(name))
}

impl Inf {
    /// Works out what an install section means, such as that of a model, `DefaultInstall` or `ClassInstall32`.
    ///
    /// `section` has no decoration; the one for the architecture is taken. INFs that it includes are asked for by name.
    ///
    /// # Errors
    /// No such section, or an entry that Windows would stumble over.
    pub fn install(
        &self,
        section: &str,
        architecture: Architecture,
        included: &dyn IncludedInfs,
    ) -> Result<Install, InfError> {
        self.install_within(section, architecture, included, &mut { ENTRIES_MAX })
    }

    /// As [`Inf::install`], of which several may take up so many entries together.
    pub(crate) fn install_within(
        &self,
        section: &str,
        architecture: Architecture,
        included: &dyn IncludedInfs,
        left: &mut usize,
    ) -> Result<Install, InfError> {
        let Some(actual) = actual_section(self, section, architecture) else {
            return Err(self.error(0, InfProblem::NoSection { section: section.to_owned() }));
        };
        walk::Walk::new(self, architecture, included, left).run(actual)
    }

    /// Names of all INFs that this one includes anywhere, in lower case and once each.
    #[must_use]
    pub fn included_files(&self) -> Vec<String> {
        let mut names: Vec<_> = self
            .sections()
            .iter()
            .flat_map(|section| self.entries(&section.name))
            .filter(|entry| entry.has_key("Include"))
            .flat_map(|entry| entry.strings())
            .map(|name| super::fold(&name))
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

/// Notes an entry that is left out.
fn not_carried_out(entry: &super::Entry<'_>) -> NotCarriedOut {
    // A word alone, such as `Reboot`, is a directive too.
    let (directive, first) = match entry.localized_key() {
        Some(key) => (key.text, 0),
        None => (entry.string(0), 1),
    };
    NotCarriedOut {
        file: entry.inf().name().to_owned(),
        line: entry.line(),
        section: entry.section().to_owned(),
        directive,
        values: (first..entry.len()).map(|index| entry.string(index)).collect(),
    }
}
