//! Driver packages: an INF and the files it names.

mod tree;

use std::collections::BTreeSet;

use crate::Architecture;
use crate::inf::{
    ENTRIES_MAX, IncludedInfs, Inf, InfError, Install, MODELS_MAX, Manufacturer, ModelsSection,
    NoIncludes, ParseOptions, Version, actual_section,
};

pub use tree::{Found, Unreadable};

/// The section that installs a package without a device.
pub(crate) const DEFAULT_INSTALL: &str = "DefaultInstall";

/// The files that packages are in. Paths part with `/` or `\`, and their case does not matter.
pub trait PackageFiles {
    /// Why a file could not be read.
    type Error: std::error::Error;

    /// Paths of all files.
    fn paths(&self) -> Vec<String>;

    /// Tells whether there is a file.
    fn contains(&self, path: &str) -> bool;

    /// Reads a file of at most `limit` bytes.
    ///
    /// # Errors
    /// No such file, a larger one, or one that cannot be read.
    fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, Self::Error>;
}

/// A driver package.
#[derive(Debug, Clone)]
pub struct Package {
    /// Path of the INF in its source.
    path: String,
    inf: Inf,
    version: Version,
    manufacturers: Vec<Manufacturer>,
    /// What it takes to keep it.
    cost: usize,
}

/// A file that a package needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NeededFile {
    /// Path in the source of the package, with `/`.
    pub path: String,
    /// Path of the cabinet that may hold it instead.
    pub cabinet: Option<String>,
    /// Path beside the INF, when it should be below: packages are handed on with all files in one folder.
    pub flat: Option<String>,
    /// It is not copied, but proves who made the others.
    pub is_catalog: bool,
}

/// Where a source holds a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Path in the source.
    pub path: String,
    /// It is a packed file, or a cabinet, that holds the file.
    pub packed: bool,
}

impl Package {
    /// Reads a package. `path` is that of the INF in its source.
    ///
    /// # Errors
    /// Text that is no INF of Windows.
    pub fn read(path: &str, bytes: &[u8], options: &ParseOptions) -> Result<Self, InfError> {
        let inf = Inf::parse(path, bytes, options)?;
        let mut left = MODELS_MAX;
        let (version, manufacturers) = (inf.version()?, inf.manufacturers_within(&mut left)?);
        let cost = inf.cost() + (MODELS_MAX - left);
        Ok(Self { path: path.replace('\\', "/"), inf, version, manufacturers, cost })
    }

    /// Path of the INF in its source, with `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The INF's file name.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The INF's file name without `.inf`.
    #[must_use]
    pub fn name(&self) -> &str {
        let name = self.file_name();
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }

    /// The folder of the INF; empty for the top.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The INF.
    #[must_use]
    pub fn inf(&self) -> &Inf {
        &self.inf
    }

    /// Its `[Version]`.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Its `[Manufacturer]`.
    #[must_use]
    pub fn manufacturers(&self) -> &[Manufacturer] {
        &self.manufacturers
    }

    /// All models sections, whatever Windows they are for.
    pub fn models_sections(&self) -> impl Iterator<Item = &ModelsSection> {
        self.manufacturers.iter().flat_map(|maker| &maker.sections)
    }

    /// Tells whether it installs without a device, by `DefaultInstall`.
    #[must_use]
    pub fn has_default_install(&self) -> bool {
        let any = |&architecture: &_| actual_section(&self.inf, DEFAULT_INSTALL, architecture);
        self.manufacturers.is_empty() && Architecture::ALL.iter().find_map(any).is_some()
    }

