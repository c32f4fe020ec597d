//! Files of a package that lie beside it: in its folder of the host, or below.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::contents::Contents;
use crate::error::Error;
use crate::folder;
use crate::name::{self, Reason};
use crate::source::FileSource;

pub(super) struct Beside {
    root: Option<Arc<PathBuf>>,
    /// The names in each folder that was looked into, without case and as they are.
    names: HashMap<PathBuf, HashMap<String, String>>,
}

impl Beside {
    /// Files in the folder of a package on the host; none for a package from elsewhere.
    pub fn new(package: Option<&Path>) -> Self {
        let root = package.and_then(|path| path.canonicalize().ok());
        let root = root.as_deref().and_then(Path::parent).map(|folder| Arc::new(folder.to_owned()));
        Self { root, names: HashMap::new() }
    }

    /// A file by its path from the package's folder, in any case: its contents and its size.
    pub fn file(&mut self, path: &str) -> Result<(Contents, u64), Reason> {
        let path = name::path(path, &['/', '\\'])?;
        let root = Arc::clone(self.root.as_ref().ok_or(Reason::Missing)?);
        let mut place = root.as_ref().clone();
        for name in path.split('/') {
            let names = self.names.entry(place.clone()).or_insert_with(|| names(&place));
            let known = if place.join(name).symlink_metadata().is_ok() {
                name
            } else {
                names.get(&name::folded(name)).ok_or(Reason::Missing)?
            };
            place.push(known);
        }
        let inside = place.canonicalize().map_err(|_| Reason::Unreadable)?;
        if !inside.starts_with(root.as_path()) {
            return Err(Reason::Link);
        }
        let metadata = inside.metadata().map_err(|_| Reason::Unreadable)?;
        if !metadata.is_file() {
            return Err(Reason::Special);
        }
        Ok((Contents::Host { root, path: place }, metadata.len()))
    }

    /// Opens a file that was found, to read it as an archive.
    pub fn open(contents: &Contents, size: u64) -> Result<Option<FileSource>, Error> {
        let Contents::Host { root, path } = contents else { return Ok(None) };
        let file = folder::open_inside(root, path, size)?;
        let open = |source| Error::Open { path: path.clone(), source };
        FileSource::new(file).map(Some).map_err(open)
    }
}

fn names(folder: &Path) -> HashMap<String, String> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.map(|name| (name::folded(&name), name)).collect()
}
