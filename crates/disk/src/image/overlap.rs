//! Guest data must never land on an image's own tables, however damaged the tables are.
//!
//! Source: the tables of QEMU `docs/interop/qcow2.txt`; QEMU's driver makes the same test ("overlap checks").

use std::io;
use std::ops::Range;

use imago::{FormatAccess, Mapping};

use super::layout::{Layout, Read};
use crate::overlay::Overlay;

/// The places of an image's own structures in its file, in order and without overlap.
#[derive(Debug)]
pub(super) struct Tables(Vec<Range<u64>>);

impl Tables {
    pub(super) fn read(read: &Read<'_>) -> io::Result<Self> {
        Ok(Self(merge(Layout::read(read)?.tables(read)?)))
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
