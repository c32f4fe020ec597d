//! The restart area: the log's geometry, whether it is in use, and where its last checkpoint stands. There are two pages of it,
//! written in turn.
//!
//! Source: linux-ntfs documentation, "$LogFile".

use crate::{bytes, fixup, log::LogError};

/// Restart pages are of 4 KiB unless the first one says otherwise.
pub(crate) const PAGE: usize = 4096;
/// Sizes that a page may have.
const PAGES: std::ops::RangeInclusive<usize> = 512..=65536;
/// Bytes of the record of one client.
const CLIENT: usize = 0xa0;
/// The flag of a clean dismount.
const IS_CLEAN: u16 = 0x0002;
/// No client uses the log.
const NO_CLIENT: u16 = 0xffff;

/// A valid restart area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartArea {
    /// Of the last record when the page was written; the page with the higher one counts.
    pub lsn: u64,
    /// Major and minor version: 1.1, or 2.0 from Windows 8 on while the volume is mounted.
    pub version: (u16, u16),
    /// The log was closed: nothing is to be replayed.
    pub clean: bool,
    /// Written by chkdsk.
    pub by_chkdsk: bool,
    /// Bits of an LSN that count the laps through the file.
    pub sequence_bits: u32,
    /// Bytes of a restart page.
    pub system_page: usize,
    /// Bytes of a record page.
    pub log_page: usize,
    /// Where records begin in a page.
    pub data_offset: usize,
    /// Bytes of a record's header.
    pub record_header: usize,
    /// Bytes of the log.
    pub file_size: u64,
    /// LSN of the last checkpoint of the client, which is NTFS.
    pub checkpoint: Option<u64>,
}

impl RestartArea {
    /// Reads one restart page; `None` when it is not a valid one.
    fn parse(page: &[u8]) -> Option<Self> {
        if !is_restart(page) {
            return None;
        }
        let system_page = bytes::u32_at(page, 0x10)? as usize;
        let mut page = page.get(..system_page)?.to_vec();
        fixup::undo(&mut page, "log page", 0).ok()?;
        let area = page.get(usize::from(bytes::u16_at(&page, 0x18)?)..)?;
        let in_use = bytes::u16_at(area, 0x0c)?;
        let clients = usize::from(bytes::u16_at(area, 0x16)?);
        let checkpoint = if in_use == NO_CLIENT {
            None
        } else {
            let client = area.get(clients + usize::from(in_use) * CLIENT..)?;
            Some(bytes::u64_at(client, 0x08)?)
        };
        Some(Self {
            lsn: bytes::u64_at(area, 0)?,
            version: (bytes::u16_at(&page, 0x1c)?, bytes::u16_at(&page, 0x1a)?),
            clean: in_use == NO_CLIENT || bytes::u16_at(area, 0x0e)? & IS_CLEAN != 0,
            by_chkdsk: page.starts_with(b"CHKD"),
            sequence_bits: bytes::u32_at(area, 0x10)?,
            system_page,
            log_page: bytes::u32_at(&page, 0x14)? as usize,
            data_offset: usize::from(bytes::u16_at(area, 0x26)?),
            record_header: usize::from(bytes::u16_at(area, 0x24)?),
            file_size: bytes::u64_at(area, 0x18)?,
            checkpoint,
        })
    }

    /// Reads the newer of the restart pages at the log's start.
    #[must_use]
    pub fn newest(log: &[u8]) -> Option<Self> {
        let first = Self::parse(log);
        let size = page_size(log);
        let second = log.get(size..).and_then(Self::parse);
        match (first, second) {
            (Some(a), Some(b)) if b.lsn > a.lsn => Some(b),
            (Some(area), _) | (None, Some(area)) => Some(area),
            (None, None) => None,
        }
    }

    /// Refuses a geometry that the records could not be read by.
    pub(super) fn check(&self, log_len: usize) -> Result<(), LogError> {
        let wrong = |field, found| Err(LogError::RestartArea { field, found });
        let (major, minor) = self.version;
        if !matches!(self.version, (1, 1) | (2, 0)) {
            let (major, minor) = (major.into(), minor.into());
            return Err(LogError::Version { what: "log", major, minor });
        }
        if self.by_chkdsk {
            return wrong("chkdsk signature", 1);
        }
        for (field, size) in [("restart page", self.system_page), ("log page", self.log_page)] {
            if !PAGES.contains(&size) || !size.is_power_of_two() {
                return wrong(field, size as u64);
            }
        }
        // Three bits of an LSN at least count the place, eight bytes each.
        if !(4..=60).contains(&self.sequence_bits) {
            return wrong("sequence bits", self.sequence_bits.into());
        }
        if !(0x30..self.log_page).contains(&self.data_offset) {
            return wrong("data offset", self.data_offset as u64);
        }
        if self.record_header != super::records::HEADER {
            return wrong("record header", self.record_header as u64);
        }
        if self.file_size != log_len as u64 {
            return wrong("file size", self.file_size);
        }
        Ok(())
    }
}

/// Whether a page begins as restart pages do; chkdsk leaves another signature.
fn is_restart(page: &[u8]) -> bool {
    page.starts_with(b"RSTR") || page.starts_with(b"CHKD")
}

/// Bytes of a restart page, as the first one says.
pub(crate) fn page_size(log: &[u8]) -> usize {
    let told = bytes::u32_at(log, 0x10).filter(|_| is_restart(log)).map(|size| size as usize);
    told.filter(|size| PAGES.contains(size)).unwrap_or(PAGE)
}
