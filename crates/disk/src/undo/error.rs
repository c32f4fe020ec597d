//! Why a commit was not undone.

use std::io;
use std::path::PathBuf;

use crate::image::ImageError;

/// Why a commit was not undone. Unless it says otherwise, the image is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UndoError {
    /// The image was changed since the commit.
    #[error(
        "{} was changed since the commit: it holds other bytes at offset {offset:#x} of its file, so putting back what the commit overwrote would damage it",
        image.display()
    )]
    Changed {
        /// The image.
        image: PathBuf,
        /// The first offset of its file that differs.
        offset: u64,
    },
    /// The image file was written to since the commit, although what the commit wrote is still there.
    #[error(
        "the date of {} says that it was written to since the commit: if a guest ran, undoing would damage it",
        image.display()
    )]
    Date {
        /// The image.
        image: PathBuf,
    },
    /// The image could not be opened.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The undo file ends too early, or is damaged.
    #[error("the undo file {} is incomplete or damaged: if its commit was cut short, the image is as it was", path.display())]
    Incomplete {
        /// The undo file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// `open`, `read`, `write`...
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{} is not an undo file", path.display())]
    NotUndo {
        /// The file.
        path: PathBuf,
    },
    /// Putting the bytes back failed on the way.
    #[error("cannot put back what the commit overwrote; opening the image again finishes it from {}", journal.display())]
    Unfinished {
        /// The image's journal.
        journal: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The undo file was written by an older or newer program.
    #[error("the undo file {} has version {version}, this program knows version 1", path.display())]
    Version {
        /// The undo file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
}

impl UndoError {
    /// True when the image is not safe to undo as it is. False for plain failures (not found, no permission, I/O).
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Changed { .. } | Self::Date { .. } => true,
            Self::Image(error) => error.is_refusal(),
            _ => false,
        }
    }
}
