//! `[[files]]`: files and folders of the host, copied into the image.
//!
//! A file goes to `to`; into it when `to` is an existing folder or ends in a separator.
//! `sddl` is given to the file, or to the folder `to`, from which what is new in it inherits.
//! What is in a folder goes into the folder `to`, which is made when it is missing, so that a second bake finds everything in its place.

use std::fs;
use std::path::Path;

use super::error::{RecipeError, RecipeProblem};
use super::security;
use super::table::Table;
use crate::image_path::ImagePath;
use crate::step::Contents;
use crate::{BakeError, Step};

/// Folders inside folders.
const DEPTH_MAX: usize = 64;
/// Files and folders below one `from`.
const ENTRIES_MAX: usize = 200_000;

pub(super) fn read(
    table: &Table<'_>,
    folder: &Path,
    steps: &mut Vec<Step>,
) -> Result<(), BakeError> {
    let from = folder.join(table.required("from")?);
    let to = table.required("to")?;
    let target: Result<ImagePath, RecipeError> =
        ImagePath::parse(to).map_err(|error| table.error(RecipeProblem::Path(error)));
    let target = target?;
    let sddl = match table.get("sddl") {
        Some(node) => {
            let text = node.text()?;
            security::check(text).map_err(|error| node.error(RecipeProblem::Sddl(error)))?;
            Some(text.to_owned())
        }
        None => None,
    };
    let metadata =
        fs::metadata(&from).map_err(|source| BakeError::HostFile { path: from.clone(), source })?;
    let secure = |path: &str, inside| {
        let path = path.to_owned();
        let below = false;
        sddl.clone().map(|sddl| Step::SetSecurity { path, sddl, inside, below })
    };
    if metadata.is_dir() {
        let drive = target.drive.map(|letter| format!("{letter}:")).unwrap_or_default();
        let path = if target.path == "\\" { drive } else { format!("{drive}{}", target.path) };
        // The folder's own descriptor comes first, so that what is new in it inherits from that.
        if let Some(step) = secure(to, None) {
            if target.path != "\\" {
                steps.push(Step::MakeDirectory { path: path.clone(), parents: true });
            }
            steps.push(step);
        }
        copy_folder(&from, &path, 0, steps)
    } else if metadata.is_file() {
        let name = from.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        let contents = Contents::HostFile(from);
        steps.push(Step::PutFile { path: to.to_owned(), contents, parents: true });
        steps.extend(secure(to, name));
        Ok(())
    } else {
        Err(BakeError::HostFileUnfit { path: from, reason: "it is not a regular file".into() })
    }
}

/// Adds the contents of a folder in the order of their names. `to` has no separator at its end.
fn copy_folder(
    from: &Path,
    to: &str,
    depth: usize,
    steps: &mut Vec<Step>,
) -> Result<(), BakeError> {
    if depth > DEPTH_MAX {
        return Err(BakeError::TooMuch {
            what: from.display().to_string(),
            limit: "64 folders inside each other",
        });
    }
    let failed = |source| BakeError::HostFile { path: from.to_owned(), source };
    let mut entries =
        fs::read_dir(from).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    if ImagePath::parse(to)?.path != "\\" {
        steps.push(Step::MakeDirectory { path: to.to_owned(), parents: true });
    }
    for entry in entries {
        if steps.len() > ENTRIES_MAX {
            return Err(BakeError::TooMuch {
                what: from.display().to_string(),
                limit: "200000 files and folders",
            });
        }
        let path = entry.path();
        let unfit =
            |reason: &str| BakeError::HostFileUnfit { path: path.clone(), reason: reason.into() };
        let name = entry.file_name();
        let name = name.to_str().ok_or_else(|| unfit("its name is not UTF-8"))?;
        if name.contains('\\') || name.contains(':') {
            return Err(unfit("its name holds a backslash or colon, which Windows does not allow"));
        }
        let target = format!("{to}\\{name}");
        // Links are not followed: a folder from elsewhere may not pull in other files of the host.
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            copy_folder(&path, &target, depth + 1, steps)?;
        } else if kind.is_file() {
            let contents = Contents::HostFile(path);
            steps.push(Step::PutFile { path: target, contents, parents: true });
        } else {
            return Err(unfit("it is neither a regular file nor a folder"));
        }
    }
    Ok(())
}
