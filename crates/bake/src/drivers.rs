//! Driver packages that a guest is given.

mod error;
mod report;
mod signature;
mod source;

use std::path::PathBuf;

pub use error::{DriverError, PackageProblem};
pub use report::{DriverAction, DriverReport};

pub(crate) use signature::{Judgement, is_enforced, judge};
pub(crate) use source::{Contents, Source};

/// Where packages come from, and which of them are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DriverSource {
    /// A folder, a disc, a zip, a cabinet, a tar.
    pub path: PathBuf,
    /// These alone, by the INF's name, a service or the class; all when empty.
    pub only: Vec<String>,
    /// Not these.
    pub exclude: Vec<String>,
    /// Those too that a better package of the same name supersedes.
    pub all: bool,
    /// Those too whose signature the guest would refuse.
    pub force_unsigned: bool,
}
