//! A folder of a cabinet: blocks of 32 KiB, packed one after the other.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::mszip::MsZip;
use crate::error::Error;
use crate::source::{Reading, Source, field};
use crate::spool::Filling;

/// Unpacked bytes of a block.
pub(super) const BLOCK: usize = 32768;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Stored,
    MsZip,
    /// With a window of so many bits.
    Lzx(u32),
    Other,
}

pub(crate) struct Folder {
    reading: Reading,
    first: u64,
    blocks: u16,
    reserve: u8,
    packing: Packing,
    /// Bytes that files lie in.
    size: AtomicU64,
    unpacked: Mutex<Option<Arc<dyn Source>>>,
}

impl Folder {
    pub(super) fn new(reading: &Reading, bytes: &[u8], reserve: u8) -> Self {
        let kind = field::u16(bytes, 6).unwrap_or(0);
        let packing = match kind & 15 {
            0 => Packing::Stored,
            1 => Packing::MsZip,
            3 if matches!(kind >> 8 & 31, 15..=21) => Packing::Lzx(u32::from(kind >> 8 & 31)),
            _ => Packing::Other,
        };
        Self {
            reading: reading.clone(),
            first: field::u32(bytes, 0).unwrap_or(0).into(),
            blocks: field::u16(bytes, 4).unwrap_or(0),
            reserve,
            packing,
            size: AtomicU64::new(0),
            unpacked: Mutex::new(None),
        }
    }

    pub(super) fn needs(&self, size: u64) {
        self.size.fetch_max(size, Ordering::Relaxed);
    }

    pub(super) fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    pub(super) fn is_supported(&self) -> bool {
        self.packing != Packing::Other
    }

    fn broken(&self, at: u64, what: &'static str) -> Error {
        Error::Contents { format: self.reading.format, at, what }
    }

    /// The unpacked bytes. Whoever asks first waits for the unpacking.
    pub fn unpacked(&self) -> Result<Arc<dyn Source>, Error> {
        let mut unpacked = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(unpacked) = &*unpacked {
            return Ok(Arc::clone(unpacked));
        }
        let source: Arc<dyn Source> = Arc::new(self.unpack()?.finish());
        *unpacked = Some(Arc::clone(&source));
        Ok(source)
    }

    fn unpack(&self) -> Result<Filling, Error> {
        let mut filling = Filling::new();
        let mut zip = MsZip::default();
        let mut lzx = match self.packing {
            Packing::Lzx(bits) => winkiln_lzx::Folder::new(bits),
            _ => None,
        };
        let mut at = self.first;
        let size = self.size();
        for _ in 0..self.blocks {
            if filling.length >= size {
                break;
            }
            let header = self.reading.bytes("CFDATA", at, 8)?;
            let u16 = |from| usize::from(field::u16(&header, from).unwrap_or(0));
            let (packed, unpacked) = (u16(4), u16(6));
            if unpacked > BLOCK {
                return Err(self.reading.damaged(
                    "CFDATA",
                    at,
                    unpacked as u64,
                    "at most 32768 bytes",
                ));
            }
            if unpacked == 0 {
                return Err(self.broken(at, "a block goes on in another cabinet"));
            }
            let reserve = self.reserve.into();
            let reserved = self.reading.bytes("CFDATA", at + 8, reserve)?;
            let data = self.reading.bytes("CFDATA", at + 8 + reserve as u64, packed)?;
            let stated = field::u32(&header, 0).unwrap_or(0);
            let found = checksum(&[&header[4..], &reserved].concat(), checksum(&data, 0));
            if stated != 0 && stated != found {
                return Err(self.broken(at, "a block has another checksum"));
            }
            let bytes = match self.packing {
                Packing::Stored if packed == unpacked => &data[..],
                Packing::MsZip => {
                    zip.unpack(&data, unpacked).map_err(|what| self.broken(at, what))?
                }
                Packing::Lzx(_) => match &mut lzx {
                    Some(lzx) => lzx.unpack(&data, unpacked).map_err(|e| self.broken(at, e.0))?,
                    None => return Err(self.broken(at, "a window of no size")),
                },
                _ => return Err(self.broken(at, "a stored block has two sizes")),
            };
            filling.push(bytes).map_err(|source| Error::Read {
                at,
                length: unpacked as u64,
                source,
            })?;
            at += (8 + reserve + packed) as u64;
        }
        if filling.length < size {
            return Err(self.broken(self.first, "the folder ends before its files"));
        }
        Ok(filling)
    }
}

/// The exclusive or of words; what is left over counts from its last byte.
fn checksum(bytes: &[u8], seed: u32) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let sum = words.iter().fold(seed, |sum, word| sum ^ u32::from_le_bytes(*word));
    sum ^ rest.iter().fold(0, |last, byte| last << 8 | u32::from(*byte))
}
