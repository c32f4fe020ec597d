//! Where the new contents of a file come from: read in pieces, never held as a whole.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use winkiln_verify::{Fingerprint, Fingerprinter};

use crate::BakeError;
use crate::step::Contents;

/// New contents of known length. A file of the host is opened once.
pub(crate) struct Source<'c> {
    bytes: Bytes<'c>,
    length: u64,
}

enum Bytes<'c> {
    Here(&'c [u8]),
    HostFile(&'c Path, File),
}

impl<'c> Source<'c> {
    pub(crate) fn open(contents: &'c Contents) -> Result<Self, BakeError> {
        match contents {
            Contents::Bytes(bytes) => {
                Ok(Self { bytes: Bytes::Here(bytes), length: bytes.len() as u64 })
            }
            Contents::HostFile(path) => {
                let (file, length) = open_host_file(path)?;
                Ok(Self { bytes: Bytes::HostFile(path, file), length })
            }
        }
    }

    /// Length in bytes, as it was when the source was opened.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Fills `buf` with the bytes from `offset`.
    pub(crate) fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), BakeError> {
        match &self.bytes {
            Bytes::Here(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let end = start.saturating_add(buf.len());
                buf.copy_from_slice(bytes.get(start..end).unwrap_or_default());
                Ok(())
            }
            Bytes::HostFile(path, file) => match file.read_exact_at(buf, offset) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    let found = file.metadata().map_or(offset, |facts| facts.len());
                    Err(self.changed(path, found))
                }
                result => result
                    .map_err(|source| BakeError::HostFile { path: path.to_path_buf(), source }),
            },
        }
    }

    /// All of it from the start, for a writer.
    pub(crate) fn reader(&self) -> SourceReader<'_> {
        SourceReader { source: self, done: 0, hasher: Fingerprinter::default(), failed: None }
    }

    /// Fails when the host's file has grown or shrunk since it was opened.
    fn check_length(&self) -> Result<(), BakeError> {
        let Bytes::HostFile(path, file) = &self.bytes else { return Ok(()) };
        let failed = |source| BakeError::HostFile { path: path.to_path_buf(), source };
        let found = file.metadata().map_err(failed)?.len();
        if found == self.length { Ok(()) } else { Err(self.changed(path, found)) }
    }

    fn changed(&self, path: &Path, found: u64) -> BakeError {
        BakeError::HostFileChanged { path: path.to_path_buf(), expected: self.length, found }
    }
}

/// Reads a source from its start and takes the fingerprint of what it gave.
pub(crate) struct SourceReader<'s> {
    source: &'s Source<'s>,
    done: u64,
    hasher: Fingerprinter,
    failed: Option<BakeError>,
}

impl SourceReader<'_> {
    /// Why a read failed, in the source's own terms.
    pub(crate) fn failure(&mut self) -> Option<BakeError> {
        self.failed.take()
    }

    /// The fingerprint of everything, once it was all read.
    pub(crate) fn finish(self) -> Result<Fingerprint, BakeError> {
        self.source.check_length()?;
        Ok(self.hasher.finish())
    }
}

impl Read for SourceReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.source.length - self.done).unwrap_or(usize::MAX);
        let length = left.min(buf.len());
        let part = &mut buf[..length];
        if let Err(error) = self.source.read_at(self.done, part) {
            self.failed = Some(error);
            return Err(io::Error::other("the source failed"));
        }
        self.hasher.update(part);
        self.done += part.len() as u64;
        Ok(part.len())
    }
}

/// Opens a regular file of the host and tells its length.
fn open_host_file(path: &Path) -> Result<(File, u64), BakeError> {
    let failed = |source| BakeError::HostFile { path: path.to_owned(), source };
    let unfit = || BakeError::HostFileUnfit {
        path: path.to_owned(),
        reason: "it is not a regular file".to_owned(),
    };
    // Checked before opening, which would wait at a pipe.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(unfit());
    }
    let file = File::open(path).map_err(failed)?;
    let facts = file.metadata().map_err(failed)?;
    if facts.is_file() { Ok((file, facts.len())) } else { Err(unfit()) }
}

/// Reads a regular file of the host of at most `limit` bytes.
///
/// # Errors
/// When it cannot be read, is not a regular file, or is longer.
pub fn read_host_file(
    path: &Path,
    limit: u64,
    limit_text: &'static str,
) -> Result<Vec<u8>, BakeError> {
    let (file, _) = open_host_file(path)?;
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| BakeError::HostFile { path: path.to_owned(), source })?;
    if bytes.len() as u64 > limit {
        return Err(BakeError::TooMuch { what: path.display().to_string(), limit: limit_text });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::Source;
    use crate::BakeError;
    use crate::step::Contents;
    use std::io::{Read as _, Write as _};
    use winkiln_verify::Fingerprint;

    #[test]
    fn a_file_that_changes_its_length_meanwhile_is_an_error() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[7; 1000]).unwrap();
        let contents = Contents::HostFile(file.path().to_owned());

        let source = Source::open(&contents).unwrap();
        let mut reader = source.reader();
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        assert_eq!(reader.finish().unwrap(), Fingerprint::of(&[7; 1000]));

        let mut reader = source.reader();
        reader.read_exact(&mut [0; 500]).unwrap();
        file.as_file().set_len(700).unwrap();
        assert!(reader.read_exact(&mut [0; 500]).is_err());
        let error = reader.failure();
        assert!(
            matches!(error, Some(BakeError::HostFileChanged { expected: 1000, found: 700, .. })),
            "{error:?}"
        );

        let source = Source::open(&contents).unwrap();
        let mut reader = source.reader();
        file.as_file().set_len(701).unwrap();
        reader.read_exact(&mut [0; 700]).unwrap();
        let error = reader.finish();
        assert!(
            matches!(error, Err(BakeError::HostFileChanged { expected: 700, found: 701, .. })),
            "{error:?}"
        );
    }
}
