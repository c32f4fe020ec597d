//! Replacing a file at once: whoever looks sees the old contents or the new, also after a power cut.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::Path;

/// Puts `bytes` in the place of the file at `path`, which keeps its mode and owner. A symbolic link stays one.
///
/// # Errors
/// What the operating system said; the file is as it was.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let facts = fs::metadata(&path)?;
    if facts.permissions().readonly() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only"));
    }
    // Whoever may not write the file may not replace it either.
    File::options().write(true).open(&path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    // 1: a new file beside the old one.
    let mut file = tempfile::Builder::new().prefix(".winkiln-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    let own = file.as_file().metadata()?;
    if (own.uid(), own.gid()) != (facts.uid(), facts.gid()) {
        fchown(file.as_file(), Some(facts.uid()), Some(facts.gid()))?;
    }
    file.as_file().set_permissions(facts.permissions())?;
    // 2: durable before it takes the name, or the name could come to stand for half a file.
    file.as_file().sync_all()?;
    // 3: the name changes hands at once.
    file.persist(&path).map_err(|error| error.error)?;
    // 4: only now is it true that the edit happened.
    File::open(folder)?.sync_all()
}
