//! The catalogs of a package, and who signed them.

use winkiln_archive::Tree;
use winkiln_drivers::inf::Inf;
use winkiln_drivers::{Architecture, Package};
use winkiln_trust::SignerClass;
use winkiln_trust::catalog::Catalog;
use winkiln_trust::signature::Signature;

use super::signature::words;

/// More than any catalog of drivers has.
pub(super) const CATALOG_BYTES_MAX: u64 = 64 << 20;

/// A catalog that an INF names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageCatalog {
    /// Its path in the source.
    pub path: String,
    /// Who signed it, or why that is not known.
    pub state: CatalogState,
}

/// What became of a look at a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogState {
    /// It is not there.
    Missing,
    /// It cannot be read; says why.
    Unreadable(String),
    /// It was read.
    Read {
        /// Names from the signer's on, each the issuer of the one before.
        chain: Vec<String>,
        /// Whose signature it is, or why it does not hold.
        signed_by: Result<SignerClass, &'static str>,
        /// The INF is among the files that it is about. The others are looked at when a package is added.
        covers_inf: bool,
    },
}

impl PackageCatalog {
    /// The catalogs of a package, for one architecture or all, by their paths.
    #[must_use]
    pub fn all(tree: &Tree, package: &Package, only: Option<Architecture>) -> Vec<Self> {
        let version = package.version();
        let mut paths: Vec<_> = match only {
            Some(architecture) => version.catalog(architecture).into_iter().collect(),
            None => version.catalogs.iter().map(|catalog| catalog.file.as_str()).collect(),
        };
        paths.sort_unstable();
        paths.dedup();
        let catalogs = paths.into_iter().map(|path| package.beside(path));
        catalogs.map(|path| Self { state: look(tree, &path, package), path }).collect()
    }
}

/// The signature of the catalog of a package; `None` when it has none that can be read.
pub(super) fn signature(
    tree: &Tree,
    package: &Package,
    architecture: Architecture,
) -> Option<Signature> {
    let path = package.beside(package.version().catalog(architecture)?);
    let bytes = tree.read(&path, CATALOG_BYTES_MAX).ok()?;
    Some(Catalog::read(&bytes).ok()?.signature)
}

fn look(tree: &Tree, path: &str, package: &Package) -> CatalogState {
    if tree.entry(path).is_err() {
        return CatalogState::Missing;
    }
    let bytes = match tree.read(path, CATALOG_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) => return CatalogState::Unreadable(error.to_string()),
    };
    let catalog = match Catalog::read(&bytes) {
        Ok(catalog) => catalog,
        Err(error) => return CatalogState::Unreadable(error.to_string()),
    };
    let inf = tree.read(package.path(), Inf::BYTES_MAX);
    let chain = catalog.signature.chain.iter();
    CatalogState::Read {
        chain: chain.map(|certificate| certificate.common_name.clone()).collect(),
        signed_by: catalog.signature.verdict.map_err(words),
        covers_inf: inf.is_ok_and(|inf| catalog.covers(&inf).is_some()),
    }
}
