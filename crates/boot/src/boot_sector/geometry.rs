//! Heads and sectors per track, as a BIOS would tell them.

/// The geometry that boot code reckons with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Heads: 1 to 255.
    pub heads: u16,
    /// Sectors per track: 1 to 63.
    pub sectors_per_track: u16,
}

impl Geometry {
    /// The sector that a place by cylinder, head and sector (from 1) is.
    pub(super) fn sector(self, cylinder: u16, head: u16, sector: u16) -> Option<u64> {
        let tracks = u64::from(cylinder) * u64::from(self.heads) + u64::from(head);
        Some(tracks * u64::from(self.sectors_per_track) + u64::from(sector.checked_sub(1)?))
    }
}
