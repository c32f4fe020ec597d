//! `$LogFile`: whether the volume was dismounted cleanly, told from the log's two restart pages; and emptying it.
//!
//! Source: linux-ntfs documentation, "$LogFile"; ntfs-3g's manual on fast restarting.

use crate::{
    Error,
    attribute::kind,
    cluster_io::Route,
    core::Core,
    log::{
        self,
        restart_area::{self, RestartArea},
    },
    mft,
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

/// What an empty log is filled with.
const EMPTY: u8 = 0xff;
/// Bytes written at a time (1 MiB).
const PIECE: u64 = 1 << 20;

impl Core {
    pub(crate) fn log_stream(&mut self) -> Result<Stream, Error> {
        self.system_stream(mft::LOG_FILE, kind::DATA, "")
    }

    pub(crate) fn log_facts(&mut self) -> Result<LogFacts, Error> {
        let stream = self.log_stream()?;
        let mut head = vec![0; stream.size().min(2 * restart_area::PAGE as u64) as usize];
        self.read_stream(&stream, 0, &mut head)?;
        // A log that was reset is filled with ones.
        if head.iter().all(|byte| *byte == EMPTY) && !head.is_empty() {
            return Ok(LogFacts { state: LogState::Clean, version: None });
        }
        let size = restart_area::page_size(&head);
        if size > restart_area::PAGE {
            head.resize(stream.size().min(2 * size as u64) as usize, 0);
            self.read_stream(&stream, 0, &mut head)?;
        }
        let Some(area) = RestartArea::newest(&head) else {
            return Ok(LogFacts { state: LogState::NotClean, version: None });
        };
        let state = match area {
            RestartArea { clean: false, .. } => LogState::NotClean,
            RestartArea { version: (2.., _), .. } => LogState::KeptByWindows,
            RestartArea { .. } => LogState::Clean,
        };
        Ok(LogFacts { state, version: Some(area.version) })
    }

    /// The whole log.
    pub(crate) fn read_log(&mut self) -> Result<Vec<u8>, Error> {
        let stream = self.log_stream()?;
        let (found, most) = (stream.size(), log::LOG_MAX);
        if found > most {
            return Err(log::LogError::TooLarge { what: "log", found, most }.into());
        }
        let mut bytes = vec![0; found as usize];
        if let Body::Runs { runs, .. } = &stream.body {
            // Past the pages in memory: it is read once.
            self.read_runs(runs, 0, &mut bytes, (Route::Contents, mft::LOG_FILE))?;
        }
        Ok(bytes)
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
