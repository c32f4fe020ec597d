//! `Include` and `Needs`: sections of other INFs that are carried out too.

use super::super::Inf;

/// Where included INFs come from, usually the guest's own `INF` folder.
pub trait IncludedInfs {
    /// The INF of that name, in any case.
    fn find(&self, name: &str) -> Option<&Inf>;
}

/// There are none; what is needed of them is reported as missing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoIncludes;

impl IncludedInfs for NoIncludes {
    fn find(&self, _name: &str) -> Option<&Inf> {
        None
    }
}

impl IncludedInfs for [Inf] {
    fn find(&self, name: &str) -> Option<&Inf> {
        self.iter().find(|inf| inf.name().eq_ignore_ascii_case(name))
    }
}

impl IncludedInfs for Vec<Inf> {
    fn find(&self, name: &str) -> Option<&Inf> {
        self.as_slice().find(name)
    }
}

/// A section that `Needs` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included {
    /// Line of the `Needs`, from 1.
    pub line: u32,
    /// INFs that `Include` names in the same section, as written.
    pub files: Vec<String>,
    /// The section that is needed.
    pub section: String,
    /// The INF it was found in; `None`: it was not, and what it asks for is not part of the installation.
    pub found_in: Option<String>,
}
