//! Which clusters files own: one bit each, kept for those parts of the volume where any is.

/// Clusters in one piece: 64 KiB of bits.
const PIECE: u64 = 1 << 19;
const WORDS: usize = (PIECE / 64) as usize;

/// A set of clusters.
pub(super) struct Clusters {
    pieces: Vec<Option<Box<[u64]>>>,
    pub(super) count: u64,
}

impl Clusters {
    pub(super) fn new(clusters: u64) -> Self {
        let pieces = usize::try_from(clusters.div_ceil(PIECE)).unwrap_or(0);
        Self { pieces: (0..pieces).map(|_| None).collect(), count: 0 }
    }

    /// Adds clusters; those that were there already are told to `twice` as (first, length).
    pub(super) fn add(&mut self, first: u64, length: u64, twice: &mut dyn FnMut(u64, u64)) {
        let mut at = first;
        let end = first.saturating_add(length);
        while at < end {
            let Some(piece) = self.pieces.get_mut((at / PIECE) as usize) else { return };
            let words = piece.get_or_insert_with(|| vec![0; WORDS].into_boxed_slice());
            let bit = at % 64;
            let count = (64 - bit).min(end - at);
            let mask = (u64::MAX >> (64 - count)) << bit;
            let Some(word) = words.get_mut((at % PIECE / 64) as usize) else { return };
            let mut both = *word & mask;
            self.count += u64::from((mask & !*word).count_ones());
            *word |= mask;
            while both != 0 {
                let start = u64::from(both.trailing_zeros());
                let run = u64::from((both >> start).trailing_ones());
                twice(at - bit + start, run);
                both &= !((u64::MAX >> (64 - run)) << start);
            }
            at += count;
        }
    }

    /// 64 clusters from `first`, a multiple of 64.
    pub(super) fn word(&self, first: u64) -> u64 {
        let piece = self.pieces.get((first / PIECE) as usize).and_then(Option::as_ref);
        piece.and_then(|words| words.get((first % PIECE / 64) as usize)).copied().unwrap_or(0)
    }
}

/// Ranges of clusters, joined where they meet, as many as are worth telling.
#[derive(Default)]
pub(super) struct Ranges {
    pub(super) list: Vec<(u64, u64)>,
    /// Clusters in all, those of ranges left out too.
    pub(super) clusters: u64,
}

/// Ranges kept.
const RANGES_MAX: usize = 1000;

impl Ranges {
    pub(super) fn add(&mut self, first: u64, length: u64) {
        self.clusters += length;
        if let Some((start, count)) = self.list.last_mut()
            && *start + *count == first
        {
            *count += length;
        } else if self.list.len() < RANGES_MAX {
            self.list.push((first, length));
        }
    }

    /// Puts the ranges in order and joins those that meet.
    pub(super) fn sort(&mut self) {
        self.list.sort_unstable();
        let mut joined: Vec<(u64, u64)> = Vec::new();
        for (first, length) in self.list.drain(..) {
            match joined.last_mut() {
                Some((start, count)) if *start + *count >= first => {
                    *count = (*count).max(first + length - *start);
                }
                _ => joined.push((first, length)),
            }
        }
        self.list = joined;
    }

    /// The first of the sorted ranges that meets these clusters, cut to them.
    pub(super) fn overlap(&self, first: u64, length: u64) -> Option<(u64, u64)> {
        let end = first.saturating_add(length);
        let at = self.list.partition_point(|(start, count)| start + count <= first);
        let (start, count) = self.list.get(at)?;
        let (from, to) = (first.max(*start), end.min(start + count));
        (from < to).then(|| (from, to - from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_that_are_added_twice_are_told() {
        let mut clusters = Clusters::new(PIECE * 3);
        let mut twice = Ranges::default();
        clusters.add(60, 10, &mut |_, _| panic!("all new"));
        clusters.add(PIECE - 1, 2, &mut |_, _| panic!("all new"));
        clusters.add(PIECE * 5, 2, &mut |_, _| panic!("past the end"));
        assert_eq!(clusters.count, 12);
        assert_eq!((clusters.word(0), clusters.word(64)), (0xf << 60, 0x3f));
        clusters.add(50, 70, &mut |first, length| twice.add(first, length));
        assert_eq!((twice.list, twice.clusters, clusters.count), (vec![(60, 10)], 10, 72));
    }
}
