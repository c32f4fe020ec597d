//! `$LogFile`: whether the volume was dismounted cleanly, told from the log's two restart pages.
//!
//! Source: linux-ntfs documentation, "$LogFile"; ntfs-3g's manual on fast restarting.

use crate::{Error, attribute::kind, bytes, core::Core, fixup, mft};

/// What the log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogState {
    /// Nothing is to be replayed.
    Clean,
    /// Windows has work in the log that it must finish.
    NotClean,
    /// The log is in the form (2.0) that Windows 8 and later leave only while they keep the volume's metadata in a
    /// hibernated kernel.
    KeptByWindows,
}

/// Bytes of a log page, and the most that one may have.
const PAGE: u64 = 4096;
const PAGE_MAX: u64 = 65536;
/// The restart area's flag of a clean dismount.
const IS_CLEAN: u16 = 0x0002;
/// No client uses the log.
const NO_CLIENT: u16 = 0xffff;

/// A valid restart page: its log sequence number, state, and the log's major version.
struct RestartPage {
    lsn: u64,
    clean: bool,
    major: u16,
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
        major: bytes::u16_at(&page, 0x1c)?,
    })
}

impl Core {
    pub(crate) fn log_state(&mut self) -> Result<LogState, Error> {
        let stream = self.system_stream(mft::LOG_FILE, kind::DATA, "")?;
        let mut head = vec![0; stream.size().min(2 * PAGE) as usize];
        self.read_stream(&stream, 0, &mut head)?;
        // A log that was reset is filled with ones.
        if head.iter().all(|byte| *byte == 0xff) && !head.is_empty() {
            return Ok(LogState::Clean);
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
            (None, None) => return Ok(LogState::NotClean),
        };
        Ok(match newest {
            RestartPage { major: 2.., .. } => LogState::KeptByWindows,
            RestartPage { clean: true, .. } => LogState::Clean,
            RestartPage { .. } => LogState::NotClean,
        })
    }
}
