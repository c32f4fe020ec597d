//! Bytes read by their offset: a file, memory, a part of another source.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Format};

/// Bytes that are read by their offset.
pub trait Source: Send + Sync {
    /// Size in bytes.
    fn len(&self) -> u64;

    /// True when there is no byte.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buffer` with the bytes from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` when the range passes the end; else what the medium says.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl Source for Vec<u8> {
    fn len(&self) -> u64 {
        self.as_slice().len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let bytes = usize::try_from(offset)
            .ok()
            .and_then(|from| self.get(from..)?.get(..buffer.len()))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

/// A file of the host.
#[derive(Debug)]
pub struct FileSource {
    file: Mutex<File>,
    length: u64,
}

impl FileSource {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::new(File::open(path)?)
    }

    pub(crate) fn new(mut file: File) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?; // of block devices too
        Ok(Self { file: Mutex::new(file), length })
    }
}

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(buffer)
    }
}

/// A source with the name of what is read from it, for structures: each read is checked against the end first.
#[derive(Clone)]
pub(crate) struct Reading {
    pub source: Arc<dyn Source>,
    pub format: Format,
}

impl Reading {
    pub fn len(&self) -> u64 {
        self.source.len()
    }

    /// The bytes of a structure. Nothing is allocated for a range that is not there.
    pub fn bytes(
        &self,
        structure: &'static str,
        offset: u64,
        length: usize,
    ) -> Result<Vec<u8>, Error> {
        let size = self.source.len();
        let end = offset.checked_add(length as u64);
        if end.is_none_or(|end| end > size) {
            let length = length as u64;
            return Err(Error::Truncated {
                format: self.format,
                structure,
                at: offset,
                length,
                size,
            });
        }
        let mut bytes = vec![0; length];
        self.source.read_at(offset, &mut bytes).map_err(|source| Error::Read {
            at: offset,
            length: length as u64,
            source,
        })?;
        Ok(bytes)
    }

    /// An error about a structure of this source.
    pub fn damaged(
        &self,
        structure: &'static str,
        at: u64,
        found: u64,
        expected: &'static str,
    ) -> Error {
        Error::Damaged { format: self.format, structure, at, found, expected }
    }
}

/// Little-endian and big-endian fields; `None` past the end.
pub(crate) mod field {
    pub fn u8(bytes: &[u8], at: usize) -> Option<u8> {
        bytes.get(at).copied()
    }

    pub fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
        bytes.get(at..)?.first_chunk().copied()
    }

    pub fn u16(bytes: &[u8], at: usize) -> Option<u16> {
        array(bytes, at).map(u16::from_le_bytes)
    }

    pub fn u32(bytes: &[u8], at: usize) -> Option<u32> {
        array(bytes, at).map(u32::from_le_bytes)
    }

    pub fn u64(bytes: &[u8], at: usize) -> Option<u64> {
        array(bytes, at).map(u64::from_le_bytes)
    }
}
