//! Entries of new-format logs.

use super::log::SECTOR;
use super::marvin::marvin32;
use crate::base_block::{BASE_BLOCK_SIZE, PAGE};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

/// Longest that all bins may be: offsets use 31 bits.
const BINS_MAX: u32 = 0x7fff_f000;

/// Header of an entry.
#[derive(Debug, Clone, Copy, FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct EntryHeader {
    /// `HvLE`
    signature: [u8; 4],
    /// Bytes of the entry with its pages.
    size: U32,
    flags: U32,
    sequence: U32,
    /// Bytes of all bins when the entry was written.
    bins_length: U32,
    page_count: U32,
    /// Over what follows this header.
    pages_hash: U64,
    /// Over the 32 bytes before.
    header_hash: U64,
}

/// An entry that is whole.
pub(super) struct Entry<'a> {
    /// Those of the hive when the entry was written.
    pub(super) flags: u32,
    pub(super) sequence: u32,
    pub(super) bins_length: u32,
    /// Offset from the first bin, content.
    pages: Vec<(u32, &'a [u8])>,
}

/// The entries from the start of `bytes`, up to the first that is not whole or does not follow the one before.
pub(super) fn chain(mut bytes: &[u8]) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    while let Some((entry, rest)) = read(bytes) {
        if entries.last().is_some_and(|last| last.sequence.checked_add(1) != Some(entry.sequence)) {
            break;
        }
        entries.push(entry);
        bytes = rest;
    }
    entries
}

fn read(bytes: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let (header, _) = EntryHeader::ref_from_prefix(bytes).ok()?;
    let size = header.size.get() as usize;
    let bins_length = header.bins_length.get();
    let (entry, rest) = bytes.split_at_checked(size)?;
    let whole = header.signature == *b"HvLE"
        && size.is_multiple_of(SECTOR)
        && marvin32(entry.get(..32)?) == header.header_hash.get()
        && marvin32(entry.get(size_of::<EntryHeader>()..)?) == header.pages_hash.get()
        && (PAGE..=BINS_MAX).contains(&bins_length)
        && bins_length.is_multiple_of(PAGE);
    if !whole {
        return None;
    }
    let count = header.page_count.get() as usize;
    let (references, mut data) =
        entry.get(size_of::<EntryHeader>()..)?.split_at_checked(count.checked_mul(8)?)?;
    let mut pages = Vec::with_capacity(count);
    for reference in references.chunks_exact(8) {
        let &[o0, o1, o2, o3, s0, s1, s2, s3] = reference.first_chunk::<8>()?;
        let (offset, size) =
            (u32::from_le_bytes([o0, o1, o2, o3]), u32::from_le_bytes([s0, s1, s2, s3]));
        if offset.checked_add(size)? > bins_length {
            return None;
        }
        let (page, left) = data.split_at_checked(size as usize)?;
        pages.push((offset, page));
        data = left;
    }
    let (flags, sequence) = (header.flags.get(), header.sequence.get());
    Some((Entry { flags, sequence, bins_length, pages }, rest))
}

impl Entry<'_> {
    /// Writes the pages to where they belong.
    pub(super) fn apply(&self, file: &mut Vec<u8>) {
        grow(file, self.bins_length);
        for (offset, page) in &self.pages {
            write_page(file, *offset, page);
        }
    }
}

/// Makes room for bins of `length` bytes in all.
pub(super) fn grow(file: &mut Vec<u8>, length: u32) {
    let needed = BASE_BLOCK_SIZE as usize + length.min(BINS_MAX) as usize;
    if file.len() < needed {
        file.resize(needed, 0);
    }
}

pub(super) fn write_page(file: &mut [u8], offset: u32, page: &[u8]) {
    let start = BASE_BLOCK_SIZE as usize + offset as usize;
    if let Some(target) = file.get_mut(start..start + page.len()) {
        target.copy_from_slice(page);
    }
}
