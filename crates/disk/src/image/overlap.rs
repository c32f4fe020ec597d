//! Guest data must never land on an image's own tables, however damaged the tables are.
//!
//! Source: the tables of QEMU `docs/interop/qcow2.txt`; QEMU's driver makes the same test ("overlap checks").

use std::io;
use std::ops::Range;

use imago::{FormatAccess, Mapping};

use crate::overlay::Overlay;

/// Entries of L1 and refcount tables keep a cluster's offset here; the rest are flags and reserved bits.
const OFFSET_MASK: u64 = 0x00ff_ffff_ffff_fe00;
/// No table that passed the header check is larger.
const MAX_TABLE_BYTES: u64 = 32 << 20;
const SNAPSHOT_HEAD_BYTES: u64 = 40;
/// No header that passed its check counts more.
const SNAPSHOTS_MAX: u32 = 65536;

/// The places of an image's own structures in its file, in order and without overlap.
#[derive(Debug)]
pub(super) struct Tables(Vec<Range<u64>>);

impl Tables {
    /// Collects header, L1 and L2 tables, refcount table and blocks, snapshot table and the snapshots' L1 tables.
    pub(super) fn read(file: &Overlay) -> io::Result<Self> {
        let mut head = [0; 104];
        file.read(0, &mut head)?;
        let cluster_bits = u32_at(&head, 20).min(21);
        let cluster = 1 << cluster_bits;
        let (l1, l1_bytes) = (u64_at(&head, 40), u64::from(u32_at(&head, 36)) * 8);
        let (refcounts, refcount_clusters) = (u64_at(&head, 48), u64::from(u32_at(&head, 56)));
        let refcount_bytes = refcount_clusters << cluster_bits;
        let mut places = vec![0..cluster, span(l1, l1_bytes), span(refcounts, refcount_bytes)];
        for (offset, length) in [(l1, l1_bytes), (refcounts, refcount_bytes)] {
            for entry in read_table(file, offset, length)?.chunks_exact(8) {
                let place = u64_at(entry, 0) & OFFSET_MASK;
                if place != 0 {
                    places.push(span(place, cluster));
                }
            }
        }
        let mut position = u64_at(&head, 64);
        let snapshots = position;
        let count = u32_at(&head, 60);
        // The header passed its check when the image was opened, but damaged refcounts may have let it be written over since.
        if count > SNAPSHOTS_MAX {
            return Err(io::Error::other(format!("the header now counts {count} snapshots")));
        }
        for _ in 0..count {
            let mut entry = [0; SNAPSHOT_HEAD_BYTES as usize];
            file.read(position, &mut entry)?;
            places.push(span(u64_at(&entry, 0), u64::from(u32_at(&entry, 8)) * 8));
            let strings =
                u64::from(u32_at(&entry, 12) >> 16) + u64::from(u32_at(&entry, 12) & 0xffff);
            let length = SNAPSHOT_HEAD_BYTES + u64::from(u32_at(&entry, 36)) + strings;
            position = position.saturating_add(length.next_multiple_of(8));
        }
        places.push(snapshots..position);
        Ok(Self(merge(places)))
    }

    /// Refuses guest data at `offset` that is mapped to a place of the image's own.
    pub(super) fn check(
        &self,
        access: &FormatAccess<Overlay>,
        offset: u64,
        length: u64,
    ) -> io::Result<()> {
        let end = offset + length;
        let mut position = offset;
        while position < end {
            let (mapping, count) = access.get_mapping(position, end - position)?;
            if let Mapping::Raw { offset: place, writable: true, .. } = mapping
                && self.contains(place, count)
            {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!(
                        "the image's tables are damaged: guest offset {position:#x} is mapped to {place:#x}, \
                         where the image keeps a table; repair it with `qemu-img check -r all`"
                    ),
                ));
            }
            position += count.max(1);
        }
        Ok(())
    }

    fn contains(&self, place: u64, length: u64) -> bool {
        let end = place.saturating_add(length);
        let before = self.0.partition_point(|range| range.start < end);
        before.checked_sub(1).is_some_and(|index| self.0[index].end > place)
    }
}

fn span(offset: u64, length: u64) -> Range<u64> {
    offset..offset.saturating_add(length)
}

fn merge(mut places: Vec<Range<u64>>) -> Vec<Range<u64>> {
    places.retain(|place| !place.is_empty());
    places.sort_by_key(|place| place.start);
    let mut merged: Vec<Range<u64>> = Vec::new();
    for place in places {
        match merged.last_mut() {
            Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
            _ => merged.push(place),
        }
    }
    merged
}

fn read_table(file: &Overlay, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length.min(MAX_TABLE_BYTES) as usize];
    file.read(offset, &mut bytes)?;
    Ok(bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_merge_and_are_found() {
        let tables = Tables(merge(vec![40..50, 0..10, 10..12, 45..46, 20..20, 30..35]));
        assert_eq!(tables.0, [0..12, 30..35, 40..50]);
        for (place, length, found) in [
            (0, 1, true),
            (11, 1, true),
            (12, 18, false),
            (12, 19, true),
            (36, 4, false),
            (36, 5, true),
            (49, 10, true),
            (50, u64::MAX, false),
        ] {
            assert_eq!(tables.contains(place, length), found, "{place}+{length}");
        }
    }
}
