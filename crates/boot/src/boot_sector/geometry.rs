//! Heads and sectors per track, as a BIOS would tell them.

use super::MasterBootRecord;

/// Sectors that 1024 cylinders of the largest geometry have: no BIOS tells a larger disk otherwise.
const LARGEST: u64 = 1024 * 255 * 63;

/// The geometry that boot code reckons with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Heads: 1 to 255.
    pub heads: u16,
    /// Sectors per track: 1 to 63.
    pub sectors_per_track: u16,
}

impl Geometry {
    /// What a BIOS tells of a disk with so many sectors of 512 bytes: the largest geometry of one that is larger than 8.4 GB, else
    /// the one that the partition table was made for. `None` where the table does not tell.
    ///
    /// Source: Phoenix, "BIOS Enhanced Disk Drive Specification" 1.1, LBA-assisted translation; SeaBIOS `setup_translation` and QEMU
    /// `guess_disk_lchs`, which ask disk size and partition table.
    #[must_use]
    pub fn of_disk(sectors: u64, master: &MasterBootRecord) -> Option<Self> {
        if sectors >= LARGEST {
            return Some(Self { heads: 255, sectors_per_track: 63 });
        }
        master.geometry()
    }

    /// The sector that a place by cylinder, head and sector (from 1) is.
    pub(super) fn sector(self, cylinder: u16, head: u16, sector: u16) -> Option<u64> {
        let tracks = u64::from(cylinder) * u64::from(self.heads) + u64::from(head);
        Some(tracks * u64::from(self.sectors_per_track) + u64::from(sector.checked_sub(1)?))
    }
}
