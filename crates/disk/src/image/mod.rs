//! Opening an image: probe, gate, lock.

mod backend;
mod chain;
mod container;
mod error;
#[doc(hidden)]
pub mod fuzz;
mod journal;
mod journaled_file;
mod layout;
mod new_top;
mod overlap;
mod probe;
pub(crate) mod qcow2;
mod qcow2_header;
mod refcounts;
mod served;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use crate::host::holder::Holders;
pub(crate) use backend::{BLOCK, Backend, GuestFile, Run};
pub use error::ImageError;
pub use journaled_file::JournaledFile;
pub use probe::KnownFormat;
pub use qcow2_header::Qcow2Error;

use crate::host::HostFile;
use crate::host::disk_file::DiskFile;
use crate::host::folder::JournalPlace;
use crate::interrupt::Interrupt;
use crate::nbd::Address;
use crate::overlay::Limits;
use crate::undo::Keep;
use chain::Chain;
pub(crate) use new_top::Unpublished;

/// The container format of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// The guest's bytes as they are: a file or a block device.
    Raw,
    /// QEMU copy-on-write, version 2 or 3.
    Qcow2,
    /// VMware; through `qemu-nbd`, as those that follow.
    Vmdk,
    /// Microsoft Virtual PC and Hyper-V, generation 1.
    Vhd,
    /// Hyper-V.
    Vhdx,
    /// VirtualBox.
    Vdi,
}

impl Format {
    /// The format's name, as `--format` takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vmdk => "vmdk",
            Self::Vhd => "vhd",
            Self::Vhdx => "vhdx",
            Self::Vdi => "vdi",
        }
    }
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
    /// A new file, in which the commit keeps what it overwrites ([`crate::UndoFile`]).
    pub undo: Option<PathBuf>,
    /// A new qcow2 that takes all that is written, with the image, which is opened for reading only, as its backing file. It
    /// has its name when [`crate::Transaction::publish`] gives it.
    pub overlay: Option<PathBuf>,
    /// The program that serves containers of other hypervisors; `qemu-nbd`, as it is found, when `None`.
    pub qemu_nbd: Option<PathBuf>,
    /// What the transaction over the image heeds.
    pub interrupt: Interrupt,
}

/// What opening did about an interrupted commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// A complete journal was found: its pages were written (or, read-only, are looked through).
    Finished,
    /// An incomplete journal was found: what had been written to free space was taken back (or, read-only, is hidden), and
    /// the image is as it was.
    Discarded,
}

/// An open, locked image.
#[derive(Debug)]
pub struct Image {
    path: PathBuf,
    format: Format,
    writable: bool,
    recovery: Option<Recovery>,
    pub(crate) backend: Arc<Backend>,
    /// Where the journal goes, for messages; empty when open for reading only.
    pub(crate) journal: PathBuf,
    /// The overlay that takes what is written.
    pub(crate) unpublished: Option<Unpublished>,
    pub(crate) interrupt: Interrupt,
    /// Keeps the locks on the image and everything below it.
    _files: Vec<Arc<DiskFile>>,
}

/// An image file, locked, whatever it holds.
#[derive(Debug)]
pub(crate) struct Opened {
    chain: Chain,
    /// The file; opened for reading only, as it is once its journal has been dealt with.
    pub(crate) view: Arc<dyn HostFile>,
    recovery: Option<Recovery>,
    /// Where the journal goes; `None` when opened for reading only.
    pub(crate) place: Option<JournalPlace>,
    /// Free space can be written to ahead of a commit.
    early: bool,
    /// The file holds the guest's bytes as they are, whatever they look like: the format they come from.
    served: Option<Format>,
}

/// Opens and locks an image file, and deals with its journal.
pub(crate) fn open_file(path: &Path, options: &OpenOptions) -> Result<Opened, ImageError> {
    if let Some(address) = Address::parse(path) {
        let wrong = |source| ImageError::Nbd { path: path.to_owned(), source };
        let address = address.map_err(wrong)?;
        let (file, place) = served::connect(path, &address, options)?;
        return Opened::of(path, Chain::of_server(options), file, place, Some(Format::Raw));
    }
    let mut chain = Chain::new(path, options)?;
    if let Some(format) = chain.container(path)? {
        let file = Arc::new(chain.serve(path, format)?);
        let place = journal::place(path, options, false)?;
        return Opened::of(path, chain, file, place, Some(format));
    }
    let disk_file = chain.open_file(path, options.writable)?;
    let place = journal::place(path, options, disk_file.is_block_device())?;
    let early = !disk_file.is_block_device();
    let opened = Opened::of(path, chain, disk_file, place, None)?;
    Ok(Opened { early, ..opened })
}

