//! Which parts of the file an edit changed.

use std::ops::Range;

/// Granularity of what is written back, bytes: one sector.
const PAGE: usize = 512;

/// One bit for every 512 bytes of the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct DirtyPages {
    words: Vec<u64>,
    any: bool,
}

impl DirtyPages {
    /// Notes that `length` bytes at `at` changed.
    pub(crate) fn mark(&mut self, at: usize, length: usize) {
        let Some(last) = length.checked_sub(1) else { return };
        let last = (at + last) / PAGE;
        if self.words.len() <= last / 64 {
            self.words.resize(last / 64 + 1, 0);
        }
        for page in at / PAGE..=last {
            if let Some(word) = self.words.get_mut(page / 64) {
                *word |= 1 << (page % 64);
            }
        }
        self.any = true;
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.any
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
    }
}
