//! What NTFS keeps in a record: an operation to redo, one to undo, and the clusters that they are about.
//!
//! Source: linux-ntfs documentation, "$LogFile": NTFS log record.

use crate::{
    bytes,
    log::{LogError, Operation, records::Record},
};

/// Bytes before the list of clusters.
const HEADER: usize = 0x20;
/// Record flag: the end of the redo data may be left out, and is zeros.
const ZEROS_LEFT_OUT: u16 = 0x0004;
/// The unit of places inside a page of clusters.
const UNIT: usize = 512;

/// One operation with its undo.
#[derive(Debug, Clone)]
pub(super) struct ClientRecord<'r> {
    record: &'r Record,
    pub(super) redo: Operation,
    pub(super) undo: Operation,
    /// The open attribute, by its place in the table.
    pub(super) target: u32,
    /// Inside a file record: the attribute's place. Elsewhere added to the next.
    pub(super) record_offset: usize,
    /// Inside the attribute.
    pub(super) attribute_offset: usize,
    /// Bytes from the first cluster to the block.
    pub(super) block_offset: usize,
    /// The first cluster's place in the attribute.
    pub(super) vcn: u64,
    /// The clusters' places on the volume.
    pub(super) lcns: Vec<u64>,
}

/// Which way a record is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Redo,
    Undo,
}

impl<'r> ClientRecord<'r> {
    pub(super) fn parse(record: &'r Record) -> Result<Self, LogError> {
        let wrong = |problem, found| LogError::Record { lsn: record.lsn, problem, found };
        let data = &record.data;
        let number =
            |at| bytes::u16_at(data, at).ok_or_else(|| wrong("too short", data.len() as u64));
        let operation = |at| {
            let code = number(at)?;
            Operation::from_code(code).ok_or_else(|| wrong("unknown operation", code.into()))
        };
        let count = usize::from(number(0x0e)?);
        let lcns: Option<Vec<u64>> =
            (0..count).map(|index| bytes::u64_at(data, HEADER + 8 * index)).collect();
        let vcn = || bytes::u64_at(data, 0x18).ok_or_else(|| wrong("too short", data.len() as u64));
        Ok(Self {
            record,
            redo: operation(0)?,
            undo: operation(2)?,
            target: number(0x0c)?.into(),
            record_offset: number(0x10)?.into(),
            attribute_offset: number(0x12)?.into(),
            block_offset: usize::from(number(0x14)?) * UNIT,
            // Records that are about no cluster may end before it.
            vcn: if count == 0 { 0 } else { vcn()? },
            lcns: lcns.ok_or_else(|| wrong("clusters past its end", count as u64))?,
        })
    }

    pub(super) fn lsn(&self) -> u64 {
        self.record.lsn
    }

    pub(super) fn operation(&self, direction: Direction) -> Operation {
        match direction {
            Direction::Redo => self.redo,
            Direction::Undo => self.undo,
        }
    }

    /// Length of the data as told.
    pub(super) fn length(&self, direction: Direction) -> usize {
        let at = if direction == Direction::Redo { 0x06 } else { 0x0a };
        bytes::u16_at(&self.record.data, at).map_or(0, usize::from)
    }

    /// Everything behind the place where the redo data begins: tables may be longer than their length can tell.
    pub(super) fn table(&self) -> &'r [u8] {
        let at = bytes::u16_at(&self.record.data, 0x04).map_or(usize::MAX, usize::from);
        self.record.data.get(at..).unwrap_or_default()
    }

    /// The data of the operation, with zeros that the log left out.
    pub(super) fn data(&self, direction: Direction) -> Result<Vec<u8>, LogError> {
        let length = self.length(direction);
        let at = if direction == Direction::Redo { 0x04 } else { 0x08 };
        let at = bytes::u16_at(&self.record.data, at).map_or(usize::MAX, usize::from);
        let all = self.record.data.get(at..).unwrap_or_default();
        let mut data = all[..length.min(all.len())].to_vec();
        if data.len() < length {
            let may = matches!(
                self.operation(direction),
                Operation::UpdateResidentValue | Operation::ZeroEndOfFileRecord
            );
            if direction == Direction::Undo || !may || self.record.flags & ZEROS_LEFT_OUT == 0 {
                let problem = "data past its end";
                return Err(LogError::Record { lsn: self.lsn(), problem, found: length as u64 });
            }
            data.resize(length, 0);
        }
        Ok(data)
    }
}
