//! The master boot record: boot code, the active flag, and what the table says of the disk's geometry.
//!
//! ```text
//! 0x000  440  boot code
//! 0x1b8    4  disk signature
//! 0x1be   64  four entries of 16 bytes: boot flag, first sector as CHS, type, last sector as CHS, start, sectors
//! 0x1fe    2  55 AA
//! ```

use super::{BYTES, Geometry, SIGNATURE};

const CODE: usize = 440;
const ENTRIES: usize = 0x1BE;
const ENTRY_BYTES: usize = 16;
const ACTIVE: u8 = 0x80;

/// A master boot record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterBootRecord {
    bytes: [u8; BYTES],
}

impl MasterBootRecord {
    /// Takes the first sector of a disk.
    #[must_use]
    pub fn new(bytes: [u8; BYTES]) -> Self {
        Self { bytes }
    }

    /// The sector.
    #[must_use]
    pub fn bytes(&self) -> &[u8; BYTES] {
        &self.bytes
    }

    /// True where a BIOS finds something to start: boot code, and the mark at the sector's end.
    #[must_use]
    pub fn has_code(&self) -> bool {
        self.bytes[BYTES - 2..] == SIGNATURE && self.bytes[..CODE].iter().any(|byte| *byte != 0)
    }

    /// Numbers of the primary partitions that are active, from 1.
    #[must_use]
    pub fn active(&self) -> Vec<u32> {
        (1..=4)
            .filter(|number| self.entry(*number).is_some_and(|entry| entry[0] == ACTIVE))
            .collect()
    }

    /// Makes one primary partition the active one. Returns false when it is already so, or there is no such partition.
    pub fn set_active(&mut self, number: u32) -> bool {
        if self.active() == [number] || self.entry(number).is_none_or(|entry| entry[4] == 0) {
            return false;
        }
        for (index, entry) in
            self.bytes[ENTRIES..][..4 * ENTRY_BYTES].chunks_exact_mut(ENTRY_BYTES).enumerate()
        {
            entry[0] = if index as u32 + 1 == number { ACTIVE } else { 0 };
        }
        true
    }

    /// The geometry that the table was made for: the one in which the place where a partition ends, by cylinder, head and sector,
    /// is its last sector. `None` where the table does not tell, as with partitions that end inside a cylinder.
    #[must_use]
    pub fn geometry(&self) -> Option<Geometry> {
        let mut told: Vec<Geometry> =
            (1..=4).filter_map(|number| told_by(self.entry(number)?)).collect();
        told.dedup();
        match told.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    fn entry(&self, number: u32) -> Option<&[u8]> {
        let index = usize::try_from(number.checked_sub(1)?).ok().filter(|index| *index < 4)?;
        self.bytes[ENTRIES..].get(index * ENTRY_BYTES..(index + 1) * ENTRY_BYTES)
    }
}

/// The geometry that an entry was made for.
fn told_by(entry: &[u8]) -> Option<Geometry> {
    let long = |at: usize| Some(u32::from_le_bytes(*entry.get(at..)?.first_chunk()?));
    // Ten bits of cylinder: two of them above the sector.
    let [head, low, high] = *entry.get(5..)?.first_chunk()?;
    let (head, sector) = (u16::from(head), u16::from(low & 0x3F));
    let cylinder = u16::from(low & 0xC0) << 2 | u16::from(high);
    let (start, sectors) = (u64::from(long(8)?), u64::from(long(12)?));
    if entry.get(4) == Some(&0) || sectors == 0 || head == 0 || head > 254 {
        return None;
    }
    let geometry = Geometry { heads: head + 1, sectors_per_track: sector };
    let last = start + sectors - 1;
    let is_last = geometry.sector(cylinder, head, sector) == Some(last);
    // Beyond the last cylinder that can be told, every partition ends on head 254.
    let is_beyond = (head, sector, cylinder) == (254, 63, 1023)
        && geometry.sector(cylinder, head, sector).is_some_and(|told| told < last);
    (is_last || is_beyond).then_some(geometry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> MasterBootRecord {
        let mut bytes = [0; BYTES];
        bytes[0] = 0x33;
        bytes[ENTRIES..ENTRIES + 16]
            .copy_from_slice(&[0x80, 1, 1, 0, 7, 0xFE, 0xFF, 0xFF, 63, 0, 0, 0, 0, 0, 0, 1]);
        bytes[ENTRIES + 16 + 4] = 7;
        bytes[BYTES - 2..].copy_from_slice(&SIGNATURE);
        MasterBootRecord::new(bytes)
    }

    #[test]
    fn one_partition_is_active() {
        let mut record = record();
        assert!(record.has_code());
        assert_eq!(record.geometry(), Some(Geometry { heads: 255, sectors_per_track: 63 }));
        assert!(!record.set_active(1) && !record.set_active(3) && !record.set_active(0));
        assert!(!record.set_active(5));
        assert!(record.set_active(2));
        assert_eq!(record.active(), [2]);
        assert!(record.set_active(1));
        assert_eq!(record, self::record(), "nothing else changed");
    }

    #[test]
    fn geometries_are_told_by_ends_that_fit() {
        let told = |end: [u8; 3], start: u32, sectors: u32| {
            let mut entry = [&[0, 1, 1, 0, 7], &end[..], &start.to_le_bytes()].concat();
            entry.extend(sectors.to_le_bytes());
            told_by(&entry).map(|found| (found.heads, found.sectors_per_track))
        };
        // Ten cylinders of 16 heads, from the second track on.
        assert_eq!(told([15, 63, 9], 63, 10 * 16 * 63 - 63), Some((16, 63)));
        // The same end, where the partition ends elsewhere.
        assert_eq!(told([15, 63, 9], 63, 10 * 16 * 63), None);
        assert_eq!(told([10, 20, 9], 2048, 100_000), None);
        assert_eq!(told([254, 0xFF, 0xFF], 2048, 1 << 30), Some((255, 63)));
        assert_eq!(told([254, 0xFF, 0xFF], 2048, 1 << 20), None);
        assert_eq!(told([255, 0xFF, 0xFF], 2048, 1 << 30), None);
    }

    #[test]
    fn code_counts_with_the_mark_behind_it() {
        for at in [0, BYTES - 1] {
            let mut bytes = *record().bytes();
            bytes[at] = 0;
            assert!(!MasterBootRecord::new(bytes).has_code(), "byte {at:#x}");
        }
    }
}
