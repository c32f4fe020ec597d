//! Which packages the user wants.

use crate::Package;

/// Which packages the user wants, by the INF's name with or without `.inf`, a service, or the class; in any case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// These alone; all when empty.
    pub only: Vec<String>,
    /// Not these.
    pub exclude: Vec<String>,
    /// Those too that a better package of the same name supersedes.
    pub all: bool,
}

impl Selection {
    /// Tells whether a package is wanted.
    #[must_use]
    pub fn takes(&self, package: &Package) -> bool {
        let asked = self.only.is_empty() || self.only.iter().any(|name| answers(package, name));
        asked && !self.excludes(package)
    }

    /// Tells whether a package is one of those that are not wanted.
    pub(super) fn excludes(&self, package: &Package) -> bool {
        self.exclude.iter().any(|name| answers(package, name))
    }

    /// Names that no package answers to, which are typing errors more often than not.
    #[must_use]
    pub fn unknown(&self, packages: &[Package]) -> Vec<&str> {
        let names = self.only.iter().chain(&self.exclude);
        let unknown = names.filter(|name| !packages.iter().any(|package| answers(package, name)));
        unknown.map(String::as_str).collect()
    }
}

/// Tells whether a package goes by a name.
fn answers(package: &Package, name: &str) -> bool {
    let same = |own: &str| own.eq_ignore_ascii_case(name);
    same(package.name())
        || same(package.file_name())
        || package.version().class.as_deref().is_some_and(same)
        || package.services().iter().any(|service| same(service))
}
