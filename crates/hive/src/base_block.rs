//! The base block: 4096 bytes before the first bin.
//!
//! Source: M. Suhanov, "Windows registry file format specification", "Base block".

use crate::error::HiveError;
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Length of the base block, bytes. Cell offsets count from here.
pub(crate) const BASE_BLOCK_SIZE: u32 = 4096;

/// Bins, and the sum of them, are multiples of this many bytes.
pub(crate) const PAGE: u32 = 4096;

/// The part of the base block that Windows covers by its checksum, bytes.
const CHECKED: usize = 508;

/// File type of a primary file; transaction logs have 1, 2 or 6.
const PRIMARY_FILE: u32 = 0;

/// The first fields of the base block.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct BaseBlock {
    /// `regf`
    pub(crate) signature: [u8; 4],
    /// Incremented when a write begins.
    pub(crate) primary_sequence: U32,
    /// Incremented when a write is complete; equal to the primary one in a clean hive.
    pub(crate) secondary_sequence: U32,
    /// Last write, 100 ns ticks since 1601-01-01 UTC.
    pub(crate) last_write: U64,
    /// Always 1.
    pub(crate) major: U32,
    /// 3 to 6; it decides about `lh` lists (5) and big data (4).
    pub(crate) minor: U32,
    /// 0 for a primary file.
    pub(crate) file_type: U32,
    /// 1: loaded into memory as it is.
    pub(crate) format: U32,
    /// Offset of the root key's node.
    pub(crate) root: U32,
    /// Length of all bins, bytes.
    pub(crate) length: U32,
    /// Sector size divided by 512.
    pub(crate) cluster: U32,
}

impl BaseBlock {
    /// Reads the base block and checks signature, checksum, type, version and length against the file.
    ///
    /// The sequence numbers are left to the caller.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, HiveError> {
        if !bytes.starts_with(b"regf") {
            return Err(HiveError::NotAHive { found: bytes.get(..4).unwrap_or(bytes).to_vec() });
        }
        let needed = u64::from(BASE_BLOCK_SIZE);
        let file = bytes.len() as u64;
        let Ok((block, _)) = Self::read_from_prefix(bytes) else {
            return Err(HiveError::TooShort { length: file, needed });
        };
        let (Some(found), Some(expected)) = (stored_checksum(bytes), checksum(bytes)) else {
            return Err(HiveError::TooShort { length: file, needed });
        };
        if found != expected {
            return Err(HiveError::Checksum { found, expected });
        }
        let (major, minor) = (block.major.get(), block.minor.get());
        if major != 1 || !(3..=6).contains(&minor) {
            return Err(HiveError::Version { major, minor });
        }
        if block.file_type.get() != PRIMARY_FILE {
            return Err(HiveError::FileType { found: block.file_type.get() });
        }
        if block.format.get() != 1 {
            return Err(HiveError::FileFormat { found: block.format.get() });
        }
        let length = block.length.get();
        if length == 0 || !length.is_multiple_of(PAGE) || needed + u64::from(length) > file {
            return Err(HiveError::Length { length, file });
        }
        Ok(block)
    }
}

/// Length of all bins as said, whatever else the base block says.
pub(crate) fn bins_length(bytes: &[u8]) -> Option<u32> {
    let length = BaseBlock::read_from_prefix(bytes).ok()?.0.length.get();
    length.is_multiple_of(PAGE).then_some(length)
}

/// The higher of the two sequence numbers.
pub(crate) fn highest_sequence(bytes: &[u8]) -> u32 {
    BaseBlock::read_from_prefix(bytes)
        .map_or(0, |(base, _)| base.primary_sequence.get().max(base.secondary_sequence.get()))
}

/// The checksum as stored; `None` if the file is too short to hold it.
pub(crate) fn stored_checksum(bytes: &[u8]) -> Option<u32> {
    let stored = bytes.get(CHECKED..)?.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*stored))
}

/// XOR of the first 127 words; 0 and 0xffffffff are replaced, since they stand for "no checksum".
pub(crate) fn checksum(bytes: &[u8]) -> Option<u32> {
    let checked = bytes.get(..CHECKED)?;
    let sum = checked
        .chunks_exact(4)
        .filter_map(|word| word.first_chunk::<4>())
        .fold(0, |sum, word| sum ^ u32::from_le_bytes(*word));
    Some(match sum {
        0 => 1,
        u32::MAX => u32::MAX - 1,
        sum => sum,
    })
}

/// Where the stored checksum lies in the file.
pub(crate) const CHECKSUM_AT: usize = CHECKED;
