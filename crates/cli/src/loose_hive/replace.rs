//! Replacing a file at once: whoever looks sees the old contents or the new, also after a power cut.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file that is about to take the place of another, beside which it lies without its name. Dropped, it goes.
pub(super) struct Successor {
    file: NamedTempFile,
    path: PathBuf,
}

impl Successor {
    /// Writes `bytes`, for the place of the file at `path`, whose mode and owner they get, durably. A symbolic link stays one.
    ///
    /// # Errors
    /// What the operating system said; nothing is left.
    pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let path = fs::canonicalize(path)?;
        let facts = fs::metadata(&path)?;
        if facts.permissions().readonly() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only"));
        }
        // Whoever may not write the file may not replace it either.
        File::options().write(true).open(&path)?;
        // 1: a new file beside the old one.
        let mut file = tempfile::Builder::new().prefix(".winkiln-").tempfile_in(folder(&path))?;
        file.write_all(bytes)?;
        let own = file.as_file().metadata()?;
        if (own.uid(), own.gid()) != (facts.uid(), facts.gid()) {
            fchown(file.as_file(), Some(facts.uid()), Some(facts.gid()))?;
        }
        file.as_file().set_permissions(facts.permissions())?;
        // 2: durable before it takes the name, or the name could come to stand for half a file.
        file.as_file().sync_all()?;
        Ok(Self { file, path })
    }

    /// Takes the place.
    ///
    /// # Errors
    /// What the operating system said; the file is as it was.
    pub(super) fn publish(self) -> io::Result<()> {
        // 3: the name changes hands at once.
        self.file.persist(&self.path).map_err(|error| error.error)?;
        // 4: only now is it true that the edit happened.
        File::open(folder(&self.path))?.sync_all()
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}
