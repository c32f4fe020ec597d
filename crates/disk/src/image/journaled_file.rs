//! A file of the host that holds no disk, changed in place and all at once.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chain::{failed, lock_disk_file, open_disk_file};
use super::error::ImageError;
use super::{OpenOptions, Recovery, journal};
use crate::host::HostFile;
use crate::host::disk_file::DiskFile;
use crate::host::folder::JournalPlace;
use crate::overlay::{Limits, Overlay};
use crate::transaction::{CommitError, CommitReport, IoCounts, commit};
use crate::undo::Keep;

/// Times that a file which is replaced again and again is opened.
const OPENED_MAX: usize = 8;

/// A file that is changed in place, all at once: through a journal beside it, as a raw image is. Unlike an image it may grow.
///
/// While it is open it is locked as an image is, where the file system has such locks. After a crash the next open finishes
/// or discards the commit, or looks through it when it opens for reading.
#[derive(Debug)]
pub struct JournaledFile {
    overlay: Overlay,
    journal: PathBuf,
    recovery: Option<Recovery>,
}

impl JournaledFile {
    /// Opens and locks the file at `path`. Nothing is written, unless a journal is found and the file is opened for writing.
    /// A commit keeps what it overwrites in the new file `undo`, for [`crate::UndoFile`].
    ///
    /// # Errors
    /// [`ImageError::Io`], [`ImageError::InUse`], [`ImageError::NotAnImage`], [`ImageError::UndoExists`], and those of a
    /// journal that does not fit.
    pub fn open(path: &Path, writable: bool, undo: Option<&Path>) -> Result<Self, ImageError> {
        let file = open_and_lock(path, writable)?;
        let options = OpenOptions { writable, ..OpenOptions::default() };
        let place = journal::place(path, &options, file.is_block_device())?
            .ok_or_else(|| ImageError::JournalFolder { path: path.to_owned() })?;
        let this = if writable {
            let keep = undo.map(|undo| super::keep(path, undo)).transpose()?;
            let recovery = journal::recover(&place, &*file)?;
            Self::writable(file, place, keep).map(|this| Self { recovery, ..this })
        } else {
            let (view, recovery) = journal::read_through(Some(&place), file)?;
            let overlay = Overlay::new(view, String::new(), None);
            overlay.map(|overlay| Self { overlay, journal: PathBuf::new(), recovery })
        };
        this.map_err(|source| failed("read", path, source))
    }

    /// A file whose journal was dealt with.
    pub(crate) fn writable(
        file: Arc<dyn HostFile>,
        place: JournalPlace,
        undo: Option<Keep>,
    ) -> io::Result<Self> {
        let journal = place.path.clone();
        // Nothing is written ahead: what is written is small.
        let limits = Limits { sectors: true, undo, ..Limits::new(place, false) };
        let overlay = Overlay::new(file, String::new(), Some(limits))?;
        Ok(Self { overlay, journal, recovery: None })
    }

    /// What opening did about an interrupted commit, if there was one.
    #[must_use]
    pub fn recovery(&self) -> Option<Recovery> {
        self.recovery
    }

    /// Length, bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.overlay.length()
    }

    /// Fills `buf` from `offset`; zeros past the end.
    ///
    /// # Errors
    /// What the operating system said.
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.overlay.read(offset, buf)
    }

    /// Writes these bytes at their offsets, all of them or none: journal first, then in place. What lies past the end makes
    /// the file longer.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub fn commit(self, writes: &[(u64, &[u8])]) -> Result<CommitReport, CommitError> {
        if self.journal.as_os_str().is_empty() {
            return Err(CommitError::ReadOnly);
        }
        for (offset, bytes) in writes {
            self.overlay.write(*offset, bytes, false).map_err(CommitError::Plan)?;
        }
        let written = commit::commit(&self.overlay, &self.journal)?;
        let committed = written.is_some();
        let counts = self.overlay.counts();
        let io = IoCounts {
            image_bytes_written: written.unwrap_or(0),
            journal_bytes: counts.journal_bytes,
            flushes: counts.flushes,
            ..IoCounts::default()
        };
        Ok(CommitReport { committed, io })
    }
}

/// Opens the file that has the name once it is locked: another program may have put a new one in its place meanwhile.
fn open_and_lock(path: &Path, writable: bool) -> Result<Arc<DiskFile>, ImageError> {
    use std::os::unix::fs::MetadataExt as _;
    for _ in 0..OPENED_MAX {
        let file = open_disk_file(path, writable)?;
        match lock_disk_file(&file, path, writable) {
            // Without such locks the file is edited as by any other program.
            Ok(()) | Err(ImageError::Io { .. }) => {}
            Err(held) => return Err(held),
        }
        let named = std::fs::metadata(path).map_err(|source| failed("open", path, source))?;
        if (named.dev(), named.ino()) == file.identity() {
            return Ok(Arc::new(file));
        }
    }
    Err(failed("open", path, io::ErrorKind::ResourceBusy.into()))
}
