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
    /// The geometry that a BIOS has for a disk of that many sectors whose partition table says nothing: LBA assistance.
    ///
    /// Source: Phoenix, "BIOS Enhanced Disk Drive Specification" 1.1, "LBA assisted translation".
    #[must_use]
    pub fn assisted(disk_sectors: u64) -> Self {
        let cylinders_of_16 = disk_sectors / 63 / 1024;
        let heads = match cylinders_of_16 {
            0..=16 => 16,
            17..=32 => 32,
            33..=64 => 64,
            65..=128 => 128,
            _ => 255,
        };
        Self { heads, sectors_per_track: 63 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assisted_geometries_follow_the_size() {
        for (bytes, heads) in [(100 << 20, 16), (1_u64 << 30, 64), (4 << 30, 255), (1 << 40, 255)] {
            let found = Geometry::assisted(bytes / 512);
            assert_eq!((found.heads, found.sectors_per_track), (heads, 63), "{bytes}");
        }
    }
}
