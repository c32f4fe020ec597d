//! The folder that holds a journal.

use std::ffi::{OsStr, OsString};
use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::OFlag;

use super::HostFile;
use super::disk_file::DiskFile;

/// A folder of the host. The second half of the seam at which tests cut the power.
pub(crate) trait Folder: Debug + Send + Sync {
    /// Creates a file that did not exist.
    fn create(&self, name: &OsStr) -> io::Result<Arc<dyn HostFile>>;

    /// Opens a regular file for reading and, if asked, writing; `None` when there is none.
    fn open(&self, name: &OsStr, writable: bool) -> io::Result<Option<Arc<dyn HostFile>>>;

    /// Removes a file.
    fn remove(&self, name: &OsStr) -> io::Result<()>;

    /// Returns when the folder's entries survive a power cut.
    fn sync(&self) -> io::Result<()>;
}

/// Where the journal of one image lies.
#[derive(Debug)]
pub(crate) struct JournalPlace {
    pub(crate) folder: Box<dyn Folder>,
    pub(crate) name: OsString,
    /// The journal's path, for messages.
    pub(crate) path: PathBuf,
}

impl JournalPlace {
    /// The journal with this name in a folder of the file system.
    pub(crate) fn new(folder: &Path, name: OsString) -> Self {
        let path = folder.join(&name);
        Self { folder: Box::new(DiskFolder(folder.to_owned())), name, path }
    }
}

/// Where a transaction that is never committed keeps what does not fit into memory: files without a name, gone with the
/// process.
#[derive(Debug)]
struct Nowhere;

impl JournalPlace {
    /// A place whose files nobody finds again.
    pub(crate) fn nowhere() -> Self {
        Self { folder: Box::new(Nowhere), name: OsString::new(), path: PathBuf::new() }
    }
}

impl Folder for Nowhere {
    fn create(&self, _: &OsStr) -> io::Result<Arc<dyn HostFile>> {
        // The usual folder for temporary files may be memory.
        let file = tempfile::tempfile_in("/var/tmp").or_else(|_| tempfile::tempfile())?;
        Ok(Arc::new(DiskFile::regular(file)))
    }

    fn open(&self, _: &OsStr, _: bool) -> io::Result<Option<Arc<dyn HostFile>>> {
        Ok(None)
    }

    fn remove(&self, _: &OsStr) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A folder of the file system.
#[derive(Debug)]
struct DiskFolder(PathBuf);

impl Folder for DiskFolder {
    fn create(&self, name: &OsStr) -> io::Result<Arc<dyn HostFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.0.join(name))?;
        Ok(Arc::new(DiskFile::regular(file)))
    }

    fn open(&self, name: &OsStr, writable: bool) -> io::Result<Option<Arc<dyn HostFile>>> {
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let mut options = OpenOptions::new();
        options.read(true).write(writable).custom_flags(flags.bits());
        let file = match options.open(self.0.join(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Some(Arc::new(DiskFile::regular(file))))
    }

    fn remove(&self, name: &OsStr) -> io::Result<()> {
        std::fs::remove_file(self.0.join(name))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}
