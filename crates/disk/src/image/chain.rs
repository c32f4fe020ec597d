//! Opening an image with everything it is based on.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use imago::qcow2::Qcow2;
use imago::raw::Raw;
use imago::{DenyImplicitOpenGate, FormatAccess, FormatDriverBuilder};

use super::backend::Backend;
use super::error::ImageError;
use super::probe::{KnownFormat, Probed, probe};
use super::qcow2::{Qcow2Disk, Reopen};
use super::qcow2_header::{HeaderFailure, Qcow2Header, read_header};
use super::{Format, OpenOptions, journal, refcounts};
use crate::host::HostFile;
use crate::host::disk_file::{DiskFile, OpenFailure};
use crate::host::lock::{self, Access, LockFailure};
use crate::overlay::{Limits, Overlay};

/// The longest chain of backing files that is followed.
const MAX_DEPTH: usize = 32;

/// Opens, locks and keeps track of the files of one chain.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(super) options: OpenOptions,
    /// The folder of the image that the user named, without symbolic links.
    home: PathBuf,
    /// The image that the user named.
    top: PathBuf,
    /// The user said what the image is, so what it names is the user's wish too.
    trusted: bool,
    /// Every file opened so far. They hold the locks.
    files: Vec<Arc<DiskFile>>,
    /// Files are looked up among those that are open, not opened.
    again: bool,
}

impl Chain {
    pub(crate) fn new(path: &Path, options: &OpenOptions) -> Result<Self, ImageError> {
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let home = parent.canonicalize().map_err(|source| failed("open", path, source))?;
        Ok(Self {
            options: options.clone(),
            home,
            top: path.to_owned(),
            trusted: options.format.is_some_and(|format| format != Format::Raw),
            files: Vec::new(),
            again: false,
        })
    }

    /// A chain of what a server gives, which names no file.
    pub(crate) fn of_server(options: &OpenOptions) -> Self {
        Self {
            options: options.clone(),
            home: PathBuf::new(),
            top: PathBuf::new(),
            trusted: false,
            files: Vec::new(),
            again: false,
        }
    }

    pub(super) fn is_writable(&self) -> bool {
        self.options.writable
    }

    /// A chain whose topmost image is new and stands on the one at `path`, which rules what may be opened.
    pub(crate) fn below(path: &Path, options: &OpenOptions) -> Result<Self, ImageError> {
        let mut chain = Self::new(path, options)?;
        chain.options.format = Some(Format::Qcow2);
        chain.options.allow_backing.push(path.to_owned());
        Ok(chain)
    }

    /// The same chain, to be opened once more: every file is the one that is already open and locked.
    fn again(&self) -> Self {
        Self {
            options: self.options.clone(),
            home: self.home.clone(),
            top: self.top.clone(),
            trusted: self.trusted,
            files: self.files.clone(),
            again: true,
        }
    }

    /// Opens and locks one file.
    pub(crate) fn open_file(
        &mut self,
        path: &Path,
        writable: bool,
    ) -> Result<Arc<DiskFile>, ImageError> {
        let file = open_disk_file(path, writable)?;
        let known = self.files.iter().find(|other| other.identity() == file.identity());
        if let Some(known) = known {
            if self.again {
                return Ok(Arc::clone(known));
            }
            return Err(ImageError::BackingLoop { path: path.to_owned() });
        }
        lock_disk_file(&file, path, writable)?;
        let file = Arc::new(file);
        self.files.push(Arc::clone(&file));
        Ok(file)
    }

