//! The write order of a commit, and the way back when a step fails.

use std::io;
use std::path::{Path, PathBuf};

use crate::device::DeviceError;
use crate::overlay::{FlushFailure, Overlay, SealFailure, Side, UndoFailure};

/// Why a commit failed, and what that means for the image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The image was opened for reading only. Nothing was written.
    #[error("the image is open for reading only")]
    ReadOnly,
    /// An earlier commit failed.
    #[error("an earlier commit failed: open the image again")]
    Failed,
    /// Somebody asked to stop before the commit began ([`crate::Interrupt`]). Nothing was written.
    #[error("stopped on request before the commit")]
    Interrupted,
    /// The image could not be read for comparison. Nothing was written.
    #[error("cannot compare the changes with the image; it is unchanged")]
    Read(#[from] DeviceError),
    /// The changes could not be laid out in the image file. It is as it was.
    #[error("cannot lay the changes out in the image; it is unchanged")]
    Plan(#[source] io::Error),
    /// The journal could not be written. The image is unchanged.
    #[error("cannot write the journal {}; the image is unchanged", journal.display())]
    Journal {
        /// The journal.
        journal: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The undo file could not be written. The image is unchanged.
    #[error("cannot write the undo file {}; the image is unchanged", path.display())]
    Undo {
        /// The undo file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The new overlay could not be written. It is gone, and the image is unchanged.
    #[error("cannot write the overlay {}; the image is unchanged", path.display())]
    Overlay {
        /// The overlay.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The image could not be written. Everything was put back: it is as it was.
    #[error("cannot write the image; it was put back as it was")]
    UndoneWrite(#[source] io::Error),
    /// The image could not be written and not put back. The journal beside it is complete: the next open finishes the commit.
    #[error("cannot write the image; opening it again finishes the commit from {}", journal.display())]
    Unfinished {
        /// The journal.
        journal: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The commit failed, and what it had written to free space could not be taken back. Nothing points there: a guest sees
    /// the image as it was. The next open takes it back.
    #[error(
        "the commit failed, and what it wrote to free space in the image could not be taken back; opening it again does so from {}",
        journal.display()
    )]
    NotTakenBack {
        /// The journal.
        journal: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The commit is done, but its journal could not be removed.
    #[error("the image is written, but its journal {} cannot be removed", journal.display())]
    JournalLeft {
        /// The journal.
        journal: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl CommitError {
    /// The same failure of a commit to a new overlay at `path`, of which nothing is kept.
    pub(super) fn of_overlay(self, path: &Path) -> Self {
        match self {
            Self::Journal { source, .. }
            | Self::UndoneWrite(source)
            | Self::Unfinished { source, .. }
            | Self::NotTakenBack { source, .. }
            | Self::JournalLeft { source, .. } => Self::Overlay { path: path.to_owned(), source },
            other => other,
        }
    }
}

/// Brings everything in the overlay to the file; returns the bytes that it wrote in place, `None` when there is nothing. A crash between any two steps leaves the old
/// image, perhaps with an incomplete journal that says what to take back, or a complete journal beside it.
pub(crate) fn commit(overlay: &Overlay, journal: &Path) -> Result<Option<u64>, CommitError> {
    let journal = || journal.to_owned();

    // 1: what was written ahead of the commit is made durable. 2: the journal is completed and made durable, and its name.
    // From here on the commit can only be finished or undone.
    let sealed = overlay.seal().map_err(|failure| match failure {
        SealFailure::Undone(FlushFailure { side: Side::Journal, source }) => {
            CommitError::Journal { journal: journal(), source }
        }
        SealFailure::Undone(FlushFailure { side: Side::Undo, source }) => {
            let path = overlay.undo().map_or_else(PathBuf::new, |keep| keep.path().to_owned());
            CommitError::Undo { path, source }
        }
        SealFailure::Undone(FlushFailure { side: Side::Image, source }) => {
            CommitError::UndoneWrite(source)
        }
        SealFailure::NotUndone(source) => CommitError::NotTakenBack { journal: journal(), source },
        SealFailure::Complete(source) => CommitError::Unfinished { journal: journal(), source },
    })?;
    let Some(sealed) = sealed else { return Ok(None) };

    // 3: the pages in place, made durable, or step 4 could take away the only copy.
    let mut written = 0;
    if let Err(source) = overlay.write_in_place(&sealed, &mut written) {
        return Err(match overlay.put_back(sealed, written) {
            Ok(()) => CommitError::UndoneWrite(source),
            Err(UndoFailure::Complete) => CommitError::Unfinished { journal: journal(), source },
            Err(UndoFailure::Incomplete) => {
                CommitError::NotTakenBack { journal: journal(), source }
            }
        });
    }

    // 4: the journal goes, and its going is made durable.
    overlay
        .settle(sealed)
        .map_err(|source| CommitError::JournalLeft { journal: journal(), source })?;
    Ok(Some(written))
}
