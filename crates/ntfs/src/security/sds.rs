//! `$SDS`: the stream of all security descriptors of a volume, each once.
//!
//! Entries lie in 256 KiB blocks; behind each block lies its copy, so that entries start in every other block. An entry starts at a
//! multiple of 16 bytes and does not cross a block's end.
//!
//! Source: linux-ntfs documentation, "$Secure"; Windows-made volumes.

use super::{SecureFile, SecurityError};
use crate::{Error, bytes};

/// Bytes of a block, and the distance of an entry's copy.
pub(crate) const BLOCK: u64 = 0x4_0000;
/// Bytes from a block to the next one that is not a copy.
const STRIDE: u64 = 2 * BLOCK;
/// Where entries start.
const ALIGNMENT: u64 = 16;
/// Bytes before a descriptor: hash, id, offset, length.
pub(crate) const HEAD: usize = 20;

/// Where a descriptor lies in `$SDS`; also the data of its entries in `$SII` and `$SDH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) hash: u32,
    pub(crate) id: u32,
    /// Bytes from the start of `$SDS`.
    pub(crate) offset: u64,
    /// Bytes of the entry, this header included.
    pub(crate) length: u32,
}

impl Header {
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            hash: bytes::u32_at(bytes, 0)?,
            id: bytes::u32_at(bytes, 4)?,
            offset: bytes::u64_at(bytes, 8)?,
            length: bytes::u32_at(bytes, 16)?,
        })
    }

    pub(crate) fn to_bytes(self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[..4].copy_from_slice(&self.hash.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.id.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.offset.to_le_bytes());
        bytes[16..].copy_from_slice(&self.length.to_le_bytes());
        bytes
    }

    /// Offset behind the entry, where another one may start.
    fn end(&self) -> Option<u64> {
        self.offset.checked_add(u64::from(self.length))?.checked_next_multiple_of(ALIGNMENT)
    }

    fn damaged(&self, problem: &'static str) -> Error {
        SecurityError::Store { id: self.id, offset: self.offset, problem }.into()
    }
}

/// The hash by which `$SDH` sorts descriptors: over 32-bit words, rotate left by 3 and add.
#[must_use]
pub fn hash(descriptor: &[u8]) -> u32 {
    let words = descriptor.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
    words.fold(0, |hash: u32, word| hash.rotate_left(3).wrapping_add(word))
}

/// Reads the descriptor that an entry of `$SII` or `$SDH` leads to; from the copy when the first one is damaged.
pub(crate) fn read(file: &mut dyn SecureFile, header: Header) -> Result<Vec<u8>, Error> {
    let first = read_at(file, header, header.offset);
    match (first, header.offset.checked_add(BLOCK)) {
        (Err(Error::Security(problem)), Some(copy)) => {
            read_at(file, header, copy).map_err(|_| problem.into())
        }
        (first, _) => first,
    }
}

fn read_at(file: &mut dyn SecureFile, header: Header, at: u64) -> Result<Vec<u8>, Error> {
    let size = file.sds_size()?;
    let length = u64::from(header.length);
    if length > BLOCK || at.checked_add(length).is_none_or(|end| end > size) {
        return Err(header.damaged("the entry passes the end of $SDS"));
    }
    let mut entry = vec![0; header.length as usize];
    file.sds_read(at, &mut entry)?;
    if Header::parse(&entry) != Some(header) {
        return Err(header.damaged("the entry's header differs from the index"));
    }
    let descriptor = entry.split_off(HEAD.min(entry.len()));
    if hash(&descriptor) != header.hash {
        return Err(header.damaged("the descriptor does not have its hash"));
    }
    Ok(descriptor)
}

/// Writes a new descriptor and its copy behind the entry of the highest id.
pub(crate) fn append(
    file: &mut dyn SecureFile,
    last: Option<Header>,
    id: u32,
    descriptor: &[u8],
) -> Result<Header, Error> {
    let length = u32::try_from(HEAD + descriptor.len()).unwrap_or(u32::MAX);
    if u64::from(length) > BLOCK {
        return Err(SecurityError::ListTooLong { size: descriptor.len() }.into());
    }
    let offset = free_place(file, last, u64::from(length))?;
    let header = Header { hash: hash(descriptor), id, offset, length };
    let entry = [&header.to_bytes(), descriptor].concat();
    file.sds_write(offset, &entry)?;
    file.sds_write(offset + BLOCK, &entry)?;
    end_with_zeros(file, header)?;
    Ok(header)
}

/// Clears what lies where the next entry's header would: a reader that walks `$SDS` stops at zeros, and Windows
/// leaves whatever the clusters held before.
fn end_with_zeros(file: &mut dyn SecureFile, last: Header) -> Result<(), Error> {
    let size = file.sds_size()?;
    let block_end = last.offset - last.offset % STRIDE + BLOCK;
    let Some(next) = last.end().filter(|next| *next < block_end.min(size)) else { return Ok(()) };
    let mut found = [0; HEAD];
    let found = &mut found[..(block_end.min(size) - next).min(HEAD as u64) as usize];
    file.sds_read(next, found)?;
    let entry = Header::parse(found).is_some_and(|header| header.offset == next);
    if entry || found.iter().all(|byte| *byte == 0) {
        return Ok(());
    }
    found.fill(0);
    file.sds_write(next, found)
}

/// Where `length` bytes may be written: behind the last entry, if nothing follows it, else behind all there is.
fn free_place(file: &mut dyn SecureFile, last: Option<Header>, length: u64) -> Result<u64, Error> {
    let size = file.sds_size()?;
    let behind_last = match last {
        Some(header) => {
            let end = header.end().filter(|end| *end <= size);
            place(end.ok_or_else(|| header.damaged("the entry passes the end of $SDS"))?, length)
        }
        None => Some(0),
    };
    let behind_last = behind_last.ok_or(SecurityError::NoIdLeft)?;
    if is_zero(file, behind_last, length, size)?
        && is_zero(file, behind_last + BLOCK, length, size)?
    {
        return Ok(behind_last);
    }
    // The last block reaches to the end of the stream, or, when its copy is there, to the copy's end less a block.
    let used = if size % STRIDE > BLOCK { size - BLOCK } else { size };
    let end = used.checked_next_multiple_of(ALIGNMENT).and_then(|end| place(end, length));
    Ok(end.ok_or(SecurityError::NoIdLeft)?)
}

/// The first offset from `from` on where an entry of `length` bytes lies in one block that is not a copy. `None` past 2^62.
fn place(from: u64, length: u64) -> Option<u64> {
    let fits = from % STRIDE + length <= BLOCK;
    let at = if fits { from } else { from.checked_next_multiple_of(STRIDE)? };
    // The next multiple of a block's start is itself.
    (at < 1 << 62).then_some(at)
}

/// True when nothing but zeros lies in a range, or nothing at all.
fn is_zero(file: &mut dyn SecureFile, at: u64, length: u64, size: u64) -> Result<bool, Error> {
    let present = size.saturating_sub(at).min(length);
    let mut bytes = vec![0; usize::try_from(present).unwrap_or_default()];
    file.sds_read(at, &mut bytes)?;
    Ok(bytes.iter().all(|byte| *byte == 0))
}
