//! What a commit overwrote, kept in a file, and putting it back.
//!
//! An undo file holds the commit's reverse as a journal of the image file, behind a header that says which image it is of:
//!
//! ```text
//! 0     magic "WKUNDO\r\n"   8 version u32   12 path length u32   16 the image's absolute path, then zeros
//! 7672  CRC-64 of bytes 0..7672
//! 7680  date of the image file after the commit: seconds since 1970 i64, nanoseconds u32, zeros u32, CRC-64 of these 16 bytes
//! 8192  a journal: pages with the old bytes as new ones, gone records for what the commit put into free space and past the
//!       end, the end
//! ```
//! All numbers are little-endian; the checksums are CRC-64/XZ. The file is durable before the commit's own journal is complete,
//! so before any byte in use is written. The date is added when the commit is done; a wrong checksum means that it is not known.
//! Undoing is a commit like any other: that journal is copied to the image's journal, which is then finished.

mod error;
mod file;
mod keep;
mod restore;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::UndoError;
pub(crate) use keep::{Commit, Keep};

use crate::host::HostFile;
use crate::host::folder::JournalPlace;
use crate::image::{OpenOptions, open_file};
use crate::journal::Journal;
use file::Modified;
#[cfg(any(test, feature = "simulated"))]
pub(crate) use file::header;

/// An undo file, read and found to be whole.
#[derive(Debug)]
pub struct UndoFile {
    image: PathBuf,
    modified: Option<Modified>,
    /// The part of the file that is a journal.
    part: Arc<dyn HostFile>,
    journal: Journal,
}

/// How to undo.
#[derive(Debug, Clone, Default)]
pub struct UndoOptions {
    /// How to open the image: writable, and where its journal goes. The format does not matter.
    pub open: OpenOptions,
    /// Undoes although the image file's date says that something wrote to it since. What the commit wrote must still be there.
    pub ignore_date: bool,
}

/// What undoing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undone {
    /// False when the image is as it was before the commit already, and when it was not opened for writing.
    pub undone: bool,
    /// True when the image was as before already.
    pub already: bool,
    /// Bytes of the image file that are, or would be, put back.
    pub bytes: u64,
}

impl UndoFile {
    /// Reads an undo file.
    ///
    /// # Errors
    /// [`UndoError`]: not readable, no undo file, or not complete.
    pub fn open(path: &Path) -> Result<Self, UndoError> {
        file::read(path)
    }

    /// The image that it is of: its absolute path when the commit was made.
    #[must_use]
    pub fn image(&self) -> &Path {
        &self.image
    }

    /// Reads the undo file in a place.
    #[cfg(any(test, feature = "simulated"))]
    pub(crate) fn open_in(place: &JournalPlace) -> Result<Self, UndoError> {
        file::read_in(place, &place.path)
    }

    /// Puts back what the commit overwrote in `image`, which need not have the name that it had then. Without
    /// `options.open.writable`, only tells whether that can be done.
    ///
    /// # Errors
    /// [`UndoError`]: nothing was changed, or the journal beside the image makes the next open finish it.
    pub fn undo(&self, image: &Path, options: &UndoOptions) -> Result<Undone, UndoError> {
        let opened = open_file(image, &options.open)?;
        let place = opened.place.filter(|_| options.open.writable);
        self.undo_in(image, &*opened.view, place, options.ignore_date)
    }

    /// Undoes in an open image file; without a place for its journal, only tells whether that can be done.
    pub(crate) fn undo_in(
        &self,
        image: &Path,
        file: &dyn HostFile,
        place: Option<JournalPlace>,
        ignore_date: bool,
    ) -> Result<Undone, UndoError> {
        let failed = |source| UndoError::Io { action: "read", path: image.to_owned(), source };
        let bytes = self.bytes();
        match restore::state(&self.journal, file).map_err(failed)? {
            restore::State::Before => return Ok(Undone { undone: false, already: true, bytes }),
            restore::State::Changed(offset) => {
                return Err(UndoError::Changed { image: image.to_owned(), offset });
            }
            restore::State::Committed => {}
        }
        let now = file.modified().map_err(failed)?;
        if let (Some(then), Some(now), false) = (self.modified, now, ignore_date)
            && then != Modified::from(now)
        {
            return Err(UndoError::Date { image: image.to_owned() });
        }
        let Some(place) = place else {
            return Ok(Undone { undone: false, already: false, bytes });
        };
        restore::put_back(&*self.part, &place, file)?;
        Ok(Undone { undone: true, already: false, bytes })
    }

    /// Bytes of the image file that undoing writes or clears.
    fn bytes(&self) -> u64 {
        let gone: u64 = self.journal.gone.iter().map(|(start, end, _)| end - start).sum();
        self.journal.page_bytes + gone
    }
}
