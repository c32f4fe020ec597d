//! Where a qcow2 image keeps its own structures, and what each guest cluster is mapped to, read beside the format driver.
//!
//! Source: QEMU `docs/interop/qcow2.txt`, "Header", "Host cluster management", "Cluster mapping", "Snapshots".

use std::io;
use std::ops::Range;

/// Entries of L1, L2 and refcount tables keep a cluster's offset here; the rest are flags and reserved bits.
pub(super) const OFFSET_MASK: u64 = 0x00ff_ffff_ffff_fe00;
const COMPRESSED: u64 = 1 << 62;
/// No table that passed the header check is larger.
const MAX_TABLE_BYTES: u64 = 32 << 20;
const SNAPSHOT_HEAD_BYTES: u64 = 40;
/// No header that passed its check counts more.
const SNAPSHOTS_MAX: u32 = 65536;

/// Reads bytes of the image file from an offset; zeros past its end.
pub(super) type Read<'a> = dyn Fn(u64, &mut [u8]) -> io::Result<()> + 'a;

/// The places that the header and the snapshot table name, in bytes of the image file.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) cluster_bits: u32,
    pub(super) l1: Range<u64>,
    pub(super) refcount_table: Range<u64>,
    /// Bits of a refcount, as a power of two.
    pub(super) refcount_order: u32,
    pub(super) snapshot_table: Range<u64>,
    /// The L1 tables of the snapshots.
    pub(super) snapshot_l1: Vec<Range<u64>>,
}

impl Layout {
    pub(super) fn read(read: &Read<'_>) -> io::Result<Self> {
        let mut head = [0; 104];
        read(0, &mut head)?;
        let cluster_bits = u32_at(&head, 20).min(21);
        let refcount_bytes = u64::from(u32_at(&head, 56)) << cluster_bits;
        let mut position = u64_at(&head, 64);
        let snapshots = position;
        let count = u32_at(&head, 60);
        // The header passed its check when the image was opened, but damaged refcounts may have let it be written over since.
        if count > SNAPSHOTS_MAX {
            return Err(io::Error::other(format!("the header now counts {count} snapshots")));
        }
        let mut snapshot_l1 = Vec::new();
        for _ in 0..count {
            let mut entry = [0; SNAPSHOT_HEAD_BYTES as usize];
            read(position, &mut entry)?;
            snapshot_l1.push(span(u64_at(&entry, 0), u64::from(u32_at(&entry, 8)) * 8));
            let strings =
                u64::from(u32_at(&entry, 12) >> 16) + u64::from(u32_at(&entry, 12) & 0xffff);
            let length = SNAPSHOT_HEAD_BYTES + u64::from(u32_at(&entry, 36)) + strings;
            position = position.saturating_add(length.next_multiple_of(8));
        }
        Ok(Self {
            cluster_bits,
            l1: span(u64_at(&head, 40), u64::from(u32_at(&head, 36)) * 8),
            refcount_table: span(u64_at(&head, 48), refcount_bytes),
            refcount_order: if u32_at(&head, 4) == 2 { 4 } else { u32_at(&head, 96).min(6) },
            snapshot_table: snapshots..position,
            snapshot_l1,
        })
    }

    pub(super) fn cluster_bytes(&self) -> u64 {
        1 << self.cluster_bits
    }

    /// Header, L1 and L2 tables, refcount table and blocks, snapshot table and the snapshots' L1 tables, one by one.
    pub(super) fn tables(&self, read: &Read<'_>) -> io::Result<Vec<Range<u64>>> {
        let cluster = self.cluster_bytes();
        let mut places = vec![
            0..cluster,
            self.l1.clone(),
            self.refcount_table.clone(),
            self.snapshot_table.clone(),
        ];
        for table in [&self.l1, &self.refcount_table] {
            places.extend(pointers(read, table)?.map(|place| span(place, cluster)));
        }
        places.extend(self.snapshot_l1.iter().cloned());
        places.retain(|place| !place.is_empty());
        Ok(places)
    }
}

/// The clusters that a table of the first level points to.
pub(super) fn pointers(
    read: &Read<'_>,
    table: &Range<u64>,
) -> io::Result<impl Iterator<Item = u64> + use<>> {
    let mut bytes = vec![0; (table.end - table.start).min(MAX_TABLE_BYTES) as usize];
    read(table.start, &mut bytes)?;
    let count = bytes.len() / 8;
    let places = (0..count).map(move |index| u64_at(&bytes, 8 * index) & OFFSET_MASK);
    Ok(places.filter(|place| *place != 0))
}

/// The bytes of the image file that an L2 entry refers to, if any.
pub(super) fn mapped(entry: u64, cluster_bits: u32) -> Option<Range<u64>> {
    if entry & COMPRESSED == 0 {
        let place = entry & OFFSET_MASK;
        return (place != 0).then(|| span(place, 1 << cluster_bits));
    }
    let bits = 62 - (cluster_bits - 8);
    let place = entry & ((1 << bits) - 1);
    let sectors = (entry & (COMPRESSED - 1)) >> bits;
    Some(place..(place & !511).saturating_add((sectors + 1) * 512))
}

/// Looks guest clusters up, one after the other.
pub(super) struct Lookup<'a> {
    read: &'a Read<'a>,
    l1: Range<u64>,
    cluster_bits: u32,
    /// The L2 table used last, and its number.
    l2: (u64, Vec<u8>),
}

impl<'a> Lookup<'a> {
    pub(super) fn new(read: &'a Read<'a>, layout: &Layout) -> Self {
        let (l1, cluster_bits) = (layout.l1.clone(), layout.cluster_bits);
        Self { read, l1, cluster_bits, l2: (u64::MAX, Vec::new()) }
    }

    /// The place of an uncompressed guest cluster.
    pub(super) fn place(&mut self, cluster: u64) -> io::Result<Option<u64>> {
        let entries = (1 << self.cluster_bits) / 8;
        let table = cluster / entries;
        if self.l2.0 != table {
            self.l2 = (table, self.table(table)?);
        }
        let entry = u64_at(&self.l2.1, (cluster % entries) as usize * 8);
        let place = (entry & COMPRESSED == 0).then_some(entry & OFFSET_MASK);
        Ok(place.filter(|place| *place != 0))
    }

    fn table(&self, number: u64) -> io::Result<Vec<u8>> {
        let at = self.l1.start + number * 8;
        let mut entry = [0; 8];
        if at < self.l1.end {
            (self.read)(at, &mut entry)?;
        }
        let mut bytes = Vec::new();
        let place = u64::from_be_bytes(entry) & OFFSET_MASK;
        if place != 0 {
            bytes.resize(1 << self.cluster_bits, 0);
            (self.read)(place, &mut bytes)?;
        }
        Ok(bytes)
    }
}

pub(super) fn span(offset: u64, length: u64) -> Range<u64> {
    offset..offset.saturating_add(length)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_name_clusters_and_sectors() {
        assert_eq!(mapped(0, 16), None);
        assert_eq!(mapped(1, 16), None, "zeros without a cluster");
        assert_eq!(mapped((1 << 63) | 0x5_0000, 16), Some(0x5_0000..0x6_0000));
        // With clusters of 64 KiB, 54 bits of offset; two sectors more than the one it begins in.
        assert_eq!(mapped((1 << 62) | (2 << 54) | 0x5_0123, 16), Some(0x5_0123..0x5_0600));
    }
}
