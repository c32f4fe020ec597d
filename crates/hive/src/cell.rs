//! Cells: where they start, which are free.

use crate::base_block::BASE_BLOCK_SIZE;
use std::collections::BTreeSet;

/// Offset of a cell from the first bin, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CellOffset(pub(crate) u32);

impl CellOffset {
    /// "No cell".
    pub(crate) const NONE: Self = Self(u32::MAX);

    /// Offset from the start of the file, bytes.
    pub(crate) fn in_file(self) -> u64 {
        u64::from(BASE_BLOCK_SIZE) + u64::from(self.0)
    }
}

/// Every cell's size is a multiple of this, and its least size.
pub(crate) const CELL_UNIT: u32 = 8;

/// The size field before a cell's payload, bytes.
pub(crate) const CELL_HEADER: u32 = 4;

/// One bit for every place where a cell may start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CellSet {
    words: Vec<u64>,
}

impl CellSet {
    /// An empty set for bins of `length` bytes in all.
    pub(crate) fn new(length: u32) -> Self {
        Self { words: vec![0; (length / CELL_UNIT).div_ceil(64) as usize] }
    }

    /// Makes room for bins of `length` bytes.
    pub(crate) fn grow(&mut self, length: u32) {
        let words = (length / CELL_UNIT).div_ceil(64) as usize;
        if words > self.words.len() {
            self.words.resize(words, 0);
        }
    }

    pub(crate) fn insert(&mut self, at: u32) {
        let bit = at / CELL_UNIT;
        if let Some(word) = self.words.get_mut((bit / 64) as usize) {
            *word |= 1 << (bit % 64);
        }
    }

    pub(crate) fn remove(&mut self, at: u32) {
        let bit = at / CELL_UNIT;
        if let Some(word) = self.words.get_mut((bit / 64) as usize) {
            *word &= !(1 << (bit % 64));
        }
    }

    pub(crate) fn contains(&self, at: u32) -> bool {
        let bit = at / CELL_UNIT;
        at.is_multiple_of(CELL_UNIT)
            && self.words.get((bit / 64) as usize).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    /// The greatest member below `at`.
    pub(crate) fn before(&self, at: u32) -> Option<u32> {
        let bit = at / CELL_UNIT;
        let mut index = (bit / 64) as usize;
        let mut word = self.words.get(index).copied().unwrap_or(0) & ((1u64 << (bit % 64)) - 1);
        loop {
            if word != 0 {
                let found = index as u64 * 64 + u64::from(63 - word.leading_zeros());
                return u32::try_from(found * u64::from(CELL_UNIT)).ok();
            }
            index = index.checked_sub(1)?;
            word = self.words.get(index).copied().unwrap_or(0);
        }
    }
}

/// Free cells ordered by size, then by place.
#[derive(Debug, Clone, Default)]
pub(crate) struct FreeCells {
    by_size: BTreeSet<(u32, u32)>,
    /// The one that came last, (size, place): what is left of a cell is mostly the next to be taken.
    last: Option<(u32, u32)>,
}

impl FreeCells {
    /// Adds a cell, which is not yet there.
    pub(crate) fn insert(&mut self, at: u32, size: u32) {
        debug_assert!(self.last != Some((size, at)) && !self.by_size.contains(&(size, at)));
        self.by_size.extend(self.last.replace((size, at)));
    }

    pub(crate) fn remove(&mut self, at: u32, size: u32) {
        if self.last == Some((size, at)) {
            self.last = None;
        } else {
            self.by_size.remove(&(size, at));
        }
    }

    /// The smallest free cell of at least `size` bytes, the lowest of equals: (place, size).
    pub(crate) fn best_fit(&self, size: u32) -> Option<(u32, u32)> {
        let last = self.last.filter(|(room, _)| *room >= size);
        // Most of the others are what is left of full bins.
        let other = match self.by_size.last() {
            Some((largest, _)) if *largest >= size => self.by_size.range((size, 0)..).next(),
            _ => None,
        };
        let best = match (last, other.copied()) {
            (Some(last), Some(other)) => Some(last.min(other)),
            (last, other) => last.or(other),
        };
        best.map(|(size, at)| (at, size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cell_before_is_found_across_words() {
        let mut set = CellSet::new(8192);
        set.insert(32);
        set.insert(4096);
        assert_eq!(set.before(4096), Some(32));
        assert_eq!(set.before(4104), Some(4096));
        assert_eq!(set.before(32), None);
        assert!(set.contains(32) && !set.contains(33) && !set.contains(40));
        set.remove(32);
        assert_eq!(set.before(4096), None);
    }

    #[test]
    fn the_best_fit_is_the_smallest_then_the_lowest() {
        let mut free = FreeCells::default();
        free.insert(400, 64);
        free.insert(100, 64);
        free.insert(900, 48);
        free.insert(10, 4000);
        assert_eq!(free.best_fit(40), Some((900, 48)));
        assert_eq!(free.best_fit(56), Some((100, 64)));
        assert_eq!(free.best_fit(65), Some((10, 4000)));
        assert_eq!(free.best_fit(4001), None);
    }
}
