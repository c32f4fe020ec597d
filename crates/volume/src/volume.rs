//! An open volume with paths.
//!
//! Paths: `C:\Windows\x`, `\Windows\x`, `/Windows/x` and `Windows/x` are the same; case-insensitive; `file.txt:stream` names an
//! alternate data stream. `..` and `.` components are refused.

mod links;

use std::io::Read;
use std::sync::Arc;

use winkiln_disk::Device;

use crate::backend::{FatBackend, NtfsBackend};
use crate::error::VolumeError;
use crate::identify::{Filesystem, recognise};
use crate::metadata::{Entry, Metadata};
use crate::path::VolumePath;
use crate::read_ahead::{PIECE, Stopped, each_piece};

/// New files up to this length are made and filled in one step.
const SMALL: u64 = 64 << 10;

/// How to open a volume.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenOptions {
    /// Opens for writing; refused when the volume's state does not allow it.
    pub writable: bool,
    /// Opens for writing although the dirty flag is set. It stays set.
    pub allow_dirty: bool,
    /// The time to stamp on what is changed: 100 ns ticks since 1601-01-01 UTC.
    pub now: u64,
}

/// An open volume.
///
/// After an error of a changing operation the device below holds half of it and must be discarded.
#[derive(Debug)]
pub struct Volume {
    filesystem: Filesystem,
    backend: Backend,
}

#[derive(Debug)]
enum Backend {
    Ntfs(NtfsBackend),
    Fat(FatBackend),
}

/// Calls a method of whichever filesystem it is; both backends have the same ones.
macro_rules! on_backend {
    ($volume:expr, $method:ident($($argument:expr),*)) => {
        match &$volume.backend {
            Backend::Ntfs(backend) => backend.$method($($argument),*),
            Backend::Fat(backend) => backend.$method($($argument),*),
        }
    };
    (mut $volume:expr, $method:ident($($argument:expr),*)) => {
        match &mut $volume.backend {
            Backend::Ntfs(backend) => backend.$method($($argument),*),
            Backend::Fat(backend) => backend.$method($($argument),*),
        }
    };
}

impl Volume {
    /// Opens the volume `device` holds. For reading it may be in any state; see [`crate::identify()`].
    ///
    /// # Errors
    /// [`VolumeError::Unsupported`] for what is not NTFS or FAT; the filesystem's own when it is damaged, or not clean and
    /// opened for writing.
    pub fn open(device: Arc<dyn Device>, options: OpenOptions) -> Result<Self, VolumeError> {
        let filesystem = recognise(&*device)?;
        let backend = match filesystem {
            Filesystem::Ntfs => Backend::Ntfs(NtfsBackend::open(device, options)?),
            Filesystem::Fat12 | Filesystem::Fat16 | Filesystem::Fat32 => {
                Backend::Fat(FatBackend::open(device, options)?)
            }
            Filesystem::BitLocker => {
                return Err(unsupported(
                    filesystem,
                    "decrypt it in Windows first (manage-bde -off)",
                ));
            }
            Filesystem::ReFs => {
                return Err(unsupported(filesystem, "edit it from a running Windows"));
            }
            Filesystem::ExFat => {
                return Err(unsupported(filesystem, "mount it with the host's exFAT driver"));
            }
            Filesystem::Unknown => {
                return Err(unsupported(
                    filesystem,
                    "choose another volume; dynamic disks and volumes of other systems are not read",
                ));
            }
        };
        Ok(Self { filesystem, backend })
    }

    /// Its filesystem.
    #[must_use]
    pub fn filesystem(&self) -> Filesystem {
        self.filesystem
    }

    /// Facts of a path, `None` when it does not exist (or has no such stream).
    ///
    /// # Errors
    /// [`VolumeError::BadPath`]; the filesystem's own when it is damaged.
    pub fn metadata(&self, path: &str) -> Result<Option<Metadata>, VolumeError> {
        let path = VolumePath::parse(path)?;
        on_backend!(self, metadata(&path))
    }

