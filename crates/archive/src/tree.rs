//! The tree of files that an archive holds.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::contents::{Contents, Reader};
use crate::error::{Error, Format};
use crate::limits::Limits;
use crate::list::List;
use crate::name::{self, Reason};
use crate::source::{FileSource, Reading, Source};
use crate::{cabinet, folder, gzip, iso, msi, tar, udf, zip};

/// What an entry is. Links are what they lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A file.
    File,
}

/// A file or folder of a tree.
#[derive(Debug)]
pub struct Entry {
    pub(crate) path: String,
    pub(crate) folded: String,
    pub(crate) kind: EntryKind,
    pub(crate) size: u64,
    pub(crate) contents: Option<Contents>,
}

impl Entry {
    /// Its path from the root, with `/` between the names and none in front.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its last name.
    pub fn name(&self) -> &str {
        self.path.rsplit_once('/').map_or(&self.path, |(_, name)| name)
    }

    /// What it is.
    pub fn kind(&self) -> EntryKind {
        self.kind
    }

    /// True for a file.
    pub fn is_file(&self) -> bool {
        self.kind == EntryKind::File
    }

    /// Size in bytes; 0 for a folder.
    pub fn size(&self) -> u64 {
        self.size
    }
}

/// Something in the archive that the tree does not have, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its path as the archive has it.
    pub path: String,
    /// Why it is not in the tree.
    pub reason: Reason,
}

/// A folder, an ISO, a zip, ... as one tree of files.
///
/// Only what lies below the root is in it, under names that Windows would take; see [`Tree::left_out`] for the rest.
/// Archives inside it are files like others.
#[derive(Debug)]
pub struct Tree {
    format: Format,
    entries: Vec<Entry>,
    left_out: Vec<LeftOut>,
}

impl Tree {
    /// Opens a folder or an archive, whose contents decide what it is. Of an MSI, cabinets and files beside it are read too.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::UnknownFormat`], and what the format's structures or the default [`Limits`] are broken by.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(path, Limits::default())
    }

    /// Opens a folder or an archive within other limits.
    ///
    /// # Errors
    /// As [`Tree::open`].
    pub fn open_with(path: impl AsRef<Path>, limits: Limits) -> Result<Self, Error> {
        let path = path.as_ref();
        let open = |source| Error::Open { path: path.to_owned(), source };
        if std::fs::metadata(path).map_err(open)?.is_dir() {
            return Self::finish(Format::Folder, folder::list(path, limits)?);
        }
        Self::read_any(Arc::new(FileSource::open(path).map_err(open)?), Some(path), limits)
    }

    /// Reads an archive from a source. An MSI then has what is in it alone: nothing lies beside it.
    ///
    /// # Errors
    /// As [`Tree::open`].
    pub fn read_from(source: Arc<dyn Source>, limits: Limits) -> Result<Self, Error> {
        Self::read_any(source, None, limits)
    }

    fn read_any(
        source: Arc<dyn Source>,
        place: Option<&Path>,
        limits: Limits,
    ) -> Result<Self, Error> {
        let reading = |format| Reading { source: Arc::clone(&source), format };
        if udf::is_udf(&reading(Format::Udf))? {
            return Self::finish(Format::Udf, udf::list(&reading(Format::Udf), limits)?);
        }
        if iso::is_iso(&reading(Format::Iso))? {
            return Self::finish(Format::Iso, iso::list(&reading(Format::Iso), limits)?);
        }
        let whole = reading(Format::Zip);
        let head = whole.bytes("start", 0, usize::try_from(whole.len().min(512)).unwrap_or(512))?;
        if msi::is_msi(&head) {
            return Self::finish(Format::Msi, msi::list(&reading(Format::Msi), place, limits)?);
        }
        if zip::is_zip(&whole, &head)? {
            return Self::finish(Format::Zip, zip::list(&whole, limits)?);
        }
        if cabinet::is_cabinet(&head) {
            return Self::finish(
                Format::Cabinet,
                cabinet::list(&reading(Format::Cabinet), limits)?,
            );
        }
        if gzip::is_gzip(&head) {
            let unpacked = gzip::unpack(&reading(Format::TarGz), limits)?;
            let unpacked = Reading { source: Arc::new(unpacked), format: Format::TarGz };
            let length = usize::try_from(unpacked.len().min(512)).unwrap_or(512);
            if !tar::is_tar(&unpacked.bytes("start", 0, length)?) {
                let what = "a gzip of anything but a tar";
                return Err(Error::Unsupported { format: Format::TarGz, what });
            }
            return Self::finish(Format::TarGz, tar::list(&unpacked, limits)?);
        }
        if tar::is_tar(&head) {
            return Self::finish(Format::Tar, tar::list(&reading(Format::Tar), limits)?);
        }
        let mut start = [0; 8];
        let length = head.len().min(8);
        start[..length].copy_from_slice(&head[..length]);
        Err(Error::UnknownFormat { start, size: source.len() })
    }

    fn finish(format: Format, list: List) -> Result<Self, Error> {
        let (entries, left_out) = list.finish()?;
        Ok(Self { format, entries, left_out })
    }

    /// What the tree was read from.
    pub fn format(&self) -> Format {
        self.format
    }

    /// All files and folders but the root, sorted by path without regard to case.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What the archive has and the tree has not.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Finds a file or folder. `\` parts names as `/` does; case matters only where two names differ in nothing else.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Ambiguous`].
    pub fn entry(&self, path: &str) -> Result<&Entry, Error> {
        let missing = || Error::NotFound { format: self.format, path: path.to_owned() };
        let clean = name::path(path, &['/', '\\']).map_err(|_| missing())?;
        let folded = name::folded(&clean);
        let from = self.entries.partition_point(|entry| entry.folded < folded);
        let same: Vec<_> =
            self.entries[from..].iter().take_while(|entry| entry.folded == folded).collect();
        match same[..] {
            [] => Err(missing()),
            [one] => Ok(one),
            [first, second, ..] => {
                same.iter().copied().find(|entry| entry.path == clean).ok_or_else(|| {
                    Error::Ambiguous {
                        path: path.to_owned(),
                        first: first.path.clone(),
                        second: second.path.clone(),
                    }
                })
            }
        }
    }

    /// Opens a file for reading from its start to its end.
    ///
    /// A read that fails gives an [`std::io::Error`] around an [`Error`] of this crate.
    ///
    /// # Errors
    /// As [`Tree::entry`], [`Error::IsFolder`], and what opening the contents breaks on.
    pub fn reader(&self, path: &str) -> Result<Reader, Error> {
        let entry = self.entry(path)?;
        let Some(contents) = &entry.contents else {
            return Err(Error::IsFolder { path: entry.path.clone() });
        };
        contents.reader(entry.size)
    }

    /// Reads a whole file of at most `limit` bytes.
    ///
    /// # Errors
    /// As [`Tree::reader`], and [`Error::FileTooLarge`].
    pub fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, Error> {
        let entry = self.entry(path)?;
        if entry.size > limit {
            return Err(Error::FileTooLarge {
                path: entry.path.clone(),
                size: entry.size,
                max: limit,
            });
        }
        let mut bytes = Vec::new();
        self.reader(path)?.read_to_end(&mut bytes).map_err(|e| Contents::error(e, entry.size))?;
        Ok(bytes)
    }
}
