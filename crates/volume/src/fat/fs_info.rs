//! FAT32's FSInfo sector: a count of free clusters that readers may believe.

use super::{FatError, FatVolume};

/// What the sector says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FsInfo {
    /// First byte of the sector.
    offset: u64,
    /// Free clusters, when known.
    free: Option<u32>,
}

/// Offsets of the three signatures and their values.
const SIGNATURES: [(usize, u32); 3] = [(0, 0x4161_5252), (484, 0x6141_7272), (508, 0xAA55_0000)];
const FREE: usize = 488;

impl FsInfo {
    /// Free clusters, when the sector says a number that can be.
    pub(super) fn free(self) -> Option<u32> {
        self.free
    }
}

impl FatVolume {
    /// Reads the sector; `None` when there is none or its signatures are wrong.
    pub(super) fn read_fs_info(&self) -> Result<Option<FsInfo>, FatError> {
        let Some(offset) = self.geometry.fs_info else { return Ok(None) };
        let mut sector = [0; 512];
        self.device.read_at(offset, &mut sector)?;
        let long = |at: usize| {
            u32::from_le_bytes([sector[at], sector[at + 1], sector[at + 2], sector[at + 3]])
        };
        if SIGNATURES.iter().any(|(at, expected)| long(*at) != *expected) {
            return Ok(None);
        }
        let free = Some(long(FREE)).filter(|free| *free <= self.geometry.clusters);
        Ok(Some(FsInfo { offset, free }))
    }

    /// Free clusters: the sector's count on a clean volume, else by reading the table.
    pub(super) fn free_clusters(&self) -> Result<u32, FatError> {
        match self.read_fs_info()? {
            Some(FsInfo { free: Some(free), .. })
                if self.freed == 0 && self.reasons()?.is_empty() =>
            {
                Ok(free)
            }
            _ => self.count_free(),
        }
    }

    /// Brings the count up to date with what was allocated and freed.
    pub(super) fn write_fs_info(&mut self) -> Result<(), FatError> {
        if self.freed == 0 {
            return Ok(());
        }
        if let Some(FsInfo { offset, free: Some(free) }) = self.read_fs_info()? {
            let now = i64::from(free) + self.freed;
            // A count that was wrong before is given up rather than carried on.
            let now = u32::try_from(now)
                .ok()
                .filter(|now| *now <= self.geometry.clusters)
                .unwrap_or(u32::MAX);
            self.device.write_at(offset + FREE as u64, &now.to_le_bytes())?;
        }
        self.freed = 0;
        Ok(())
    }
}