    /// Entries of a folder in the volume's order.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`], [`VolumeError::NotADirectory`]; the filesystem's own when it is damaged.
    pub fn read_directory(&self, path: &str) -> Result<Vec<Entry>, VolumeError> {
        let path = VolumePath::parse(path)?;
        if path.stream.is_some() {
            return Err(VolumeError::NotADirectory { path: path.given });
        }
        on_backend!(self, read_directory(&path))
    }

    /// A whole file of at most `limit` bytes (a larger one is an error).
    ///
    /// # Errors
    /// [`VolumeError::TooLarge`], and as [`Volume::read_at`].
    pub fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, VolumeError> {
        let parsed = VolumePath::parse(path)?;
        let size = on_backend!(self, size(&parsed))?;
        let length = usize::try_from(size).ok().filter(|_| size <= limit);
        let Some(length) = length else {
            return Err(VolumeError::TooLarge { path: path.to_owned(), size, limit });
        };
        // Read in pieces: a length that damage made huge ends where the bytes do, not in an allocation.
        let mut contents = Vec::new();
        while contents.len() < length {
            let start = contents.len();
            contents.resize(start + (length - start).min(PIECE), 0);
            let done = on_backend!(self, read_at(&parsed, start as u64, &mut contents[start..]))?;
            if done == 0 {
                contents.truncate(start);
                break;
            }
            contents.truncate(start + done);
        }
        Ok(contents)
    }

    /// Part of a file; returns the bytes read, 0 at the end.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`], [`VolumeError::IsADirectory`], [`VolumeError::NoSuchStream`]; the filesystem's own.
    pub fn read_at(&self, path: &str, offset: u64, buf: &mut [u8]) -> Result<usize, VolumeError> {
        let path = VolumePath::parse(path)?;
        on_backend!(self, read_at(&path, offset, buf))
    }

    /// Creates a file or replaces its contents; attributes and security of an existing file stay.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`] when the folder does not exist, [`VolumeError::IsADirectory`]; the filesystem's own.
    pub fn write(&mut self, path: &str, contents: &[u8]) -> Result<(), VolumeError> {
        let mut source = contents;
        self.write_from(path, &mut source, contents.len() as u64)
    }

    /// As [`Volume::write`], from a reader of known length, in pieces. A long one is read by a thread of its own.
    ///
    /// # Errors
    /// As [`Volume::write`], and [`VolumeError::Source`] when the reader fails or ends early.
    pub fn write_from(
        &mut self,
        path: &str,
        source: &mut (dyn Read + Send),
        length: u64,
    ) -> Result<(), VolumeError> {
        let parsed = VolumePath::parse(path)?;
        let failed = |source| VolumeError::Source { path: path.to_owned(), source };
        if length <= PIECE as u64 {
            let mut contents = vec![0; length as usize];
            source.read_exact(&mut contents).map_err(failed)?;
            if length <= SMALL && self.create(&parsed, &contents)? {
                return Ok(());
            }
            on_backend!(mut self, prepare(&parsed, length))?;
            if length > 0 {
                on_backend!(mut self, write_at(&parsed, 0, &contents))?;
            }
            return Ok(());
        }
        // The whole length at once, so that the file lies in one run where there is one.
        on_backend!(mut self, prepare(&parsed, length))?;
        let write = |offset, piece: &[u8]| on_backend!(mut self, write_at(&parsed, offset, piece));
        each_piece(source, length, write).map_err(|stopped| match stopped {
            Stopped::Source(source) => failed(source),
            Stopped::User(error) => error,
        })
    }

