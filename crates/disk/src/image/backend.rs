//! The guest's view of an open image.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use imago::{FormatAccess, Mapping};

use super::qcow2::Qcow2Disk;
use crate::host::HostFile;
use crate::overlay::Overlay;

/// Reads are fetched in blocks of this many bytes, so that small ones share.
pub(crate) const BLOCK: u64 = 16 << 10;

/// The guest's disk.
#[derive(Debug)]
pub(crate) enum Backend {
    Raw {
        overlay: Overlay,
        size: u64,
    },
    Qcow2(Qcow2Disk),
    /// Above an image that is open for reading only.
    DryRun {
        below: Arc<Backend>,
        overlay: Overlay,
    },
}

impl Backend {
    /// A backend that takes writes above one that does not, and can never commit them.
    pub(crate) fn dry_run(below: Arc<Self>, overlay: Overlay) -> Self {
        Self::DryRun { below, overlay }
    }

    /// Bytes of the guest's disk.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Raw { size, .. } => *size,
            Self::Qcow2(disk) => disk.access.size(),
            Self::DryRun { below, .. } => below.size(),
        }
    }

    /// What is between the guest's disk and the image file.
    pub(crate) fn overlay(&self) -> &Overlay {
        match self {
            Self::Raw { overlay, .. } | Self::DryRun { overlay, .. } => overlay,
            Self::Qcow2(disk) => &disk.overlay,
        }
    }

    /// Fills `buf` with guest bytes from `offset`.
    pub(crate) fn read(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        if buf.is_empty() {
            return Ok(());
        }
        match self {
            Self::Raw { overlay, .. } => overlay.read(offset, buf),
            Self::Qcow2(disk) => disk.access.read(buf, offset),
            Self::DryRun { below, overlay } if overlay.is_untouched() => below.read(offset, buf),
            Self::DryRun { overlay, .. } => overlay.read(offset, buf),
        }
    }

    /// Fills `buf` with the guest bytes from `offset` as they were when the transaction began.
    pub(crate) fn read_original(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        if buf.is_empty() {
            return Ok(());
        }
        match self {
            Self::Raw { overlay, .. } => overlay.read_original(offset, buf),
            Self::Qcow2(disk) => disk.read_original(offset, buf),
            Self::DryRun { below, .. } => below.read(offset, buf),
        }
    }

    /// The guest bytes worth fetching when the one at `offset` is asked for: a block, or a whole compressed cluster.
    pub(crate) fn fetch_range(&self, offset: u64) -> Range<u64> {
        let mut unit = BLOCK;
        match self {
            Self::DryRun { below, .. } => return below.fetch_range(offset),
            Self::Qcow2(disk) => {
                if is_compressed(&disk.access, offset) {
                    unit = unit.max(1 << disk.cluster_bits);
                }
            }
            Self::Raw { .. } => {}
        }
        let start = offset - offset % unit;
        start..(start + unit).min(self.size())
    }

    /// Writes guest bytes into the overlay; `fresh` ones go where nothing pointed when the transaction began. Runs are
    /// given in the order of their offsets. Nothing but what the overlay writes ahead reaches the file.
    ///
    /// After an error the backend no longer shows the file's contents and must not be used again.
    pub(crate) fn write(&self, runs: &[Run<'_>]) -> io::Result<()> {
        match self {
            Self::Raw { overlay, .. } | Self::DryRun { overlay, .. } => {
                runs.iter().try_for_each(|run| overlay.write(run.offset, run.data, run.fresh))
            }
            Self::Qcow2(disk) => disk.write(runs),
        }
    }

    /// Checks, before a commit, what was written.
    pub(crate) fn check(&self) -> io::Result<()> {
        match self {
            Self::Qcow2(disk) => disk.check(),
            _ => Ok(()),
        }
    }

    /// Tells the backend that the file now holds what was written.
    pub(crate) fn settle(&self) {
        if let Self::Qcow2(disk) = self {
            disk.settle();
        }
    }
}

/// Adjacent guest bytes to be written.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) offset: u64,
    pub(crate) data: &'a [u8],
    /// Nothing named the place when the transaction began.
    pub(crate) fresh: bool,
}

/// The guest's disk as a file.
#[derive(Debug)]
pub(crate) struct GuestFile(pub(crate) Arc<Backend>);

impl HostFile for GuestFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.size())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.0.size().saturating_sub(offset).min(buf.len() as u64) as usize;
        self.0.read(offset, &mut buf[..count])?;
        Ok(count)
    }
}

fn is_compressed(access: &FormatAccess<Overlay>, offset: u64) -> bool {
    matches!(access.get_mapping(offset, 1), Ok((Mapping::Special { .. }, _)))
}
