//! The first sector of a volume: the fields that its boot code reckons with, and its copy.
//!
//! ```text
//! 0x00  3  jump over the fields
//! 0x03  8  NTFS, or the name of what made a FAT volume
//! 0x0b  2  bytes per sector
//! 0x0d  1  sectors per cluster
//! 0x18  2  sectors per track
//! 0x1a  2  heads
//! 0x1c  4  hidden sectors: where the partition starts
//! 0x28  8  sectors of an NTFS volume, behind which its copy lies
//! 0x30  8  cluster of the file table of an NTFS volume
//! 0x32  2  sector of a FAT32 volume's copy
//! 0x54     boot code of NTFS; 0x5a of FAT32, 0x3e of FAT12 and FAT16
//! ```
//!
//! Source: Microsoft, "FAT32 File System Specification" 1.03; linux-ntfs documentation, "$Boot".

use super::{BYTES, Geometry, SIGNATURE};

const CLUSTER_SECTORS: usize = 0x0D;
const NTFS_FILE_TABLE: usize = 0x30;
const SECTORS_PER_TRACK: usize = 0x18;
const HEADS: usize = 0x1A;
const HIDDEN: usize = 0x1C;
const NTFS_COPY_DISTANCE: usize = 0x28;
const FAT32_COPY_SECTOR: usize = 0x32;

/// The filesystem of a boot sector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeKind {
    /// NTFS.
    Ntfs,
    /// FAT32.
    Fat32,
    /// FAT12 or FAT16, which have no copy.
    Fat,
}

/// The boot sector of an NTFS or FAT volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeBootSector {
    bytes: [u8; BYTES],
    kind: VolumeKind,
    sector: u32,
}

/// What keeps a BIOS from starting Windows from a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeFault {
    /// There is no boot code.
    NoCode,
    /// The hidden sectors are not where the partition starts.
    Hidden {
        /// As stored.
        found: u32,
        /// The partition's first sector.
        expected: u32,
    },
    /// Heads or sectors per track are not the disk's.
    Geometry {
        /// As stored.
        found: Geometry,
        /// The disk's.
        expected: Geometry,
    },
}

/// Where the copy of a boot sector lies on a volume of so many bytes whose own sector does not tell: that of NTFS in the last
/// sector, that of FAT32 in the seventh, for either size of sectors.
pub fn copy_places(length: u64) -> impl Iterator<Item = (u64, VolumeKind)> {
    [512, 4096].into_iter().flat_map(move |size| {
        let last = length.checked_sub(size).map(|at| (at, VolumeKind::Ntfs));
        last.into_iter().chain([(6 * size, VolumeKind::Fat32)])
    })
}

impl VolumeBootSector {
    /// Reads the first sector of a volume; `None` for what is neither NTFS nor FAT.
    #[must_use]
    pub fn parse(bytes: &[u8; BYTES]) -> Option<Self> {
        if bytes[BYTES - 2..] != SIGNATURE || !matches!(bytes[0], 0xEB | 0xE9) {
            return None;
        }
        let word = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let sector = u32::from(word(0x0B));
        if !(256..=4096).contains(&sector) || !sector.is_power_of_two() || bytes[0x0D] == 0 {
            return None;
        }
        let kind = match &bytes[3..11] {
            b"NTFS    " => VolumeKind::Ntfs,
            // FAT32 has no sectors per table in the old place, and no fixed root folder.
            _ if (1..=2).contains(&bytes[0x10]) && word(0x0E) > 0 => {
                if word(0x16) == 0 && word(0x11) == 0 { VolumeKind::Fat32 } else { VolumeKind::Fat }
            }
            _ => return None,
        };
        Some(Self { bytes: *bytes, kind, sector })
    }

    /// The sector.
    #[must_use]
    pub fn bytes(&self) -> &[u8; BYTES] {
        &self.bytes
    }

    /// The filesystem.
    #[must_use]
    pub fn kind(&self) -> VolumeKind {
        self.kind
    }

