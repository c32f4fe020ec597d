//! Reading packages and their files.

use std::collections::HashMap;
use std::path::Path;

use winkiln_archive::Tree;
use winkiln_drivers::inf::ParseOptions;
use winkiln_drivers::package::{Found, Held, NeededFile};
use winkiln_drivers::staging::{Digest, PackageFile};
use winkiln_drivers::{Architecture, Package};
use winkiln_trust::digest::Algorithm;
use winkiln_trust::pe::{Image, Machine};

use super::{DriverError, PackageProblem, SourceFile};

/// Bytes of one file of a package.
pub(super) const FILE_BYTES_MAX: u64 = 1 << 30;

/// A source, opened, with its packages.
pub(crate) struct Source {
    pub(crate) tree: Tree,
    pub(crate) found: Found,
}

/// The files of a package, read.
#[derive(Default)]
pub(crate) struct Contents {
    /// All but the INF.
    pub(crate) files: Vec<PackageFile>,
    /// By their paths in the source.
    pub(crate) bytes: HashMap<String, Vec<u8>>,
    /// Over everything in the package.
    pub(crate) digest: u64,
}

impl Source {
    pub(crate) fn open(path: &Path, options: &ParseOptions) -> Result<Self, DriverError> {
        let failed = |source| DriverError::Source { path: path.to_owned(), source };
        let tree = Tree::open(path).map_err(failed)?;
        let found = Found::all(&tree, options);
        Ok(Self { tree, found })
    }

    /// Reads the files that a package needs. A missing catalog is no error here.
    pub(crate) fn contents(
        &self,
        package: &Package,
        needed: &[NeededFile],
    ) -> Result<Contents, PackageProblem> {
        let mut contents = Contents { files: Vec::new(), bytes: HashMap::new(), digest: 0 };
        let folder = match package.folder() {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        for file in needed {
            let bytes = match file.find(&self.tree) {
                Some(found) => self.plain(file, &found)?,
                None if file.is_catalog => continue,
                None => return Err(PackageProblem::MissingFile { path: file.path.clone() }),
            };
            let name = file.path.strip_prefix(&folder).unwrap_or(&file.path).replace('/', "\\");
            contents.bytes.insert(file.path.clone(), bytes);
            let (from, is_catalog) = (file.path.clone(), file.is_catalog);
            contents.files.push(PackageFile { name, from, is_catalog });
        }
        let inf = package.path().to_owned();
        contents.bytes.insert(inf.clone(), self.tree.read(&inf, FILE_BYTES_MAX)?);
        let mut names: Vec<(&str, &str)> = vec![(package.file_name(), &inf)];
        names.extend(contents.files.iter().map(|file| (&*file.name, &*file.from)));
        names.sort();
        let mut digest = Digest::default();
        for (name, from) in names {
            digest.file(name, contents.bytes.get(from).map_or(&[], Vec::as_slice));
        }
        contents.digest = digest.finish();
        Ok(contents)
    }

    /// A file as it is installed. What lies packed, or in a cabinet, is unpacked.
    fn plain(&self, file: &NeededFile, found: &Held) -> Result<Vec<u8>, PackageProblem> {
        let bytes = self.tree.read(&found.path, FILE_BYTES_MAX)?;
        if !found.packed {
            return Ok(bytes);
        }
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let unpacked = winkiln_archive::unpack(bytes, name, FILE_BYTES_MAX);
        unpacked.map_err(|source| PackageProblem::Packed { path: found.path.clone(), source })
    }
}

impl Contents {
    /// Its files, by their paths, with their hashes.
    pub(crate) fn sources(&self) -> Vec<SourceFile> {
        let hash = |bytes: &[u8]| Algorithm::Sha256.hash(&[bytes]);
        let files = self.bytes.iter().map(|(path, bytes)| SourceFile {
            path: path.clone(),
            sha256: hash(bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
        });
        let mut files: Vec<_> = files.collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        files
    }

    /// Its drivers.
    pub(super) fn programs(&self) -> impl Iterator<Item = (&PackageFile, &[u8])> {
        let is_driver = |file: &&PackageFile| file.name.to_ascii_lowercase().ends_with(".sys");
        let bytes = |file: &PackageFile| self.bytes.get(&file.from).map_or(&[][..], Vec::as_slice);
        self.files.iter().filter(is_driver).map(move |file| (file, bytes(file)))
    }

    /// Refuses drivers of another architecture.
    pub(crate) fn check_machine(&self, architecture: Architecture) -> Result<(), PackageProblem> {
        for (file, bytes) in self.programs() {
            let path = file.from.clone();
            let Ok(image) = Image::parse(bytes) else {
                return Err(PackageProblem::NoProgram { path });
            };
            if image.machine != machine(architecture) {
                let known =
                    Architecture::ALL.into_iter().find(|one| machine(*one) == image.machine);
                let unknown = || "an unknown processor".to_owned();
                let found = known.map_or_else(unknown, |known| known.to_string());
                return Err(PackageProblem::Machine { path, found, expected: architecture.name() });
            }
        }
        Ok(())
    }
}

pub(super) fn machine(architecture: Architecture) -> Machine {
    match architecture {
        Architecture::X86 => Machine::X86,
        Architecture::Amd64 => Machine::Amd64,
        Architecture::Ia64 => Machine::Ia64,
        Architecture::Arm => Machine::Arm,
        Architecture::Arm64 => Machine::Arm64,
    }
}
