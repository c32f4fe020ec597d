//! An undo file's header, and the part of the file behind it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crc::{CRC_64_XZ, Crc, Table};

use super::{UndoError, UndoFile};
use crate::host::folder::JournalPlace;
use crate::host::{HostFile, read_padded, write_counted};
use crate::journal::{self, Decoded};

const MAGIC: &[u8; 8] = b"WKUNDO\r\n";
const VERSION: u32 = 1;
/// Where the journal begins.
const JOURNAL_AT: u64 = 8192;
/// A sector of its own, written when the commit is done.
const DATE_AT: usize = 7680;
const SUM_AT: usize = DATE_AT - 8;
const PATH_AT: usize = 16;
static CRC: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_XZ);

/// The date of a file's last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Modified {
    seconds: i64,
    nanoseconds: u32,
}

impl From<(i64, u32)> for Modified {
    fn from((seconds, nanoseconds): (i64, u32)) -> Self {
        Self { seconds, nanoseconds }
    }
}

/// The header of an undo file for the image at `path`, its date not known yet.
pub(crate) fn header(path: &Path) -> io::Result<Vec<u8>> {
    let path = path.as_os_str().as_bytes();
    if path.len() > SUM_AT - PATH_AT {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the image's path is too long"));
    }
    let mut bytes = vec![0; JOURNAL_AT as usize];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..16].copy_from_slice(&(path.len() as u32).to_le_bytes());
    bytes[PATH_AT..PATH_AT + path.len()].copy_from_slice(path);
    let sum = CRC.checksum(&bytes[..SUM_AT]);
    bytes[SUM_AT..DATE_AT].copy_from_slice(&sum.to_le_bytes());
    Ok(bytes)
}

/// Writes the date into the header of an undo file, durably.
pub(super) fn write_date(file: &dyn HostFile, date: Modified) -> io::Result<()> {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&date.seconds.to_le_bytes());
    bytes[8..12].copy_from_slice(&date.nanoseconds.to_le_bytes());
    let sum = CRC.checksum(&bytes[..16]);
    bytes[16..].copy_from_slice(&sum.to_le_bytes());
    write_counted(file, DATE_AT as u64, &bytes, &mut 0)?;
    file.sync_data()
}

/// Opens and reads an undo file.
pub(super) fn read(path: &Path) -> Result<UndoFile, UndoError> {
    let failed = |source| UndoError::Io { action: "read", path: path.to_owned(), source };
    let full = std::path::absolute(path).map_err(failed)?;
    let (Some(folder), Some(name)) = (full.parent(), full.file_name()) else {
        return Err(UndoError::NotUndo { path: path.to_owned() });
    };
    let place = JournalPlace::new(folder, name.to_owned());
    read_in(&place, path)
}

/// Reads the undo file in a place.
pub(super) fn read_in(place: &JournalPlace, path: &Path) -> Result<UndoFile, UndoError> {
    let failed = |source| UndoError::Io { action: "read", path: path.to_owned(), source };
    let file = place.folder.open(&place.name, false).map_err(failed)?;
    let file = file.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
    let mut head = vec![0; JOURNAL_AT as usize];
    read_padded(&*file, 0, &mut head).map_err(failed)?;
    if !head.starts_with(MAGIC) {
        return Err(UndoError::NotUndo { path: path.to_owned() });
    }
    let incomplete = || UndoError::Incomplete { path: path.to_owned() };
    if head[SUM_AT..DATE_AT] != CRC.checksum(&head[..SUM_AT]).to_le_bytes() {
        return Err(incomplete());
    }
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let version = word(8);
    if version != VERSION {
        return Err(UndoError::Version { path: path.to_owned(), version });
    }
    let name = head.get(PATH_AT..SUM_AT).and_then(|rest| rest.get(..word(12) as usize));
    let image = PathBuf::from(OsString::from_vec(name.ok_or_else(incomplete)?.to_vec()));
    let date = &head[DATE_AT..DATE_AT + 24];
    let known = date[16..] == CRC.checksum(&date[..16]).to_le_bytes();
    let modified = known.then(|| {
        let seconds = date[..8].iter().rev().fold(0, |sum, byte| sum << 8 | i64::from(*byte));
        Modified { seconds, nanoseconds: word(DATE_AT + 8) }
    });
    let part: Arc<dyn HostFile> = Arc::new(Part(file));
    match journal::read(Arc::clone(&part)).map_err(failed)? {
        Decoded::Complete(journal) => Ok(UndoFile { image, modified, part, journal }),
        Decoded::Version(version) => Err(UndoError::Version { path: path.to_owned(), version }),
        Decoded::Incomplete(_) | Decoded::Foreign => Err(incomplete()),
    }
}

/// A file without the header of an undo file.
#[derive(Debug)]
struct Part(Arc<dyn HostFile>);

impl HostFile for Part {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len()?.saturating_sub(JOURNAL_AT))
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset + JOURNAL_AT, buf)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<usize> {
        self.0.write_at(offset + JOURNAL_AT, data)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length + JOURNAL_AT)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// A folder in which every file that is created begins with a header, which the rest of the program does not see.
#[derive(Debug)]
pub(super) struct Headed {
    pub(super) below: Box<dyn crate::host::folder::Folder>,
    pub(super) header: Vec<u8>,
}

impl crate::host::folder::Folder for Headed {
    fn create(&self, name: &OsStr) -> io::Result<Arc<dyn HostFile>> {
        let file = self.below.create(name)?;
        if let Err(error) = write_counted(&*file, 0, &self.header, &mut 0) {
            let _ = self.below.remove(name);
            return Err(error);
        }
        Ok(Arc::new(Part(file)))
    }

    fn open(&self, name: &OsStr, writable: bool) -> io::Result<Option<Arc<dyn HostFile>>> {
        self.below.open(name, writable)
    }

    fn remove(&self, name: &OsStr) -> io::Result<()> {
        self.below.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.below.sync()
    }
}