    /// Hidden sectors.
    #[must_use]
    pub fn hidden(&self) -> u32 {
        u32::from_le_bytes([
            self.bytes[HIDDEN],
            self.bytes[HIDDEN + 1],
            self.bytes[HIDDEN + 2],
            self.bytes[HIDDEN + 3],
        ])
    }

    /// Heads and sectors per track.
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        let word = |at: usize| u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]);
        Geometry { heads: word(HEADS), sectors_per_track: word(SECTORS_PER_TRACK) }
    }

    /// Where the sector's copy lies, in bytes from the volume's start; `None` when there is none. The copy ends within what a number
    /// of 64 bits can tell, whatever the sector claims; whether it ends within the volume is for the caller to see.
    #[must_use]
    pub fn copy_offset(&self) -> Option<u64> {
        self.claimed_copy().filter(|at| at.checked_add(BYTES as u64).is_some())
    }

    fn claimed_copy(&self) -> Option<u64> {
        match self.kind {
            VolumeKind::Ntfs => {
                let sectors = self.bytes[NTFS_COPY_DISTANCE..].first_chunk::<8>()?;
                u64::from_le_bytes(*sectors).checked_mul(self.sector.into())
            }
            VolumeKind::Fat32 => {
                let at = FAT32_COPY_SECTOR;
                let sector = u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]);
                (!matches!(sector, 0 | 0xFFFF)).then(|| u64::from(sector) * u64::from(self.sector))
            }
            VolumeKind::Fat => None,
        }
    }

    /// Everything that keeps a BIOS from starting Windows from a volume whose partition starts at byte `start` of its disk.
    /// Without a `geometry` that is not looked at: Vista and later reckon with none.
    #[must_use]
    pub fn faults(&self, start: u64, geometry: Option<Geometry>) -> Vec<VolumeFault> {
        let mut faults = Vec::new();
        if !self.has_code() {
            faults.push(VolumeFault::NoCode);
        }
        if let Ok(expected) = u32::try_from(start / u64::from(self.sector)) {
            let found = self.hidden();
            if found != expected {
                faults.push(VolumeFault::Hidden { found, expected });
            }
        }
        if let Some(expected) = geometry.filter(|expected| *expected != self.geometry()) {
            faults.push(VolumeFault::Geometry { found: self.geometry(), expected });
        }
        faults
    }

    /// True where there is boot code. What it does is not looked at.
    #[must_use]
    pub fn has_code(&self) -> bool {
        self.bytes[self.code()..BYTES - 2].iter().any(|byte| *byte != 0)
    }

    /// True when boot code of this sector runs in another: the fields before it are laid out alike.
    #[must_use]
    pub fn may_lend_code_to(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.sector == other.sector
            && self.bytes[..3] == other.bytes[..3]
    }

    /// Takes the boot code of another sector, when it may: see [`VolumeBootSector::may_lend_code_to`].
    pub fn take_code(&mut self, from: &Self) -> bool {
        if !from.may_lend_code_to(self) || !from.has_code() {
            return false;
        }
        let code = self.code();
        self.bytes[code..BYTES - 2].copy_from_slice(&from.bytes[code..BYTES - 2]);
        true
    }

    /// Where the boot code begins.
    fn code(&self) -> usize {
        match self.kind {
            VolumeKind::Ntfs => 0x54,
            VolumeKind::Fat32 => 0x5A,
            VolumeKind::Fat => 0x3E,
        }
    }

    /// Where the file table of an NTFS volume begins, in bytes from the volume's start.
    #[must_use]
    pub fn file_table(&self) -> Option<u64> {
        let cluster = u64::from_le_bytes(*self.bytes[NTFS_FILE_TABLE..].first_chunk()?);
        // From 128 on, the number is that of the power of two, negated.
        let sectors = match self.bytes[CLUSTER_SECTORS] {
            count @ ..=128 => u64::from(count),
            power => 1_u64.checked_shl(256 - u32::from(power))?,
        };
        let at = cluster.checked_mul(sectors)?.checked_mul(self.sector.into())?;
        (self.kind == VolumeKind::Ntfs).then_some(at)
    }

    /// Puts right what a fault names. Returns false for missing boot code, which is not made up.
    pub fn mend(&mut self, fault: VolumeFault) -> bool {
        match fault {
            VolumeFault::NoCode => return false,
            VolumeFault::Hidden { expected, .. } => {
                self.bytes[HIDDEN..HIDDEN + 4].copy_from_slice(&expected.to_le_bytes());
            }
            VolumeFault::Geometry { expected, .. } => {
                let Geometry { heads, sectors_per_track } = expected;
                self.bytes[HEADS..HEADS + 2].copy_from_slice(&heads.to_le_bytes());
                self.bytes[SECTORS_PER_TRACK..SECTORS_PER_TRACK + 2]
                    .copy_from_slice(&sectors_per_track.to_le_bytes());
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ntfs() -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..3].copy_from_slice(&[0xEB, 0x52, 0x90]);
        bytes[3..11].copy_from_slice(b"NTFS    ");
        bytes[0x0B..0x0E].copy_from_slice(&[0, 2, 8]);
        bytes[SECTORS_PER_TRACK] = 63;
        bytes[HEADS] = 255;
        bytes[HIDDEN] = 63;
        bytes[NTFS_COPY_DISTANCE] = 100;
        bytes[0x54] = 0xFA;
        bytes[BYTES - 2..].copy_from_slice(&SIGNATURE);
        bytes
    }

    const USUAL: Geometry = Geometry { heads: 255, sectors_per_track: 63 };

    #[test]
    fn fields_are_checked_and_mended() {
        let mut sector = VolumeBootSector::parse(&ntfs()).unwrap();
        assert_eq!((sector.kind(), sector.copy_offset()), (VolumeKind::Ntfs, Some(51_200)));
        assert_eq!(sector.faults(63 * 512, Some(USUAL)), []);
        let narrow = Geometry { heads: 16, ..USUAL };
        let faults = sector.faults(1 << 20, Some(narrow));
        assert_eq!(
            faults,
            [
                VolumeFault::Hidden { found: 63, expected: 2048 },
                VolumeFault::Geometry { found: USUAL, expected: narrow },
            ]
        );
        assert!(faults.into_iter().all(|fault| sector.mend(fault)));
        assert_eq!(sector.faults(1 << 20, Some(narrow)), []);
        let mut bytes = ntfs();
        bytes[0x54] = 0;
        let mut without = VolumeBootSector::parse(&bytes).unwrap();
        assert_eq!(without.faults(63 * 512, None), [VolumeFault::NoCode]);
        assert!(!without.mend(VolumeFault::NoCode));
        assert!(!without.take_code(&without.clone()), "no code to take");
        let whole = VolumeBootSector::parse(&ntfs()).unwrap();
        assert!(without.take_code(&whole));
        assert_eq!(without, whole);
    }

    #[test]
    fn copies_past_every_end_are_none() {
        let last = (u64::MAX / 512).to_le_bytes();
        for sectors in [[0xFF; 8], last] {
            let mut bytes = ntfs();
            bytes[NTFS_COPY_DISTANCE..][..8].copy_from_slice(&sectors);
            assert_eq!(VolumeBootSector::parse(&bytes).unwrap().copy_offset(), None);
        }
    }

    #[test]
    fn what_is_no_boot_sector_is_none() {
        for (at, value) in [(0, 0), (BYTES - 1, 0), (0x0C, 3), (0x0D, 0), (3, b'X')] {
            let mut bytes = ntfs();
            bytes[at] = value;
            assert_eq!(VolumeBootSector::parse(&bytes), None, "byte {at:#x}");
        }
        assert_eq!(VolumeBootSector::parse(&[0; BYTES]), None);
        assert_eq!(VolumeBootSector::parse(&[0xFF; BYTES]), None);
    }
}
