//! Records by their LSN, and in their order.
//!
//! Source: linux-ntfs documentation, "$LogFile": log record header.

use std::cell::Cell;

use crate::{
    bytes,
    log::{LogError, pages::Pages, restart_area::RestartArea},
};

/// Bytes of a record's header.
pub(super) const HEADER: usize = 0x30;
/// Record types.
const OF_CLIENT: u32 = 1;
const CHECKPOINT: u32 = 2;
/// A log longer than this is not held in memory.
pub(crate) const LOG_MAX: u64 = 256 << 20;

/// The log is read once for the analysis, once to redo, twice to undo; records that overlap could be read without end.
const READ_MAX: u64 = 8;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An operation of NTFS.
    Client,
    /// A checkpoint of NTFS.
    Checkpoint,
}

/// A record as the log keeps it.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) lsn: u64,
    /// The record to take back next when its transaction is undone.
    pub(super) undo_next: u64,
    pub(super) kind: Kind,
    pub(super) transaction: u32,
    pub(super) flags: u16,
    pub(super) data: Vec<u8>,
    /// Where the next record would be.
    next: u64,
}

/// A log whose records can be read.
pub(super) struct Log<'a> {
    area: RestartArea,
    pages: Pages<'a>,
    length: usize,
    /// Bytes of records read so far.
    effort: Cell<u64>,
}

/// The place of an LSN in the file.
fn place(lsn: u64, sequence_bits: u32) -> usize {
    ((lsn << sequence_bits) >> (sequence_bits - 3)) as usize
}

impl<'a> Log<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, LogError> {
        if bytes.len() as u64 > LOG_MAX {
            let found = bytes.len() as u64;
            return Err(LogError::TooLarge { what: "log", found, most: LOG_MAX });
        }
        let area = RestartArea::newest(bytes).ok_or(LogError::NoRestartPage)?;
        area.check(bytes.len())?;
        let bits = area.sequence_bits;
        let pages = Pages::find(bytes, &area, |lsn| place(lsn, bits), HEADER);
        let length = bytes.len() - bytes.len() % area.log_page;
        Ok(Self { length, area, pages, effort: Cell::new(0) })
    }

    pub(super) fn area(&self) -> &RestartArea {
        &self.area
    }

    /// LSN of the last record there is.
    pub(super) fn last(&self) -> u64 {
        self.pages.last
    }

    fn lap(&self, lsn: u64) -> u64 {
        lsn >> (64 - self.area.sequence_bits)
    }

    /// The page at `home` with the record `lsn` on it, in lap `lap`.
    fn page(&self, home: usize, lsn: u64, lap: u64) -> Option<Vec<u8>> {
        let of_lap = |at: u64| {
            // A record that goes through the file's end names the lap before.
            let before = self.lap(at).checked_add(1) == Some(lap)
                && place(at, self.area.sequence_bits) >= home + self.pages.size;
            self.lap(at) == lap || before
        };
        let copies = self.pages.copies(home, lsn);
        let copy = copies.iter().find(|copy| of_lap(copy.lap_of()))?;
        self.pages.bytes(copy)
    }

    /// The record at an LSN.
    pub(super) fn record(&self, lsn: u64) -> Result<Record, LogError> {
        let missing = || LogError::NoRecord { lsn };
        let wrong = |problem, found| LogError::Record { lsn, problem, found };
        let size = self.pages.size;
        let at = place(lsn, self.area.sequence_bits);
        let (mut home, within) = (at - at % size, at % size);
        let mut lap = self.lap(lsn);
        let page = self.page(home, lsn, lap).ok_or_else(missing)?;
        let header = bytes::slice_at(&page, within, HEADER).ok_or_else(missing)?;
        if bytes::u64_at(header, 0) != Some(lsn) {
            return Err(missing());
        }
        let number = |at| bytes::u32_at(header, at).ok_or_else(missing);
        let length = number(0x18)? as usize;
        if length > self.length {
            return Err(wrong("longer than the log", length as u64));
        }
        let (effort, most) =
            (self.effort.get() + (length + HEADER) as u64, READ_MAX * self.length as u64);
        self.effort.set(effort);
        if effort > most {
            return Err(LogError::TooLarge { what: "records read", found: effort, most });
        }
        let kind = match number(0x20)? {
            OF_CLIENT => Kind::Client,
            CHECKPOINT => Kind::Checkpoint,
            other => return Err(wrong("record type", other.into())),
        };
        let mut end = (within + HEADER).saturating_add(length).min(size);
        let mut data = page[within + HEADER..end].to_vec();
        while data.len() < length {
            (home, lap) = self.page_after(home, lap);
            let page = self.page(home, lsn, lap).ok_or_else(missing)?;
            end = self.area.data_offset + (length - data.len()).min(size - self.area.data_offset);
            data.extend_from_slice(&page[self.area.data_offset..end]);
        }
        // Records are aligned to 8 bytes, and their headers are never split.
        let mut next = end.next_multiple_of(8);
        if next + HEADER > size {
            (home, lap) = self.page_after(home, lap);
            next = self.area.data_offset;
        }
        let next = lap << (64 - self.area.sequence_bits) | (home + next) as u64 >> 3;
        Ok(Record {
            lsn,
            undo_next: bytes::u64_at(header, 0x10).ok_or_else(missing)?,
            kind,
            transaction: number(0x24)?,
            flags: bytes::u16_at(header, 0x28).ok_or_else(missing)?,
            data,
            next,
        })
    }

    fn page_after(&self, home: usize, lap: u64) -> (usize, u64) {
        let next = home + self.pages.size;
        // After the last page comes the first one that records are kept in.
        if next < self.length { (next, lap) } else { (self.pages.first, lap + 1) }
    }

    /// Calls `f` with each record from one on, to the last there is.
    pub(super) fn walk(
        &self,
        from: u64,
        mut f: impl FnMut(&Record) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        let newest = self.last();
        let mut lsn = from;
        loop {
            let record = self.record(lsn)?;
            f(&record)?;
            if lsn >= newest {
                break;
            }
            if record.next <= lsn || record.next > newest {
                return Err(LogError::Gap { end: lsn, newest });
            }
            lsn = record.next;
        }
        if lsn == newest { Ok(()) } else { Err(LogError::Gap { end: lsn, newest }) }
    }
}
