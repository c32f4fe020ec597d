//! Which parts of the file an edit changed.

use std::ops::Range;

/// Granularity of what is written back, bytes: one sector.
const PAGE: usize = 512;

/// One bit for every 512 bytes of the file.
#[derive(Debug, Default)]
pub(crate) struct DirtyPages {
    words: Vec<u64>,
    /// Bits that are set.
    marked: usize,
}

impl DirtyPages {
    /// Notes that `length` bytes at `at` changed.
    pub(crate) fn mark(&mut self, at: usize, length: usize) {
        self.mark_noting(at, length, None);
    }

    /// As [`DirtyPages::mark`], and adds to `new` the pages that were not marked before.
    pub(crate) fn mark_noting(
        &mut self,
        at: usize,
        length: usize,
        mut new: Option<&mut Vec<usize>>,
    ) {
        let Some(last) = length.checked_sub(1) else { return };
        let last = (at + last) / PAGE;
        if self.words.len() <= last / 64 {
            self.words.resize(last / 64 + 1, 0);
        }
        for page in at / PAGE..=last {
            let bit = 1 << (page % 64);
            if let Some(word) = self.words.get_mut(page / 64).filter(|word| **word & bit == 0) {
                *word |= bit;
                self.marked += 1;
                if let Some(new) = &mut new {
                    new.push(page);
                }
            }
        }
    }

    /// Takes the marks of these pages back.
    pub(crate) fn unmark(&mut self, pages: &[usize]) {
        for page in pages {
            let bit = 1 << (page % 64);
            if let Some(word) = self.words.get_mut(page / 64).filter(|word| **word & bit != 0) {
                *word &= !bit;
                self.marked -= 1;
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.marked == 0
    }

    /// The marked ranges, merged and sorted, cut at `length`.
    pub(crate) fn ranges(&self, length: usize) -> Vec<Range<u64>> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for (index, word) in self.words.iter().enumerate() {
            let mut left = *word;
            while left != 0 {
                let page = index * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                let start = (page * PAGE).min(length) as u64;
                let end = ((page + 1) * PAGE).min(length) as u64;
                match ranges.last_mut() {
                    Some(last) if last.end == start => last.end = end,
                    _ => ranges.push(start..end),
                }
            }
        }
        ranges.retain(|range| !range.is_empty());
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_merge_and_the_end_is_cut() {
        let mut dirty = DirtyPages::default();
        assert!(dirty.is_empty());
        dirty.mark(0, 0);
        assert!(dirty.is_empty());
        dirty.mark(4, 8);
        dirty.mark(511, 2);
        dirty.mark(64 * 512 - 1, 2);
        dirty.mark(100_000, 4);
        assert_eq!(dirty.ranges(100_003), [0..1024, 32256..33280, 99840..100_003]);
        let mut new = Vec::new();
        dirty.mark_noting(1000, 600, Some(&mut new));
        assert_eq!(new, [2, 3]);
        dirty.unmark(&new);
        assert_eq!(dirty.ranges(100_003), [0..1024, 32256..33280, 99840..100_003]);
    }
}