    /// Builds the guest's view of the topmost image.
    pub(crate) fn open_top(
        &mut self,
        path: &Path,
        file: Arc<dyn HostFile>,
        limits: Option<Limits>,
        served: Option<Format>,
    ) -> Result<(Format, Backend), ImageError> {
        let format = match served.or(self.options.format) {
            Some(format) => format,
            None => self.probed(path, &*file)?,
        };
        match format {
            Format::Raw | Format::Vmdk | Format::Vhd | Format::Vhdx | Format::Vdi => {
                let read = |source| failed("read", path, source);
                let size = file.len().map_err(read)?;
                let name = path.display().to_string();
                let overlay = Overlay::new(file, name, limits).map_err(read)?;
                Ok((format, Backend::Raw { overlay, size }))
            }
            Format::Qcow2 => {
                let (access, overlay, cluster_bits) = self.open_qcow2(path, file, limits, 0)?;
                let reopen = self.reopener(path);
                let disk = Qcow2Disk::new(access, overlay, cluster_bits, reopen);
                Ok((Format::Qcow2, Backend::Qcow2(disk)))
            }
        }
    }

    /// Opens the topmost image once more, for reading.
    fn reopener(&self, path: &Path) -> Reopen {
        let (chain, path) = (self.again(), path.to_owned());
        Box::new(move |file| {
            let opened = chain.again().open_qcow2(&path, file, None, 0);
            opened.map(|(access, ..)| access).map_err(io::Error::other)
        })
    }

    /// Gives up the files, whose locks last as long as they do.
    pub(crate) fn into_files(self) -> Vec<Arc<DiskFile>> {
        self.files
    }

    /// The container format that a file looks like, if only QEMU's drivers open it.
    pub(super) fn probe_container(&self, path: &Path) -> Result<Option<Format>, ImageError> {
        let file = open_disk_file(path, false)?;
        let probed = probe(&file).map_err(|source| failed("read", path, source))?;
        Ok(match probed {
            Probed::Other(KnownFormat::Vmdk) => Some(Format::Vmdk),
            Probed::Other(KnownFormat::Vhd) => Some(Format::Vhd),
            Probed::Other(KnownFormat::Vhdx) => Some(Format::Vhdx),
            Probed::Other(KnownFormat::Vdi) => Some(Format::Vdi),
            Probed::Raw | Probed::Qcow2 | Probed::Other(_) => None,
        })
    }

    fn probed(&self, path: &Path, file: &dyn HostFile) -> Result<Format, ImageError> {
        match probe(file).map_err(|source| failed("read", path, source))? {
            Probed::Raw => Ok(Format::Raw),
            Probed::Qcow2 => Ok(Format::Qcow2),
            Probed::Other(found) => {
                Err(ImageError::UnsupportedFormat { path: path.to_owned(), found })
            }
        }
    }

    fn open_qcow2(
        &mut self,
        path: &Path,
        file: Arc<dyn HostFile>,
        limits: Option<Limits>,
        depth: usize,
    ) -> Result<(FormatAccess<Overlay>, Overlay, u32), ImageError> {
        let writable = limits.is_some();
        let refused = |failure| match failure {
            HeaderFailure::Io(source) => failed("read", path, source),
            HeaderFailure::Refused(source) => ImageError::Qcow2 { path: path.to_owned(), source },
        };
        let header = read_header(&*file, writable).map_err(refused)?;
        if writable {
            refcounts::check_tables(&*file).map_err(refused)?;
        }
        let backing = self.open_backing(path, &header, depth)?;
        let data_file = match &header.data_file {
            Some(name) => Some(self.open_data_file(path, name)?),
            None => None,
        };
        let driver = |source| ImageError::Driver { path: path.to_owned(), source };
        let overlay = Overlay::new(file, path.display().to_string(), limits).map_err(driver)?;
        let qcow2 = Qcow2::<Overlay>::builder(overlay.clone())
            .write(writable)
            .backing(backing)
            .data_file(data_file)
            .open(DenyImplicitOpenGate::default())
            .map_err(driver)?;
        Ok((FormatAccess::new(qcow2), overlay, header.cluster_bits))
    }

