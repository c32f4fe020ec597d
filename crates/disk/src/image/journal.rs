//! The journal that may stand beside an image: where it is, and what opening does about it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::ImageError;
use super::{OpenOptions, Recovery};
use crate::host::HostFile;
use crate::host::disk_file::DiskFile;
use crate::host::folder::JournalPlace;
use crate::journal::recover::{self, Found, RecoverFailure};
use crate::journal::view::View;

pub(super) const SUFFIX: &str = ".winkiln-journal";

/// Where the journal of an image lies: in the folder asked for, else beside the image.
///
/// Beside means beside the file itself, not a symbolic link to it, so that every name of it leads to one journal.
/// A block device has no such place, as its folder is made anew at every start of the system: `None`.
/// In a folder that was asked for, a block device's journal is named after its whole path as given.
pub(super) fn place(
    path: &Path,
    options: &OpenOptions,
    block_device: bool,
) -> Result<Option<JournalPlace>, ImageError> {
    let failed = |source| ImageError::Io { action: "open", path: path.to_owned(), source };
    let (beside, mut name) = if block_device {
        let path = std::path::absolute(path).map_err(failed)?;
        let parts = path.components().skip(1).map(|part| part.as_os_str().to_owned());
        (None, parts.collect::<Vec<_>>().join(&OsString::from("-")))
    } else {
        let real = path.canonicalize().map_err(failed)?;
        let name = real.file_name().unwrap_or_default().to_owned();
        (real.parent().map(Path::to_owned), name)
    };
    name.push(SUFFIX);
    let folder: Option<PathBuf> = options.journal_dir.clone().or(beside);
    Ok(folder.map(|folder| JournalPlace::new(&folder, name)))
}

/// Deals with the journal of an image opened for writing: finishes a complete one, takes back and removes an incomplete one.
pub(super) fn recover(
    place: &JournalPlace,
    file: &dyn HostFile,
) -> Result<Option<Recovery>, ImageError> {
    let found = recover::find(place, file).map_err(|failure| explain(place, failure))?;
    match found {
        Found::Nothing => Ok(None),
        Found::Complete(journal) => recover::finish(place, &journal, file)
            .map(|()| Some(Recovery::Finished))
            .map_err(|failure| explain(place, failure)),
        Found::Incomplete(journal) => recover::undo(place, &journal, file)
            .map(|()| Some(Recovery::Discarded))
            .map_err(|failure| explain(place, failure)),
    }
}

/// The image opened for reading, seen through its journal.
pub(super) fn read_through(
    place: Option<&JournalPlace>,
    file: Arc<dyn HostFile>,
) -> Result<(Arc<dyn HostFile>, Option<Recovery>), ImageError> {
    let Some(place) = place else { return Ok((file, None)) };
    let found = recover::find(place, &*file).map_err(|failure| explain(place, failure))?;
    let (view, recovery) = match found {
        Found::Nothing => return Ok((file, None)),
        Found::Incomplete(journal) => (View::undone(file, journal), Recovery::Discarded),
        Found::Complete(journal) => (View::finished(file, journal), Recovery::Finished),
    };
    let view = view.map_err(|source| explain(place, RecoverFailure::Io("read", source)))?;
    Ok((Arc::new(view), Some(recovery)))
}

/// A backing file seen through its own journal.
pub(super) fn look_through(
    path: &Path,
    options: &OpenOptions,
    file: Arc<DiskFile>,
) -> Result<Arc<dyn HostFile>, ImageError> {
    let place = place(path, options, file.is_block_device())?;
    Ok(read_through(place.as_ref(), file)?.0)
}

fn explain(place: &JournalPlace, failure: RecoverFailure) -> ImageError {
    let journal = place.path.clone();
    match failure {
        RecoverFailure::Io(action, source) => ImageError::Journal { action, journal, source },
        RecoverFailure::Foreign => ImageError::JournalForeign { journal },
        RecoverFailure::Version(version) => ImageError::JournalVersion { journal, version },
        RecoverFailure::Mismatch(offset) => ImageError::JournalMismatch { journal, offset },
        RecoverFailure::Damaged(offset) => ImageError::JournalDamaged { journal, offset },
    }
}
