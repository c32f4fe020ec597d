//! The kernel-mode driver framework that a source brings, for a Windows that has none: as files of its own, or in the co-installer of
//! a package, which holds it in cabinets.
//!
//! Source: "Installation components for KMDF drivers" for the names of the files. How the co-installer keeps its cabinets is not
//! documented: they are looked for by their signature.

use std::sync::Arc;

use winkiln_archive::{Limits, Tree};
use winkiln_drivers::staging::{FRAMEWORK_LIBRARY, FRAMEWORK_LOADER};
use winkiln_drivers::{Architecture, Package};
use winkiln_trust::pe::Image;

use super::Contents;
use super::source::{FILE_BYTES_MAX, Source, machine};

/// What a cabinet begins with.
const CABINET: &[u8] = b"MSCF";
/// Cabinets of one co-installer that are looked into.
const CABINETS_MAX: usize = 16;

/// A framework.
pub(crate) struct BroughtFramework {
    /// Such as `(1, 9)`.
    pub(crate) version: (u32, u32),
    library: Vec<u8>,
    loader: Vec<u8>,
}

impl BroughtFramework {
    /// Looks for the framework that a package can run on: beside its INF, and in its co-installers.
    pub(crate) fn find(
        source: &Source,
        package: &Package,
        architecture: Architecture,
    ) -> Option<Self> {
        let needs_one = |name: &str| name.to_ascii_lowercase().ends_with(".wdf");
        if !package.inf().sections().iter().any(|section| needs_one(&section.name)) {
            return None;
        }
        let tree = &source.tree;
        let beside = |name| tree.read(&package.beside(name), FILE_BYTES_MAX).ok();
        let plain = beside(FRAMEWORK_LIBRARY).zip(beside(FRAMEWORK_LOADER));
        if let Some(found) = plain.and_then(|files| Self::of(files, architecture)) {
            return Some(found);
        }
        let is_coinstaller = |path: &str| {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            let name = name.to_ascii_lowercase();
            folder == package.folder()
                && name.starts_with("wdfcoinstaller")
                && name.ends_with(".dll")
        };
        let files = tree.entries().iter().filter(|entry| entry.is_file());
        let coinstallers = files.filter(|entry| is_coinstaller(entry.path()));
        let found = coinstallers.filter_map(|entry| {
            in_coinstaller(&tree.read(entry.path(), FILE_BYTES_MAX).ok()?, architecture)
        });
        found.max_by_key(|found| found.version)
    }

    /// Puts the files where the edits of a package look for them.
    pub(crate) fn give(self, contents: &mut Contents) {
        contents.bytes.insert(FRAMEWORK_LIBRARY.to_owned(), self.library);
        contents.bytes.insert(FRAMEWORK_LOADER.to_owned(), self.loader);
    }

    /// The two files; `None` unless they are programs of the architecture, of which the first tells its version.
    fn of((library, loader): (Vec<u8>, Vec<u8>), architecture: Architecture) -> Option<Self> {
        let fits = |bytes| Image::parse(bytes).is_ok_and(|it| it.machine == machine(architecture));
        if !fits(&library) || !fits(&loader) {
            return None;
        }
        let version = file_version(&library)?;
        Some(Self { version, library, loader })
    }
}

/// The first two numbers of a program's version.
pub(crate) fn file_version(bytes: &[u8]) -> Option<(u32, u32)> {
    let [major, minor, ..] = Image::parse(bytes).ok()?.file_version()?.0;
    Some((u32::from(major), u32::from(minor)))
}

/// The framework in the cabinets of a co-installer.
fn in_coinstaller(bytes: &[u8], architecture: Architecture) -> Option<BroughtFramework> {
    let windows = bytes.windows(CABINET.len()).enumerate();
    let places = windows.filter_map(|(at, window)| (window == CABINET).then_some(at));
    let trees = places.take(CABINETS_MAX).filter_map(|at| {
        let rest = bytes.get(at..)?;
        let length = u32::from_le_bytes(rest.get(8..12)?.try_into().ok()?);
        let cabinet = rest.get(..usize::try_from(length).ok()?)?.to_vec();
        Tree::read_from(Arc::new(cabinet), Limits::default()).ok()
    });
    trees
        .filter_map(|tree| {
            // Updates keep their files in folders.
            let file = |wanted: &str| {
                let named = |path: &str| {
                    path.rsplit('/').next().is_some_and(|name| name.eq_ignore_ascii_case(wanted))
                };
                let mut files = tree.entries().iter().filter(|entry| entry.is_file());
                tree.read(files.find(|entry| named(entry.path()))?.path(), FILE_BYTES_MAX).ok()
            };
            let files = file(FRAMEWORK_LIBRARY).zip(file(FRAMEWORK_LOADER))?;
            BroughtFramework::of(files, architecture)
        })
        .max_by_key(|found| found.version)
}
