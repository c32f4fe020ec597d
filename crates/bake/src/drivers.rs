//! Driver packages that a guest is given.

mod error;
mod framework;
mod installed;
mod package_catalog;
mod removal;
mod report;
mod signature;
mod source;

use std::path::PathBuf;

use winkiln_drivers::choice::Selection;

pub use error::{DriverError, PackageProblem};
pub use installed::{InstalledDrivers, InstalledPackage, InstalledService, Leftover};
pub use removal::DriverRemoval;
pub use report::{DriverAction, DriverReport, SourceFile};

pub use package_catalog::{CatalogState, PackageCatalog};
pub use signature::{Judgement, judge_signature, signature_score};
pub use winkiln_trust::SignerClass;

pub(crate) use framework::{BroughtFramework, file_version};
pub(crate) use signature::{is_enforced, judge};
pub(crate) use source::{Contents, Source};

/// Where packages come from, and which of them are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DriverSource {
    /// A folder, a disc, a zip, a cabinet, an MSI, a tar.
    pub path: PathBuf,
    /// Which of its packages.
    pub selection: Selection,
    /// Those too whose signature the guest would refuse.
    pub force_unsigned: bool,
}
