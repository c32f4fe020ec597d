//! The tables that a checkpoint keeps in the log: open attributes, dirty pages, transactions.
//!
//! Tables of version 0 (up to Windows XP) have 32-bit layouts, those of version 1 64-bit ones.
//!
//! Source: linux-ntfs documentation, "$LogFile": restart tables; layouts agree with the logs of the corpus.

use crate::bytes;

/// Bytes before the first entry.
const HEADER: usize = 0x18;
/// The first field of an entry in use.
const IN_USE: u32 = 0xffff_ffff;

/// An attribute that was open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OpenAttribute {
    /// Attribute type.
    pub(super) kind: u32,
    /// Record number of the file.
    pub(super) file: u64,
    /// Bytes of a block, when it is an index.
    pub(super) index_block: u32,
}

/// A page that may be old on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DirtyPage {
    pub(super) target: u32,
    pub(super) vcn: u64,
    /// The oldest record whose change may be missing.
    pub(super) oldest: u64,
    /// 0 for a cluster that was not mapped.
    pub(super) lcns: Vec<u64>,
}

/// How far a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TransactionState {
    Active,
    Prepared,
    Committed,
}

/// A transaction that did not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Transaction {
    pub(super) state: TransactionState,
    /// The record to take back first; 0 when there is none.
    pub(super) undo_next: u64,
}

/// The entries in use of a table, each with its place, by which records name it. `None` when the table passes its end.
fn entries(table: &[u8], least: usize) -> Option<Vec<(u32, &[u8])>> {
    let size = usize::from(bytes::u16_at(table, 0)?);
    let count = usize::from(bytes::u16_at(table, 2)?);
    if size < least {
        return None;
    }
    let mut found = Vec::new();
    for index in 0..count {
        let at = HEADER + index * size;
        let entry = bytes::slice_at(table, at, size)?;
        if bytes::u32_at(entry, 0)? == IN_USE {
            found.push((u32::try_from(at).ok()?, entry));
        }
    }
    Some(found)
}

/// One entry of the table of open attributes; records that open one hold such an entry too.
pub(super) fn open_attribute(entry: &[u8], version: u32) -> Option<OpenAttribute> {
    let (kind, file, index_block) =
        if version == 0 { (0x1c, 0x08, 0x28) } else { (0x08, 0x10, 0x04) };
    Some(OpenAttribute {
        kind: bytes::u32_at(entry, kind)?,
        file: bytes::u64_at(entry, file)? & 0xffff_ffff_ffff,
        index_block: bytes::u32_at(entry, index_block)?,
    })
}

pub(super) fn open_attributes(table: &[u8], version: u32) -> Option<Vec<(u32, OpenAttribute)>> {
    let least = if version == 0 { 0x2c } else { 0x28 };
    entries(table, least)?
        .into_iter()
        .map(|(at, entry)| Some((at, open_attribute(entry, version)?)))
        .collect()
}

pub(super) fn dirty_pages(table: &[u8], version: u32) -> Option<Vec<DirtyPage>> {
    let (vcn, oldest, lcns) = if version == 0 { (0x14, 0x1c, 0x24) } else { (0x10, 0x18, 0x20) };
    let page = |(_, entry): (u32, &[u8])| {
        let count = bytes::u32_at(entry, 0x0c)? as usize;
        // They stand in the entry, whose length is 16 bits.
        let lcns: Option<Vec<u64>> = entry
            .get(lcns..)?
            .chunks_exact(8)
            .map(|lcn| bytes::u64_at(lcn, 0))
            .take(count)
            .collect();
        let lcns = lcns.filter(|lcns| lcns.len() == count)?;
        Some(DirtyPage {
            target: bytes::u32_at(entry, 0x04)?,
            vcn: bytes::u64_at(entry, vcn)?,
            oldest: bytes::u64_at(entry, oldest)?,
            lcns,
        })
    };
    entries(table, lcns)?.into_iter().map(page).collect()
}

/// Transactions by the number that their records carry, which is the entry's place.
pub(super) fn transactions(table: &[u8]) -> Option<Vec<(u32, Transaction)>> {
    let transaction = |(at, entry): (u32, &[u8])| {
        let state = match entry.get(4)? {
            0 | 1 => TransactionState::Active,
            2 => TransactionState::Prepared,
            3 => TransactionState::Committed,
            _ => return None,
        };
        Some((at, Transaction { state, undo_next: bytes::u64_at(entry, 0x18)? }))
    };
    entries(table, 0x28)?.into_iter().map(transaction).collect()
}
