//! All packages of a source.

use winkiln_archive::Tree;

use super::{Package, PackageFiles};
use crate::inf::{Inf, InfError, ParseOptions};

/// What all packages of a source may cost together, in lines, fields and models: thousands of packages of the usual size.
const COST_MAX: usize = 8_000_000;

/// What is said of packages beyond it.
const TOO_MUCH: &str =
    "the INFs before it are as much as is read of one source: give a folder of it instead";

/// The packages of a source.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Packages in the order of their paths.
    pub packages: Vec<Package>,
    /// Files named `.inf` that are no packages.
    pub unreadable: Vec<Unreadable>,
}

/// A file named `.inf` that is no package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its path in the source.
    pub path: String,
    /// Why.
    pub reason: String,
}

impl Found {
    /// Reads every package of a source. What cannot be read is listed, and does not stop the others; neither does what is more than
    /// is kept of one source.
    #[must_use]
    pub fn all<F: PackageFiles + ?Sized>(files: &F, options: &ParseOptions) -> Self {
        let mut found = Self::default();
        let mut paths = files.paths();
        paths.retain(|path| path.len() > 4 && path.to_ascii_lowercase().ends_with(".inf"));
        paths.sort();
        let mut left = COST_MAX;
        for path in paths {
            let read = files.read(&path, Inf::BYTES_MAX).map_err(|error| error.to_string());
            let package = read.and_then(|bytes| {
                let error = |error: InfError| error.to_string();
                Package::read(&path, &bytes, options).map_err(error)
            });
            let package = package.and_then(|package| {
                let rest = left.checked_sub(package.cost());
                left = rest.ok_or_else(|| TOO_MUCH.to_owned())?;
                Ok(package)
            });
            match package {
                Ok(package) => found.packages.push(package),
                // Disks label themselves by an autorun.inf.
                Err(_) if path.to_ascii_lowercase().ends_with("autorun.inf") => {}
                Err(reason) => found.unreadable.push(Unreadable { path, reason }),
            }
        }
        found
    }
}

impl PackageFiles for Tree {
    type Error = winkiln_archive::Error;

    fn paths(&self) -> Vec<String> {
        let files = self.entries().iter().filter(|entry| entry.is_file());
        files.map(|entry| entry.path().to_owned()).collect()
    }

    fn contains(&self, path: &str) -> bool {
        self.entry(path).is_ok_and(winkiln_archive::Entry::is_file)
    }

    fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, winkiln_archive::Error> {
        Tree::read(self, path, limit)
    }
}
