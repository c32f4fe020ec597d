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
pub(crate) use signature::{Loader, brings_sha256, is_enforced, judge, score};
pub(crate) use source::{Contents, Source};

/// Where packages come from, and which of them are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DriverSource {
    /// A folder, a disc, a zip, a cabinet, an MSI, a tar; or an INF, which stands for its package in the folder that it is in.
    pub path: PathBuf,
    /// Which of its packages.
    pub selection: Selection,
    /// Those too whose signature the guest would refuse.
    pub force_unsigned: bool,
}

impl DriverSource {
    /// The same with the folder of an INF that is named by its own path, and that package alone unless others are asked for.
    #[must_use]
    pub fn resolved(&self) -> Self {
        let is_inf = self.path.extension().is_some_and(|kind| kind.eq_ignore_ascii_case("inf"));
        let name = self.path.file_name().and_then(std::ffi::OsStr::to_str);
        let (Some(name), Some(folder)) = (name, self.path.parent()) else { return self.clone() };
        if !is_inf || !self.path.is_file() {
            return self.clone();
        }
        let mut resolved = self.clone();
        let here = folder.as_os_str().is_empty();
        resolved.path = if here { PathBuf::from(".") } else { folder.to_owned() };
        if resolved.selection.only.is_empty() {
            resolved.selection.only.push(name.to_owned());
        }
        resolved
    }
}
