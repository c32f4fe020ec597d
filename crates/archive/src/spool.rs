//! Unpacked bytes that are read more than once: in memory while they are few, else in a file without a name.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

use tempfile::SpooledTempFile;

use crate::source::Source;

/// Bytes held in memory.
const MEMORY: usize = 32 << 20;

pub(crate) struct Spool {
    file: Mutex<SpooledTempFile>,
    length: u64,
}

/// A spool while it is filled.
pub(crate) struct Filling {
    file: SpooledTempFile,
    pub length: u64,
}

impl Filling {
    pub fn new() -> Self {
        Self { file: SpooledTempFile::new(MEMORY), length: 0 }
    }

    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.length += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    pub fn finish(self) -> Spool {
        Spool { file: Mutex::new(self.file), length: self.length }
    }
}

impl Source for Spool {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(buffer)
    }
}
