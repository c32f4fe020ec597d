//! A regular file or block device.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, OFlag, PosixFadviseAdvice, fallocate, posix_fadvise};
use nix::sys::uio::pwritev;
use nix::unistd::{Whence, lseek};

use super::{HostFile, lock, write_zeros};

/// An open regular file or block device.
#[derive(Debug)]
pub(crate) struct DiskFile {
    file: File,
    /// The size of a block device, which never changes; `None` for a regular file.
    device_size: Option<u64>,
    /// Device and inode numbers.
    identity: (u64, u64),
    /// The file took less room than its length when it was opened. In one that did not, a hole is room set aside in advance,
    /// which must not be given away.
    sparse: bool,
}

/// Why a file cannot be an image.
#[derive(Debug)]
pub(crate) enum OpenFailure {
    Io(io::Error),
    /// Neither a regular file nor a block device; says what it is.
    Kind(&'static str),
    /// A block device that the system itself uses: mounted, or part of another device.
    Busy,
}

impl DiskFile {
    /// Opens an existing file or block device. A block device is opened for writing only when nothing else claims it.
    pub(crate) fn open(path: &Path, writable: bool) -> Result<Self, OpenFailure> {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(path).map_err(OpenFailure::Io)?;
        let kind = metadata.file_type();
        if writable && kind.is_file() && metadata.permissions().readonly() {
            // The system lets root write all the same; whoever marked the file meant it.
            let text = "the file is marked read-only (no write permission for anybody)";
            return Err(OpenFailure::Io(io::Error::new(io::ErrorKind::PermissionDenied, text)));
        }
        let exclusive = writable && kind.is_block_device();
        let mut flags = OFlag::O_NONBLOCK;
        if exclusive {
            flags |= OFlag::O_EXCL;
        }
        if !kind.is_file() && !kind.is_block_device() {
            return Err(OpenFailure::Kind(kind_name(kind)));
        }
        let opened =
            OpenOptions::new().read(true).write(writable).custom_flags(flags.bits()).open(path);
        let mut file = opened.map_err(|error| match error.kind() {
            io::ErrorKind::ResourceBusy if exclusive => OpenFailure::Busy,
            _ => OpenFailure::Io(error),
        })?;
        let metadata = file.metadata().map_err(OpenFailure::Io)?;
        let kind = metadata.file_type();
        let device_size = if kind.is_block_device() {
            Some(file.seek(SeekFrom::End(0)).map_err(OpenFailure::Io)?)
        } else if kind.is_file() {
            None
        } else {
            return Err(OpenFailure::Kind(kind_name(kind)));
        };
        let sparse = device_size.is_none() && metadata.blocks() * 512 < metadata.len();
        Ok(Self { file, device_size, identity: (metadata.dev(), metadata.ino()), sparse })
    }

    /// Wraps a journal file that was just created or opened.
    pub(super) fn regular(file: File) -> Self {
        Self { file, device_size: None, identity: (0, 0), sparse: false }
    }

    pub(crate) fn is_block_device(&self) -> bool {
        self.device_size.is_some()
    }

    pub(crate) fn identity(&self) -> (u64, u64) {
        self.identity
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for DiskFile {
    fn drop(&mut self) {
        lock::release(&self.file);
    }
}

impl HostFile for DiskFile {
    fn len(&self) -> io::Result<u64> {
        match self.device_size {
            Some(size) => Ok(size),
            None => Ok(self.file.metadata()?.len()),
        }
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<usize> {
        self.file.write_at(data, offset)
    }

    fn write_parts_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let at = i64::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
        Ok(pwritev(&self.file, parts, at)?)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        match self.device_size {
            Some(size) if size == length => Ok(()),
            Some(_) => {
                Err(io::Error::new(io::ErrorKind::Unsupported, "a block device has a fixed size"))
            }
            None => self.file.set_len(length),
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn modified(&self) -> io::Result<Option<(i64, u32)>> {
        use std::os::unix::fs::MetadataExt;
        if self.device_size.is_some() {
            return Ok(None);
        }
        let facts = self.file.metadata()?;
        Ok(Some((facts.mtime(), u32::try_from(facts.mtime_nsec()).unwrap_or(0))))
    }

    fn start_writing(&self, offset: u64, length: u64) {
        if let (Ok(offset), Ok(length)) = (i64::try_from(offset), i64::try_from(length)) {
            // Linux starts to write dirty pages that are declared unneeded, and keeps them meanwhile. No more than a hint.
            let _ =
                posix_fadvise(&self.file, offset, length, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
        }
    }

    fn hole_end(&self, offset: u64) -> io::Result<u64> {
        if !self.sparse {
            return Ok(offset);
        }
        let from = i64::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
        match lseek(&self.file, from, Whence::SeekData) {
            Ok(data) => Ok(u64::try_from(data).unwrap_or(offset)),
            // No data up to the end.
            Err(Errno::ENXIO) => Ok(self.len()?.max(offset)),
            Err(Errno::EINVAL) => Ok(offset),
            Err(error) => Err(error.into()),
        }
    }

    fn zero(&self, offset: u64, length: u64, hole: bool) -> io::Result<()> {
        let range = i64::try_from(offset).ok().zip(i64::try_from(length).ok());
        if let Some((offset, length)) = range
            && hole
        {
            let mode = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
            if fallocate(&self.file, mode, offset, length).is_ok() {
                return Ok(());
            }
        }
        write_zeros(self, offset, length)
    }
}

fn kind_name(kind: std::fs::FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_char_device() {
        "a character device"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a special file"
    }
}
