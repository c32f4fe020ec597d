//! Where in the journal the newest record of each page is.

/// Positions of page records by page number, compact: records of adjacent pages that follow one another share an entry.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// In order of their pages, without overlap.
    runs: Vec<Run>,
}

/// Records of `count` adjacent pages, `stride` bytes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    page: u64,
    position: u64,
    count: u32,
    stride: u32,
}

impl Run {
    fn end(&self) -> u64 {
        self.page + u64::from(self.count)
    }

    /// The part of the run whose pages lie in `from..to`.
    fn part(&self, from: u64, to: u64) -> Option<Self> {
        let (from, to) = (from.max(self.page), to.min(self.end()));
        (from < to).then(|| Self {
            page: from,
            position: self.position + (from - self.page) * u64::from(self.stride),
            count: (to - from) as u32,
            stride: self.stride,
        })
    }
}

impl Index {
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Where the record of a page is.
    pub(crate) fn get(&self, page: u64) -> Option<u64> {
        let after = self.runs.partition_point(|run| run.end() <= page);
        let run = self.runs.get(after)?;
        (run.page <= page).then(|| run.position + (page - run.page) * u64::from(run.stride))
    }

    /// The pages of `from..to` in order, each with the position of its record.
    pub(crate) fn range(&self, from: u64, to: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        let first = self.runs.partition_point(|run| run.end() <= from);
        let parts = self.runs[first..].iter().take_while(move |run| run.page < to);
        parts.filter_map(move |run| run.part(from, to)).flat_map(|run| {
            let position = move |at| run.position + at * u64::from(run.stride);
            (0..u64::from(run.count)).map(move |at| (run.page + at, position(at)))
        })
    }

    /// All pages in order, each with the position of its record.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.range(0, u64::MAX)
    }

    /// Takes in newer records. Sorts them; of several with one page the last counts.
    pub(crate) fn extend(&mut self, mut newer: Vec<(u64, u64)>) {
        newer.sort_by_key(|(page, _)| *page);
        newer.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                *kept = *later;
            }
            same
        });
        let mut added: Vec<Run> = Vec::new();
        for (page, position) in newer {
            if let Some(last) = added.last_mut()
                && last.end() == page
                && last.count < u32::MAX
            {
                let step = position.checked_sub(last.position + last.step_to_last());
                let step = step.and_then(|step| u32::try_from(step).ok());
                if let Some(step) = step
                    && (last.count == 1 || step == last.stride)
                {
                    last.stride = step;
                    last.count += 1;
                    continue;
                }
            }
            added.push(Run { page, position, count: 1, stride: 0 });
        }
        let mut kept = Vec::with_capacity(self.runs.len() + added.len());
        for run in &self.runs {
            let mut from = run.page;
            let first = added.partition_point(|new| new.end() <= from);
            for new in added[first..].iter().take_while(|new| new.page < run.end()) {
                kept.extend(run.part(from, new.page));
                from = new.end();
            }
            kept.extend(run.part(from, run.end()));
        }
        kept.extend(added);
        // Two sorted parts: the sort merges them.
        kept.sort_by_key(|run| run.page);
        self.runs = kept;
    }
}

impl Run {
    fn step_to_last(&self) -> u64 {
        u64::from(self.count - 1) * u64::from(self.stride)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_newest_record_of_each_page_is_found() {
        let mut state = 7_u64;
        let mut next = |limit: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % limit
        };
        let (mut index, mut model) = (Index::default(), BTreeMap::new());
        let mut position = 48;
        for _ in 0..300 {
            let mut batch = Vec::new();
            let mut page = next(500);
            for _ in 0..next(40) {
                batch.push((page, position));
                position += 32 + 4096 * (1 + next(8) / 7);
                page = if next(6) == 0 { next(500) } else { page + 1 };
            }
            model.extend(batch.iter().copied());
            index.extend(batch);
            let (from, to) = (next(300), 200 + next(400));
            assert!(index.iter().eq(model.iter().map(|(page, at)| (*page, *at))));
            assert!(
                index.range(from, to).eq(model.iter().filter_map(|(page, at)| {
                    (from..to).contains(page).then_some((*page, *at))
                }))
            );
            let page = next(600);
            assert_eq!(index.get(page), model.get(&page).copied());
        }
    }

    #[test]
    fn adjacent_records_share_an_entry() {
        let mut index = Index::default();
        for batch in 0..10 {
            index.extend((0..4096).map(|at| (at + 4096 * batch, 48 + 4128 * at)).collect());
        }
        assert_eq!(index.runs.len(), 10);
    }
}