impl Opened {
    /// Deals with the journal of a file.
    fn of(
        path: &Path,
        chain: Chain,
        file: Arc<dyn HostFile>,
        place: Option<JournalPlace>,
        served: Option<Format>,
    ) -> Result<Self, ImageError> {
        let early = false;
        if !chain.is_writable() {
            let (view, recovery) = journal::read_through(place.as_ref(), file)?;
            return Ok(Self { chain, view, recovery, place: None, early, served });
        }
        let place = place.ok_or_else(|| ImageError::JournalFolder { path: path.to_owned() })?;
        let recovery = journal::recover(&place, &*file)?;
        Ok(Self { chain, view: file, recovery, place: Some(place), early, served })
    }
}

/// The undo file at `undo`, which must not be there yet, of the image at `path`.
fn keep(path: &Path, undo: &Path) -> Result<Keep, ImageError> {
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| ImageError::Io { action, path, source }
    };
    if undo.symlink_metadata().is_ok() {
        return Err(ImageError::UndoExists { path: undo.to_owned() });
    }
    let full = std::path::absolute(undo).map_err(failed("open", undo))?;
    let name = full.file_name().unwrap_or_default().to_owned();
    let mut place = JournalPlace::new(full.parent().unwrap_or(Path::new("/")), name);
    place.path = undo.to_owned();
    let image = match Address::parse(path) {
        Some(_) => path.to_owned(),
        None => path.canonicalize().map_err(failed("open", path))?,
    };
    Keep::new(place, &image).map_err(failed("name", path))
}

impl Image {
    /// Opens and locks the image at `path`.
    ///
    /// Nothing is written, unless a journal is found and the image is opened for writing.
    ///
    /// # Errors
    /// See [`ImageError`].
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Self, ImageError> {
        if let Some(out) = options.overlay.as_ref().filter(|_| options.writable) {
            return new_top::open(path, out, options);
        }
        let keep = match &options.undo {
            Some(undo) if options.writable => Some(keep(path, undo)?),
            _ => None,
        };
        Self::over_file(path, options, open_file(path, options)?, keep)
    }

    /// Opens an image file of a host of memory.
    #[cfg(any(test, feature = "simulated"))]
    pub(crate) fn open_simulated(
        path: &Path,
        options: &OpenOptions,
        file: Arc<dyn HostFile>,
        place: JournalPlace,
        keep: Option<Keep>,
    ) -> Result<Self, ImageError> {
        let opened = Opened::of(path, Chain::new(path, options)?, file, Some(place), None)?;
        let opened = Opened { early: true, ..opened };
        Self::over_file(path, options, opened, keep)
    }

    fn over_file(
        path: &Path,
        options: &OpenOptions,
        opened: Opened,
        keep: Option<Keep>,
    ) -> Result<Self, ImageError> {
        let Opened { mut chain, view, recovery, place, early, served } = opened;
        let mut journal = PathBuf::new();
        let limits = place.map(|place| {
            journal.clone_from(&place.path);
            Limits { undo: keep, ..Limits::new(place, early) }
        });
        let (format, backend) = chain.open_top(path, view, limits, served)?;
        Ok(Self {
            path: path.to_owned(),
            format,
            writable: options.writable,
            recovery,
            backend: Arc::new(backend),
            journal,
            unpublished: None,
            interrupt: options.interrupt.clone(),
            _files: chain.into_files(),
        })
    }

    /// An image that is open for writing, for tests of what is above it.
    #[cfg(test)]
    pub(crate) fn over(backend: Backend, format: Format) -> Self {
        Self {
            path: PathBuf::new(),
            format,
            writable: true,
            recovery: None,
            backend: Arc::new(backend),
            journal: PathBuf::new(),
            unpublished: None,
            interrupt: Interrupt::default(),
            _files: Vec::new(),
        }
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
