//! Where the contents of a file lie, and how they are read.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, Format};
use crate::inflate::Inflate;
use crate::source::{Reading, Source};
use crate::{cabinet, folder};

/// Bytes of a source, or as many zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Where they lie; `None` for zeros.
    pub offset: Option<u64>,
    pub length: u64,
}

/// Where the contents of a file lie.
#[derive(Clone)]
pub(crate) enum Contents {
    /// A file of the host below a folder, both without links.
    Host { root: Arc<PathBuf>, path: PathBuf },
    /// As they are, one extent after the other.
    Extents { reading: Reading, extents: Vec<Extent>, crc: Option<u32> },
    /// DEFLATE.
    Deflated { reading: Reading, offset: u64, packed: u64, crc: u32 },
    /// A local header of a zip, before the contents, decides where they begin.
    Zipped { reading: Reading, header: u64, packed: u64, crc: u32, deflated: bool },
    /// In a folder of a cabinet, once that is unpacked.
    InCabinet { folder: Arc<cabinet::Folder>, offset: u64 },
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { path, .. } => f.debug_tuple("Host").field(path).finish(),
            Self::Extents { extents, .. } => f.debug_tuple("Extents").field(extents).finish(),
            Self::Deflated { offset, .. } => f.debug_tuple("Deflated").field(offset).finish(),
            Self::Zipped { header, .. } => f.debug_tuple("Zipped").field(header).finish(),
            Self::InCabinet { offset, .. } => f.debug_tuple("InCabinet").field(offset).finish(),
        }
    }
}

impl Contents {
    pub fn reader(&self, size: u64) -> Result<Reader, Error> {
        let (kind, crc, format, at) = match self {
            Self::Host { root, path } => {
                let file = folder::open_inside(root, path, size)?;
                (Kind::Host(file), None, Format::Folder, 0)
            }
            Self::Extents { reading, extents, crc } => {
                let mut extents = extents.clone();
                extents.reverse();
                let at = extents.last().and_then(|extent| extent.offset).unwrap_or(0);
                let pieces = Pieces { source: Arc::clone(&reading.source), extents };
                (Kind::Pieces(pieces), *crc, reading.format, at)
            }
            Self::Deflated { reading, offset, packed, crc } => {
                let inflate = Inflate::new(reading.clone(), *offset, *packed);
                (Kind::Inflate(Box::new(inflate)), Some(*crc), reading.format, *offset)
            }
            Self::Zipped { reading, header, packed, crc, deflated } => {
                let offset = crate::zip::contents_at(reading, *header, *packed)?;
                let crc = *crc;
                let contents = if *deflated {
                    Self::Deflated { reading: reading.clone(), offset, packed: *packed, crc }
                } else {
                    let extents = vec![Extent { offset: Some(offset), length: *packed }];
                    Self::Extents { reading: reading.clone(), extents, crc: Some(crc) }
                };
                return contents.reader(size);
            }
            Self::InCabinet { folder, offset } => {
                let extents = vec![Extent { offset: Some(*offset), length: size }];
                let pieces = Pieces { source: folder.unpacked()?, extents };
                (Kind::Pieces(pieces), None, Format::Cabinet, *offset)
            }
        };
        let crc = crc.map(|expected| (crc32fast::Hasher::new(), expected));
        Ok(Reader { kind, left: size, crc, format, at })
    }

    /// What a read of this crate's readers failed with.
    pub fn error(error: io::Error, length: u64) -> Error {
        match error.downcast::<Error>() {
            Ok(error) => error,
            Err(source) => Error::Read { at: 0, length, source },
        }
    }
}

/// Reads one file of a tree, to the size that the archive tells, and checks it where the archive has a checksum.
pub struct Reader {
    kind: Kind,
    left: u64,
    crc: Option<(crc32fast::Hasher, u32)>,
    format: Format,
    at: u64,
}

enum Kind {
    Host(File),
    Pieces(Pieces),
    Inflate(Box<Inflate>),
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("format", &self.format).field("left", &self.left).finish()
    }
}

impl Reader {
    fn broken(&self, what: &'static str) -> io::Error {
        io::Error::other(Error::Contents { format: self.format, at: self.at, what })
    }

    fn checked(&mut self) -> io::Result<()> {
        let Some((hasher, expected)) = self.crc.take() else { return Ok(()) };
        if hasher.finalize() == expected {
            Ok(())
        } else {
            Err(self.broken("their CRC-32 is another one"))
        }
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            self.checked()?;
            return Ok(0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = &mut buffer[..most];
        if buffer.is_empty() {
            return Ok(0);
        }
        let length = match &mut self.kind {
            Kind::Host(file) => file.read(buffer)?,
            Kind::Pieces(pieces) => pieces.read(buffer)?,
            Kind::Inflate(inflate) => inflate.read(buffer)?,
        };
        if length == 0 {
            return Err(self.broken("they end before their size"));
        }
        self.left -= length as u64;
        if let Some((hasher, _)) = &mut self.crc {
            hasher.update(&buffer[..length]);
        }
        if self.left == 0 {
            self.checked()?;
        }
        Ok(length)
    }
}

struct Pieces {
    source: Arc<dyn Source>,
    /// Last first.
    extents: Vec<Extent>,
}

impl Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(extent) = self.extents.last_mut() {
            if extent.length == 0 {
                self.extents.pop();
                continue;
            }
            let length = usize::try_from(extent.length).unwrap_or(usize::MAX).min(buffer.len());
            let buffer = &mut buffer[..length];
            if let Some(offset) = &mut extent.offset {
                self.source.read_at(*offset, buffer)?;
                *offset += length as u64;
            } else {
                buffer.fill(0);
            }
            extent.length -= length as u64;
            return Ok(length);
        }
        Ok(0)
    }
}
