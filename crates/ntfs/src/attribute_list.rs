//! Attribute lists: which records hold the attributes of a file that needs more than one.
//!
//! Source: linux-ntfs documentation, "$ATTRIBUTE_LIST".

use crate::{FileReference, bytes};

/// Longest list, in bytes: NTFS's own limit.
pub(crate) const BYTES_MAX: u64 = 256 << 10;
/// Bytes of an entry before its name.
const HEAD: usize = 0x1a;

/// An entry: one attribute, or one extent of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListEntry {
    pub(crate) kind: u32,
    pub(crate) name: Vec<u16>,
    pub(crate) lowest: u64,
    pub(crate) record: FileReference,
    pub(crate) id: u16,
}

/// Parses a list; the error is the offset of the entry that is wrong.
pub(crate) fn parse(value: &[u8]) -> Result<Vec<ListEntry>, u64> {
    let mut entries = Vec::new();
    let mut at = 0;
    while at < value.len() {
        let entry = parse_entry(value, at);
        let (entry, length) = entry.ok_or(at as u64)?;
        entries.push(entry);
        at += length;
    }
    Ok(entries)
}

fn parse_entry(value: &[u8], at: usize) -> Option<(ListEntry, usize)> {
    let length = usize::from(bytes::u16_at(value, at + 4)?);
    if length < HEAD || length % 8 != 0 {
        return None;
    }
    let entry = bytes::slice_at(value, at, length)?;
    let (name_length, name_at) = (usize::from(entry[6]), usize::from(entry[7]));
    let entry = ListEntry {
        kind: bytes::u32_at(entry, 0)?,
        name: bytes::utf16_units(bytes::slice_at(entry, name_at, 2 * name_length)?),
        lowest: bytes::u64_at(entry, 8)?,
        record: FileReference(bytes::u64_at(entry, 0x10)?),
        id: bytes::u16_at(entry, 0x18)?,
    };
    Some((entry, length))
}

/// The value of a list.
pub(crate) fn encode(entries: &[ListEntry]) -> Vec<u8> {
    let mut value = Vec::new();
    for entry in entries {
        let start = value.len();
        value.extend_from_slice(&entry.kind.to_le_bytes());
        value.extend_from_slice(&(bytes::align8(HEAD + 2 * entry.name.len()) as u16).to_le_bytes());
        value.extend_from_slice(&[entry.name.len() as u8, HEAD as u8]);
        value.extend_from_slice(&entry.lowest.to_le_bytes());
        value.extend_from_slice(&entry.record.0.to_le_bytes());
        value.extend_from_slice(&entry.id.to_le_bytes());
        value.extend_from_slice(&bytes::utf16_bytes(&entry.name));
        value.resize(start + bytes::align8(HEAD + 2 * entry.name.len()), 0);
    }
    value
}
