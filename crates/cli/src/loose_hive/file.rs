//! The file of a loose hive: read, changed in place through a journal, or replaced at once.

use std::ops::Range;
use std::path::{Path, PathBuf};

use winkiln_bake::Io;
use winkiln_disk::JournaledFile;

use super::replace;
use crate::error::{CliError, Doing as _, Result};
use crate::signals;

/// A hive is at most this long: what 32-bit cell offsets with their top bit reserved can reach.
pub(super) const HIVE_BYTES_MAX: u64 = 2 << 30;

/// Changed bytes up to which a hive is changed in place: the journal takes twice as many, and all is written once more.
const IN_PLACE_MAX: u64 = 1 << 20;

/// The file of a hive, locked as long as it is open.
#[derive(Debug)]
pub(super) struct HiveFile {
    path: PathBuf,
    file: JournaledFile,
}

impl HiveFile {
    /// Opens a hive's file. A commit that was interrupted is finished or discarded; for reading, it is looked through.
    pub(super) fn open(path: &Path, writable: bool) -> Result<Self> {
        let doing = || format!("cannot read {}", path.display());
        let facts = std::fs::metadata(path).map_err(|error| CliError::host(doing(), &error))?;
        if !facts.is_file() {
            return Err(CliError::failed(format!("{} is not a regular file", path.display())));
        }
        let file = JournaledFile::open(path, writable).doing(doing)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// All of it.
    pub(super) fn read(&self) -> Result<Vec<u8>> {
        let path = &self.path;
        let length = self.file.length();
        if length > HIVE_BYTES_MAX {
            return Err(CliError::refused(format!(
                "{} is longer than a registry hive can be",
                path.display()
            )));
        }
        let mut bytes = vec![0; length as usize];
        self.file
            .read_at(0, &mut bytes)
            .map_err(|error| CliError::host(format!("cannot read {}", path.display()), &error))?;
        Ok(bytes)
    }

    /// Makes `bytes` the contents of the file, which differs from them in `ranges` and beyond its end.
    pub(super) fn write(self, bytes: &[u8], ranges: &[Range<u64>]) -> Result<Io> {
        let length = bytes.len() as u64;
        let changed: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        if changed > IN_PLACE_MAX || length < self.file.length() {
            return self.replace(bytes);
        }
        let part = |range: &Range<u64>| {
            let range = usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?;
            bytes.get(range.clone()).map(|part| (range.start as u64, part))
        };
        let writes: Vec<(u64, &[u8])> = ranges.iter().filter_map(part).collect();
        let path = self.path;
        signals::be_waited_for();
        let report = self.file.commit(&writes);
        Ok(report.doing(|| format!("cannot write {}", path.display()))?.io.into())
    }

    /// Puts a new file with these contents in its place.
    pub(super) fn replace(self, bytes: &[u8]) -> Result<Io> {
        signals::be_waited_for();
        replace::replace(&self.path, bytes).map_err(|error| {
            CliError::host(format!("cannot write {}", self.path.display()), &error)
        })?;
        Ok(Io { image_bytes_written: bytes.len() as u64, flushes: 2, ..Io::default() })
    }
}
