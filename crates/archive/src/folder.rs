//! A folder of the host.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::contents::Contents;
use crate::error::{Error, Format};
use crate::limits::Limits;
use crate::list::{List, Node};
use crate::name::{self, Reason};

/// Lists a folder. Symbolic links are followed to what lies inside; no folder is entered from within itself.
pub(crate) fn list(root: &Path, limits: Limits) -> Result<List, Error> {
    let open = |source| Error::Open { path: root.to_owned(), source };
    let root = Arc::new(root.canonicalize().map_err(open)?);
    let mut list = List::new(Format::Folder, limits);
    // A folder's place on the host, its path in the tree, the places of the folders around it.
    let mut todo = vec![(root.to_path_buf(), String::new(), Vec::<PathBuf>::new())];
    while let Some((place, path, around)) = todo.pop() {
        let Ok(found) = fs::read_dir(&place) else {
            if path.is_empty() {
                let source =
                    fs::read_dir(&place).err().unwrap_or_else(|| std::io::ErrorKind::Other.into());
                return Err(open(source));
            }
            list.leave_out(path, Reason::Unreadable)?;
            continue;
        };
        let mut inside = around.clone();
        inside.push(place);
        for found in found {
            let Ok(found) = found else {
                list.leave_out(path.clone(), Reason::Unreadable)?;
                continue;
            };
            let raw = found.file_name();
            let join = |name: &str| {
                if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
            };
            let Some(name) = raw.to_str() else {
                list.leave_out(join(&raw.to_string_lossy()), Reason::Undecodable)?;
                continue;
            };
            let path = join(name);
            if let Err(reason) = name::component(name) {
                list.leave_out(path, reason)?;
                continue;
            }
            match look(&root, &found.path(), &inside) {
                Err(reason) => list.leave_out(path, reason)?,
                Ok((_, Some(size))) => {
                    let contents = Contents::Host { root: Arc::clone(&root), path: found.path() };
                    list.add(path, Node::File { size, contents })?;
                }
                Ok((place, None)) => {
                    list.add(path.clone(), Node::Folder)?;
                    if inside.len() >= Limits::DEPTH {
                        list.leave_out(format!("{path}/*"), Reason::TooLong)?;
                    } else {
                        todo.push((place, path, inside.clone()));
                    }
                }
            }
        }
    }
    Ok(list)
}

/// Where a path ends up, and the size if it is a file.
fn look(root: &Path, path: &Path, inside: &[PathBuf]) -> Result<(PathBuf, Option<u64>), Reason> {
    let own = fs::symlink_metadata(path).map_err(|_| Reason::Unreadable)?;
    let (place, metadata) = if own.is_symlink() {
        let place = path.canonicalize().map_err(|_| Reason::Link)?;
        if !place.starts_with(root) || inside.contains(&place) {
            return Err(Reason::Link);
        }
        let metadata = fs::metadata(&place).map_err(|_| Reason::Unreadable)?;
        (place, metadata)
    } else {
        (path.to_owned(), own)
    };
    if metadata.is_dir() {
        Ok((place, None))
    } else if metadata.is_file() {
        Ok((place, Some(metadata.len())))
    } else {
        Err(Reason::Special)
    }
}

/// Opens a file that was listed, if it still lies inside and has its size.
pub(crate) fn open_inside(root: &Path, path: &Path, size: u64) -> Result<File, Error> {
    let open = |source| Error::Open { path: path.to_owned(), source };
    let place = path.canonicalize().map_err(open)?;
    if !place.starts_with(root) || !fs::metadata(&place).map_err(open)?.is_file() {
        return Err(Error::Changed { path: path.to_owned() });
    }
    let file = File::open(&place).map_err(open)?;
    if file.metadata().map_err(open)?.len() != size {
        return Err(Error::Changed { path: path.to_owned() });
    }
    Ok(file)
}