    /// Makes a small file with the `length` bytes that `source` gives, where the filesystem can do so in one step. False, with nothing
    /// changed, where it cannot, or when the name is taken; the source may have been read then.
    ///
    /// # Errors
    /// As [`Volume::write_from`].
    pub fn create_from(
        &mut self,
        path: &str,
        source: &mut dyn Read,
        length: u64,
    ) -> Result<bool, VolumeError> {
        if length > SMALL || !matches!(self.backend, Backend::Ntfs(_)) {
            return Ok(false);
        }
        let mut contents = vec![0; length as usize];
        let failed = |source| VolumeError::Source { path: path.to_owned(), source };
        source.read_exact(&mut contents).map_err(failed)?;
        self.create(&VolumePath::parse(path)?, &contents)
    }

    /// Makes a file with its contents in one step, as [`Volume::create_from`] does.
    fn create(&mut self, path: &VolumePath, contents: &[u8]) -> Result<bool, VolumeError> {
        match &mut self.backend {
            Backend::Ntfs(backend) => backend.create(path, contents),
            Backend::Fat(_) => Ok(false),
        }
    }

    /// Writes inside an existing file, growing it when the range passes its end.
    ///
    /// # Errors
    /// As [`Volume::read_at`].
    pub fn write_at(&mut self, path: &str, offset: u64, data: &[u8]) -> Result<(), VolumeError> {
        let path = VolumePath::parse(path)?;
        on_backend!(mut self, write_at(&path, offset, data))
    }

    /// Cuts or grows a file (with zeros).
    ///
    /// # Errors
    /// As [`Volume::read_at`].
    pub fn set_size(&mut self, path: &str, size: u64) -> Result<(), VolumeError> {
        let path = VolumePath::parse(path)?;
        on_backend!(mut self, set_size(&path, size))
    }

    /// Creates a folder; its parent must exist. Fails when the name exists.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`], which names the first folder that is missing, [`VolumeError::AlreadyExists`]; the filesystem's own.
    pub fn create_directory(&mut self, path: &str) -> Result<(), VolumeError> {
        let path = plain(path)?;
        on_backend!(mut self, create_directory(&path))
    }

    /// Removes a file or an empty folder (or one alternate stream when the path names one).
    ///
    /// # Errors
    /// [`VolumeError::NotFound`], [`VolumeError::DirectoryNotEmpty`]; the filesystem's own.
    pub fn remove(&mut self, path: &str) -> Result<(), VolumeError> {
        let path = VolumePath::parse(path)?;
        on_backend!(mut self, remove(&path))
    }

    /// Renames or moves a file or folder within the volume; the folder of the new path must exist. With `replace` a file of the new
    /// name is removed first; a folder never is. Changing the case of letters alone is a rename too. NTFS alone.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`], [`VolumeError::AlreadyExists`], [`VolumeError::IsADirectory`] when a folder has the new name,
    /// [`VolumeError::BadPath`] for the root folder and for a folder that would go into itself, [`VolumeError::NoRenameOnFat`];
    /// the filesystem's own.
    pub fn rename(&mut self, from: &str, to: &str, replace: bool) -> Result<(), VolumeError> {
        let (from, to) = (plain(from)?, plain(to)?);
        on_backend!(mut self, rename(&from, &to, replace))
    }

    /// Sets the DOS attributes that users may set.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`]; the filesystem's own.
    pub fn set_attributes(&mut self, path: &str, attributes: u32) -> Result<(), VolumeError> {
        let path = plain(path)?;
        on_backend!(mut self, set_attributes(&path, attributes))
    }

    /// Writes everything cached to the device. Must be called before the transaction commits.
    ///
    /// # Errors
    /// The filesystem's own.
    pub fn flush(&mut self) -> Result<(), VolumeError> {
        on_backend!(mut self, flush())
    }
}

fn unsupported(filesystem: Filesystem, way_out: &'static str) -> VolumeError {
    VolumeError::Unsupported { filesystem, way_out }
}

/// A path that names a file or folder, not a stream.
fn plain(path: &str) -> Result<VolumePath, VolumeError> {
    let parsed = VolumePath::parse(path)?;
    match parsed.stream {
        None => Ok(parsed),
        Some(_) => Err(VolumeError::BadPath {
            path: path.to_owned(),
            reason: "a stream cannot be named here",
        }),
    }
}
