//! Opening an image: probe, gate, lock.

mod backend;
mod chain;
mod error;
mod journal;
mod overlap;
mod probe;
mod qcow2_header;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use backend::{BLOCK, Backend, Plan};
pub use error::ImageError;
pub use probe::KnownFormat;
pub use qcow2_header::Qcow2Error;

use crate::host::HostFile;
use crate::host::disk_file::DiskFile;
use crate::host::folder::JournalPlace;
use chain::Chain;

/// The container format of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// The guest's bytes as they are: a file or a block device.
    Raw,
    /// QEMU copy-on-write, version 2 or 3.
    Qcow2,
}

/// How to open an image.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// The format; probed when `None`. A probed qcow2 may only name files in its own folder.
    pub format: Option<Format>,
    /// Opens for writing: takes the write lock and finishes or discards an interrupted commit.
    pub writable: bool,
    /// Backing and data files that the image may name although they lie outside its folder. A folder allows all below it.
    pub allow_backing: Vec<PathBuf>,
    /// The folder that holds the journal; the image's own when `None`.
    ///
    /// A block device opened for writing needs one, on a file system that outlives the system's restart, and must be
    /// given the same one after an interrupted commit.
    pub journal_dir: Option<PathBuf>,
}

/// What opening did about an interrupted commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// A complete journal was found: its pages were written (or, read-only, are looked through).
    Finished,
    /// An incomplete journal was found: nothing of it had reached the image, and it was removed (or, read-only, ignored).
    Discarded,
}

/// An open, locked image.
#[derive(Debug)]
pub struct Image {
    path: PathBuf,
    format: Format,
    writable: bool,
    recovery: Option<Recovery>,
    pub(crate) backend: Backend,
    /// The image file itself, and where its journal goes. `None` when open for reading only.
    pub(crate) target: Option<Target>,
    /// Keeps the locks on the image and everything below it.
    _files: Vec<Arc<DiskFile>>,
}

/// What a commit writes to.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) file: Arc<dyn HostFile>,
    pub(crate) place: JournalPlace,
}

impl Image {
    /// Opens and locks the image at `path`.
    ///
    /// Nothing is written, unless a journal is found and the image is opened for writing.
    ///
    /// # Errors
    /// See [`ImageError`].
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Self, ImageError> {
        let mut chain = Chain::new(path, options)?;
        let disk_file = chain.open_file(path, options.writable)?;
        let place = journal::place(path, options, disk_file.is_block_device())?;
        let file: Arc<dyn HostFile> = disk_file;
        let (view, recovery, target) = if options.writable {
            let place = place.ok_or_else(|| ImageError::JournalFolder { path: path.to_owned() })?;
            let recovery = journal::recover(&place, &*file)?;
            (Arc::clone(&file), recovery, Some(Target { file, place }))
        } else {
            let (view, recovery) = journal::read_through(place.as_ref(), file)?;
            (view, recovery, None)
        };
        let (format, backend) = chain.open_top(path, view, options.writable)?;
        Ok(Self {
            path: path.to_owned(),
            format,
            writable: options.writable,
            recovery,
            backend,
            target,
            _files: chain.into_files(),
        })
    }

    /// The path as given to [`Image::open`].
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The container format.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Bytes of the disk that the guest sees.
    #[must_use]
    pub fn virtual_size(&self) -> u64 {
        self.backend.size()
    }

    /// True when a transaction over the image can be committed.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// What was done about an interrupted commit, if there was one.
    #[must_use]
    pub fn recovery(&self) -> Option<Recovery> {
        self.recovery
    }
}
