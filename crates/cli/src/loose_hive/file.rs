//! The file of a loose hive: read, changed in place through a journal, or replaced at once.

use std::ops::Range;
use std::path::{Path, PathBuf};

use winkiln_bake::Io;
use winkiln_disk::JournaledFile;

use super::replace::Successor;
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
    /// Where a commit keeps what it overwrites: only one in place does.
    keeps: bool,
}

impl HiveFile {
    /// Opens a hive's file for reading. A commit that was interrupted is looked through.
    pub(super) fn open(path: &Path) -> Result<Self> {
        Self::open_as(path, false, None)
    }

    /// Opens a hive's file for writing, unless it is a dry run. A commit that was interrupted is finished or discarded. What
    /// the next one overwrites is kept in `undo`.
    pub(super) fn open_to_edit(path: &Path, dry_run: bool, undo: Option<&Path>) -> Result<Self> {
        Self::open_as(path, !dry_run, undo)
    }

    fn open_as(path: &Path, writable: bool, undo: Option<&Path>) -> Result<Self> {
        let doing = || format!("cannot read {}", path.display());
        let facts = std::fs::metadata(path).map_err(|error| CliError::host(doing(), &error))?;
        if !facts.is_file() {
            return Err(CliError::failed(format!("{} is not a regular file", path.display())));
        }
        let file = JournaledFile::open(path, writable, undo).doing(doing)?;
        Ok(Self { path: path.to_owned(), file, keeps: undo.is_some() })
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

    /// Whether contents that differ in `ranges`, and are not shorter, go into a new file.
    pub(super) fn is_replaced_by(&self, ranges: &[Range<u64>]) -> bool {
        let changed: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        changed > IN_PLACE_MAX && !self.keeps
    }

    /// Writes these parts at their offsets, in place. What lies past the end makes the file longer.
    pub(super) fn write(self, parts: &[(u64, Vec<u8>)]) -> Result<Io> {
        let writes: Vec<(u64, &[u8])> =
            parts.iter().map(|(offset, part)| (*offset, part.as_slice())).collect();
        signals::be_waited_for();
        let report = self.file.commit(&writes);
        Ok(report.doing(|| format!("cannot write {}", self.path.display()))?.io.into())
    }

    /// Writes a new file with these contents beside it, durably; [`NewContents::publish`] puts it in its place.
    pub(super) fn new_contents(&self, bytes: &[u8]) -> Result<NewContents<'_>> {
        signals::be_waited_for();
        let successor = Successor::write(&self.path, bytes).map_err(|error| self.failed(&error))?;
        Ok(NewContents { of: self, successor, length: bytes.len() as u64 })
    }

    fn failed(&self, error: &std::io::Error) -> CliError {
        CliError::host(format!("cannot write {}", self.path.display()), error)
    }
}

/// New contents of a hive's file, in a file that goes when it is dropped.
pub(super) struct NewContents<'f> {
    of: &'f HiveFile,
    successor: Successor,
    length: u64,
}

impl NewContents<'_> {
    /// Puts the new file in the place of the old one.
    pub(super) fn publish(self) -> Result<Io> {
        signals::check()?;
        self.successor.publish().map_err(|error| self.of.failed(&error))?;
        Ok(Io { image_bytes_written: self.length, flushes: 2, ..Io::default() })
    }
}

/// The bytes of these ranges, with their offsets.
pub(super) fn parts(bytes: &[u8], ranges: &[Range<u64>]) -> Vec<(u64, Vec<u8>)> {
    let part = |range: &Range<u64>| {
        let within = usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?;
        Some((range.start, bytes.get(within)?.to_vec()))
    };
    ranges.iter().filter_map(part).collect()
}
