//! What was written to the image file ahead of the commit: ranges that held nothing but zeros before.

use std::collections::BTreeMap;
use std::io;

use crate::host::HostFile;

/// A medium writes this many bytes whole, or not at all.
pub(crate) const SECTOR: usize = 512;

/// Ranges of an image file that were zeros before the transaction wrote to them, by their first byte, without overlap.
#[derive(Debug, Default, Clone)]
pub(crate) struct Extents(BTreeMap<u64, Extent>);

#[derive(Debug, Clone, Copy)]
struct Extent {
    end: u64,
    /// It was a hole, not stored zeros.
    hole: bool,
}

impl Extents {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The end of the last range, 0 when there is none.
    pub(crate) fn end(&self) -> u64 {
        self.0.last_key_value().map_or(0, |(_, extent)| extent.end)
    }

    /// Every range with its end, and whether it was a hole, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u64, bool)> + '_ {
        self.0.iter().map(|(start, extent)| (*start, extent.end, extent.hole))
    }

    /// Adds a range that overlaps none before.
    pub(crate) fn add(&mut self, offset: u64, length: u64, hole: bool) {
        let end = offset + length;
        if let Some((_, before)) = self.0.range_mut(..=offset).next_back()
            && before.end == offset
            && before.hole == hole
        {
            before.end = end;
            return;
        }
        self.0.insert(offset, Extent { end, hole });
    }

    /// The parts of `offset..offset + length` that lie in a range.
    pub(crate) fn within(&self, offset: u64, length: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        let end = offset + length;
        let first = self.0.range(..=offset).next_back().map_or(offset, |(start, _)| *start);
        self.0.range(first..end.max(first)).filter_map(move |(start, extent)| {
            let (from, to) = ((*start).max(offset), extent.end.min(end));
            (from < to).then_some((from, to))
        })
    }

    /// True when any byte of `offset..offset + length` lies in a range.
    pub(crate) fn touch(&self, offset: u64, length: u64) -> bool {
        self.within(offset, length).next().is_some()
    }

    /// Makes the parts of `buf`, read from `offset`, what they were.
    pub(crate) fn mask(&self, offset: u64, buf: &mut [u8]) {
        for (from, to) in self.within(offset, buf.len() as u64) {
            buf[(from - offset) as usize..(to - offset) as usize].fill(0);
        }
    }

    /// Turns the ranges into zeros, and cuts the file where it is longer than `length`. Not durable before the file is synced.
    pub(crate) fn take_back(&self, file: &dyn HostFile, length: u64) -> io::Result<()> {
        if file.len()? > length {
            file.set_len(length)?;
        }
        for (offset, extent) in &self.0 {
            let end = extent.end.min(length);
            if *offset < end {
                file.zero(*offset, end - *offset, extent.hole)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_join_and_are_found() {
        let mut extents = Extents::default();
        extents.add(100, 10, true);
        extents.add(110, 10, true);
        extents.add(120, 10, false);
        extents.add(50, 10, true);
        assert_eq!((extents.0.len(), extents.end()), (3, 130));
        let found = |at, length| extents.within(at, length).collect::<Vec<_>>();
        assert_eq!(found(0, 50), []);
        assert_eq!(found(0, 1000), [(50, 60), (100, 120), (120, 130)]);
        assert_eq!(found(55, 46), [(55, 60), (100, 101)]);
        assert_eq!(found(130, 9), []);
        assert!(extents.touch(129, 1) && !extents.touch(60, 40));
        let mut bytes = [7; 20];
        extents.mask(50, &mut bytes);
        assert_eq!(bytes, [[0; 10], [7; 10]].concat()[..]);
    }
}
