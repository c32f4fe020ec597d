//! `$LogFile`: whether the volume was dismounted cleanly, told from the log's two restart pages; and emptying it.
//!
//! Source: linux-ntfs documentation, "$LogFile"; ntfs-3g's manual on fast restarting.

use crate::{
    Error,
    attribute::kind,
    bytes,
    cluster_io::Route,
    core::Core,
    fixup, mft,
    stream::{Body, Stream},
};

/// What the log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogState {
    /// Nothing is to be replayed.
    Clean,
    /// Windows has work in the log that it must finish.
    NotClean,
    /// The log is closed, but in the form (2.x) that Windows 8 and later leave only while they keep the volume's metadata in a
    /// hibernated kernel.
    KeptByWindows,
}

/// The log's state, and what it was told from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogFacts {
    pub(crate) state: LogState,
    /// Major and minor version; `None` for an empty log and for one without a valid restart page.
    pub(crate) version: Option<(u16, u16)>,
}

/// Bytes of a log page, and the most that one may have.
const PAGE: u64 = 4096;
const PAGE_MAX: u64 = 65536;
/// The restart area's flag of a clean dismount.
const IS_CLEAN: u16 = 0x0002;
/// No client uses the log.
const NO_CLIENT: u16 = 0xffff;
/// What an empty log is filled with.
const EMPTY: u8 = 0xff;
/// Bytes written at a time (1 MiB).
const PIECE: u64 = 1 << 20;

/// A valid restart page: its log sequence number, state, and the log's version.
struct RestartPage {
    lsn: u64,
    clean: bool,
    version: (u16, u16),
}

/// Whether a page begins as restart pages do; chkdsk leaves another signature.
fn is_restart(page: &[u8]) -> bool {
    page.starts_with(b"RSTR") || page.starts_with(b"CHKD")
}

/// Reads a restart page; `None` when it is not a valid one.
fn restart_page(page: &[u8]) -> Option<RestartPage> {
    if !is_restart(page) {
        return None;
    }
    let page_size = bytes::u32_at(page, 0x10)? as usize;
    let mut page = page.get(..page_size.min(page.len()))?.to_vec();
    fixup::undo(&mut page, "log page", 0).ok()?;
    let area = usize::from(bytes::u16_at(&page, 0x18)?);
    let in_use = bytes::u16_at(&page, area + 0x0c)?;
    let flags = bytes::u16_at(&page, area + 0x0e)?;
    Some(RestartPage {
        lsn: bytes::u64_at(&page, area)?,
        clean: in_use == NO_CLIENT || flags & IS_CLEAN != 0,
        version: (bytes::u16_at(&page, 0x1c)?, bytes::u16_at(&page, 0x1a)?),
    })
}

impl Core {
    pub(crate) fn log_stream(&mut self) -> Result<Stream, Error> {
        self.system_stream(mft::LOG_FILE, kind::DATA, "")
    }

    pub(crate) fn log_facts(&mut self) -> Result<LogFacts, Error> {
        let stream = self.log_stream()?;
        let mut head = vec![0; stream.size().min(2 * PAGE) as usize];
        self.read_stream(&stream, 0, &mut head)?;
        // A log that was reset is filled with ones.
        if head.iter().all(|byte| *byte == EMPTY) && !head.is_empty() {
            return Ok(LogFacts { state: LogState::Clean, version: None });
        }
        // Pages are of 4 KiB unless the first one says otherwise.
        let size = bytes::u32_at(&head, 0x10).filter(|_| is_restart(&head)).map_or(PAGE, u64::from);
        if size > PAGE && size <= PAGE_MAX {
            head.resize(stream.size().min(2 * size) as usize, 0);
            self.read_stream(&stream, 0, &mut head)?;
        }
        let first = restart_page(&head);
        let second = head.get(size as usize..).and_then(restart_page);
        let newest = match (first, second) {
            (Some(a), Some(b)) if b.lsn > a.lsn => b,
            (Some(page), _) | (None, Some(page)) => page,
            (None, None) => return Ok(LogFacts { state: LogState::NotClean, version: None }),
        };
        let state = match newest {
            RestartPage { clean: false, .. } => LogState::NotClean,
            RestartPage { version: (2.., _), .. } => LogState::KeptByWindows,
            RestartPage { .. } => LogState::Clean,
        };
        Ok(LogFacts { state, version: Some(newest.version) })
    }

    /// Fills the log with ones, as other programs leave it after they wrote to a volume: Windows begins a new one.
    pub(crate) fn empty_log(&mut self) -> Result<(), Error> {
        let stream = self.log_stream()?;
        let Body::Runs { runs, size, .. } = &stream.body else {
            return Err(stream.damaged("resident", stream.size()));
        };
        let route = (Route::Contents, mft::LOG_FILE);
        let mut offset = 0;
        while offset < *size {
            let length = PIECE.min(size - offset) as usize;
            let mut piece = vec![0; length];
            self.read_runs(runs, offset, &mut piece, route)?;
            if piece.iter().any(|byte| *byte != EMPTY) {
                piece.fill(EMPTY);
                self.write_runs(runs, offset, &piece, route)?;
            }
            offset += length as u64;
        }
        Ok(())
    }
}