    fn open_backing(
        &mut self,
        path: &Path,
        header: &Qcow2Header,
        depth: usize,
    ) -> Result<Option<FormatAccess<Overlay>>, ImageError> {
        let Some(name) = &header.backing else { return Ok(None) };
        if depth >= MAX_DEPTH {
            return Err(ImageError::BackingDepth { path: self.top.clone(), limit: MAX_DEPTH });
        }
        let backing = self.resolve(path, name)?;
        let file = self.open_file(&backing, false)?;
        let file = journal::look_through(&backing, &self.options, file)?;
        let format = match header.backing_format.as_deref() {
            Some("raw") => Format::Raw,
            Some("qcow2") => Format::Qcow2,
            Some(other) => {
                let format = other.to_owned();
                return Err(ImageError::BackingFormat { path: path.to_owned(), format });
            }
            // As QEMU does. What a forged header could pull in is bounded by `resolve`.
            None => self.probed(&backing, &*file)?,
        };
        if format == Format::Qcow2 {
            return Ok(Some(self.open_qcow2(&backing, file, None, depth + 1)?.0));
        }
        let driver = |source| ImageError::Driver { path: backing.clone(), source };
        let overlay = Overlay::new(file, backing.display().to_string(), None).map_err(driver)?;
        let raw = Raw::builder(overlay).open(DenyImplicitOpenGate::default()).map_err(driver)?;
        Ok(Some(FormatAccess::new(raw)))
    }

    fn open_data_file(&mut self, path: &Path, name: &str) -> Result<Overlay, ImageError> {
        let data = self.resolve(path, name)?;
        let file = self.open_file(&data, false)?;
        Overlay::new(file, data.display().to_string(), None)
            .map_err(|source| ImageError::Driver { path: data, source })
    }

    /// The path of a file that an image names, if the image may name it.
    ///
    /// As in QEMU, a relative name counts from the folder of the image that holds it, as that image was named.
    pub(super) fn resolve(&self, path: &Path, name: &str) -> Result<PathBuf, ImageError> {
        let protocol = name.split('/').next().is_some_and(|first| first.contains(':'));
        if name.is_empty() || name.contains('\0') || protocol {
            return Err(ImageError::BackingName { path: path.to_owned(), name: name.to_owned() });
        }
        let named = path.parent().unwrap_or(Path::new("")).join(name);
        let real = named.canonicalize().map_err(|source| failed("open", &named, source));
        if self.trusted {
            return real.map(|_| named);
        }
        // Whether a forbidden file exists is not the image's business either.
        let outside = || ImageError::BackingOutside { path: path.to_owned(), names: named.clone() };
        let real = match real {
            Ok(real) => real,
            Err(error) => {
                let near = named.parent().and_then(|parent| parent.canonicalize().ok());
                let inside = near.is_some_and(|near| near.starts_with(&self.home));
                return Err(if inside { error } else { outside() });
            }
        };
        let allowed =
            self.options.allow_backing.iter().any(|allowed| {
                allowed.canonicalize().is_ok_and(|allowed| real.starts_with(&allowed))
            });
        if real.starts_with(&self.home) || allowed { Ok(named) } else { Err(outside()) }
    }
}

/// Opens the file or block device at `path`.
pub(super) fn open_disk_file(path: &Path, writable: bool) -> Result<DiskFile, ImageError> {
    DiskFile::open(path, writable).map_err(|failure| match failure {
        OpenFailure::Io(source) => failed("open", path, source),
        OpenFailure::Kind(found) => ImageError::NotAnImage { path: path.to_owned(), found },
        OpenFailure::Busy => ImageError::DeviceBusy { path: path.to_owned() },
    })
}

/// Takes the locks on a file that was opened at `path`; where there are none, [`ImageError::Io`].
pub(super) fn lock_disk_file(
    file: &DiskFile,
    path: &Path,
    writable: bool,
) -> Result<(), ImageError> {
    let access = if writable { Access::WRITE } else { Access::READ };
    lock::acquire(file.file(), access).map_err(|failure| match failure {
        LockFailure::Io(source) => failed("lock", path, source),
        LockFailure::Held(permission) => ImageError::in_use(path, permission.name()),
    })
}

/// An operating system failure about one file.
pub(super) fn failed(action: &'static str, path: &Path, source: io::Error) -> ImageError {
    ImageError::Io { action, path: path.to_owned(), source }
}