    /// Names of all services that it makes on any Windows, sorted.
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        let sections = self.inf.sections().iter();
        let names: BTreeSet<_> = sections
            .filter(|section| section.name.to_ascii_lowercase().ends_with(".services"))
            .flat_map(|section| self.inf.entries(&section.name))
            .filter(|entry| entry.has_key("AddService"))
            .filter_map(|entry| entry.optional(0))
            .collect();
        names.into_iter().collect()
    }

    /// What a model, or `DefaultInstall`, installs.
    ///
    /// # Errors
    /// As [`Inf::install`].
    pub fn install(
        &self,
        section: &str,
        architecture: Architecture,
        included: &dyn IncludedInfs,
    ) -> Result<Install, InfError> {
        self.inf.install(section, architecture, included)
    }

    /// The files that some models sections need, and the catalog, sorted; those of Windows itself are not among them.
    ///
    /// # Errors
    /// As [`Inf::install`].
    pub fn files<'a>(
        &self,
        sections: impl IntoIterator<Item = &'a ModelsSection>,
        architecture: Architecture,
    ) -> Result<Vec<NeededFile>, InfError> {
        let mut files = BTreeSet::new();
        let models = sections.into_iter().flat_map(|section| &section.models);
        let mut names: BTreeSet<_> = models.map(|model| model.install_section.as_str()).collect();
        if self.manufacturers.is_empty() {
            names.insert(DEFAULT_INSTALL);
        }
        names.extend(["ClassInstall32", "InterfaceInstall32"]);
        let mut left = ENTRIES_MAX;
        for name in names {
            // A model may name a section that only another architecture has.
            if actual_section(&self.inf, name, architecture).is_none() {
                continue;
            }
            let install = self.inf.install_within(name, architecture, &NoIncludes, &mut left)?;
            let of_windows = !self.version.layout_files.is_empty();
            for file in install.files.iter().chain(&install.coinstallers.files) {
                if file.source.listed || !of_windows {
                    let below = file.source.path.rsplit_once(['\\', '/']);
                    files.insert(NeededFile {
                        path: self.beside(&file.source.path),
                        cabinet: file.source.cabinet.as_deref().map(|path| self.beside(path)),
                        flat: below.map(|(_, name)| self.beside(name)),
                        is_catalog: false,
                    });
                }
            }
        }
        if let Some(catalog) = self.version.catalog(architecture) {
            let path = self.beside(catalog);
            files.insert(NeededFile { path, cabinet: None, flat: None, is_catalog: true });
        }
        Ok(files.into_iter().collect())
    }

    /// The INFs that installing some models sections copies along (`CopyINF`), as paths in the source.
    #[must_use]
    pub fn copied_infs<'a>(
        &self,
        sections: impl IntoIterator<Item = &'a ModelsSection>,
        architecture: Architecture,
    ) -> BTreeSet<String> {
        let models = sections.into_iter().flat_map(|section| &section.models);
        let names: BTreeSet<_> = models.map(|model| model.install_section.as_str()).collect();
        let actual = |name| actual_section(&self.inf, name, architecture);
        // Names differ by case alone, too.
        let actual: BTreeSet<_> =
            names.into_iter().filter_map(actual).map(|section| &*section.name).collect();
        let entries = actual.into_iter().flat_map(|name| self.inf.entries(name));
        let copied = entries.filter(|entry| entry.has_key("CopyINF"));
        copied.flat_map(|entry| entry.strings()).map(|name| self.beside(&name)).collect()
    }

    /// What it takes to keep it, in lines, fields and models.
    pub(crate) fn cost(&self) -> usize {
        self.cost
    }

    /// A path from the INF's folder as one in the source.
    #[must_use]
    pub fn beside(&self, path: &str) -> String {
        let path = path.replace('\\', "/");
        match self.folder() {
            "" => path,
            folder => format!("{folder}/{path}"),
        }
    }
}

impl NeededFile {
    /// Where the file is: under its name, packed (`viostor.sy_`), in its cabinet, or beside the INF. `None`: it is missing.
    #[must_use]
    pub fn find<F: PackageFiles + ?Sized>(&self, files: &F) -> Option<Held> {
        let plain = |path: &String| Some(Held { path: path.clone(), packed: false });
        let packed = |path: &String| Some(Held { path: path.clone(), packed: true });
        let short = |path: &String| {
            let (at, _) = path.char_indices().next_back()?;
            packed(&format!("{}_", &path[..at]))
        };
        let candidates = [
            plain(&self.path),
            short(&self.path),
            self.cabinet.as_ref().and_then(packed),
            self.flat.as_ref().and_then(plain),
            self.flat.as_ref().and_then(short),
        ];
        candidates.into_iter().flatten().find(|held| files.contains(&held.path))
    }
}
