//! Pages kept above something that is only read.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

/// Bytes per page.
pub(crate) const PAGE: usize = 4096;
/// [`PAGE`] as an offset.
pub(crate) const PAGE_BYTES: u64 = PAGE as u64;

/// Buffers of dropped pages kept for the next ones (12 MiB): returning them to the system costs more than filling them.
const SPARE_MAX: usize = 12 << 8;

/// Whole pages that stand in for those of whatever lies below. Bytes past the end of the last page's device are zero.
#[derive(Default)]
pub(crate) struct Pages {
    pages: BTreeMap<u64, Page>,
    /// Buffers of a page each, with whatever is in them.
    spare: Vec<Box<[u8]>>,
}

/// A page and what is known of it.
pub(crate) struct Page {
    pub(crate) bytes: Box<[u8]>,
    /// Every byte that was written to it belongs to a place that nothing named when the transaction began.
    pub(crate) fresh: bool,
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pages", self.pages.len())
    }
}

impl Pages {
    pub(crate) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.pages.len()
    }

    pub(crate) fn clear(&mut self) {
        for (_, page) in std::mem::take(&mut self.pages) {
            self.drop_page(page);
        }
    }

    /// Takes the pages of these ranges, offsets and lengths, out. They all are there.
    pub(crate) fn take(&mut self, ranges: impl Iterator<Item = (u64, u64)> + Clone) -> Self {
        let numbers = |(offset, length)| offset / PAGE_BYTES..(offset + length) / PAGE_BYTES;
        let all = ranges.clone().map(|(_, length)| length / PAGE_BYTES).sum::<u64>();
        let mut taken = Self::default();
        if all == self.pages.len() as u64 {
            taken.pages = std::mem::take(&mut self.pages);
            return taken;
        }
        for number in ranges.flat_map(numbers) {
            taken.pages.extend(self.pages.remove(&number).map(|page| (number, page)));
        }
        taken
    }

    /// Puts pages where there are none.
    pub(crate) fn put_below(&mut self, older: Self) {
        for (number, page) in older.pages {
            self.pages.entry(number).or_insert(page);
        }
    }

    /// Keeps the buffers of pages that are needed no more.
    pub(crate) fn reuse(&mut self, pages: Self) {
        for (_, page) in pages.pages {
            self.drop_page(page);
        }
    }

    fn drop_page(&mut self, page: Page) {
        if self.spare.len() < SPARE_MAX {
            self.spare.push(page.bytes);
        }
    }

    /// Every page with the offset of its first byte, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Page)> {
        self.pages.iter().map(|(number, page)| (number * PAGE_BYTES, page))
    }

    /// The pages from `offset` on.
    pub(crate) fn iter_from(&self, offset: u64) -> impl Iterator<Item = (u64, &Page)> {
        let pages = self.pages.range(offset / PAGE_BYTES..);
        pages.map(|(number, page)| (number * PAGE_BYTES, page))
    }

    /// Drops the page at `offset`.
    pub(crate) fn remove(&mut self, offset: u64) {
        if let Some(page) = self.pages.remove(&(offset / PAGE_BYTES)) {
            self.drop_page(page);
        }
    }

    /// Says that the page at `offset`, if there is one, holds fresh bytes only.
    pub(crate) fn mark_fresh(&mut self, offset: u64) {
        if let Some(page) = self.pages.get_mut(&(offset / PAGE_BYTES)) {
            page.fresh = true;
        }
    }

    /// Drops the pages that `keep` refuses; stops asking at its first error.
    pub(crate) fn retain<E>(
        &mut self,
        mut keep: impl FnMut(u64, &[u8]) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut failed = Ok(());
        self.pages.retain(|number, page| match (&failed, keep(number * PAGE_BYTES, &page.bytes)) {
            (Err(_), _) => true,
            (Ok(()), Ok(keep)) => keep,
            (Ok(()), Err(error)) => {
                failed = Err(error);
                true
            }
        });
        failed
    }

    /// Fills `buf` from `offset`: pages kept here first, the rest through `below`.
    pub(crate) fn read<E>(
        &self,
        offset: u64,
        buf: &mut [u8],
        mut below: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let end = offset + buf.len() as u64;
        let mut position = offset;
        let pages = self.pages.range(offset / PAGE_BYTES..end.div_ceil(PAGE_BYTES));
        for (number, page) in pages {
            let start = number * PAGE_BYTES;
            let from = start.max(offset);
            let to = (start + PAGE_BYTES).min(end);
            if position < from {
                below(position, &mut buf[(position - offset) as usize..(from - offset) as usize])?;
            }
            buf[(from - offset) as usize..(to - offset) as usize]
                .copy_from_slice(&page.bytes[(from - start) as usize..(to - start) as usize]);
            position = to;
        }
        if position < end {
            below(position, &mut buf[(position - offset) as usize..])?;
        }
        Ok(())
    }

    /// Puts `data` at `offset`. A page that it covers in part is read first through `below`, up to `limit`.
    pub(crate) fn write<E>(
        &mut self,
        offset: u64,
        data: &[u8],
        fresh: bool,
        limit: u64,
        mut below: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut done = 0;
        while done < data.len() {
            let position = offset + done as u64;
            let number = position / PAGE_BYTES;
            let start = number * PAGE_BYTES;
            let within = (position - start) as usize;
            let count = (PAGE - within).min(data.len() - done);
            let part = &data[done..done + count];
            done += count;
            let page = match self.pages.entry(number) {
                Entry::Occupied(entry) => {
                    let page = entry.into_mut();
                    page.fresh = fresh && (page.fresh || count == PAGE);
                    page
                }
                Entry::Vacant(entry) if count == PAGE => {
                    let bytes = match self.spare.pop() {
                        Some(mut bytes) => {
                            bytes.copy_from_slice(part);
                            bytes
                        }
                        None => part.into(),
                    };
                    entry.insert(Page { bytes, fresh });
                    continue;
                }
                Entry::Vacant(entry) => {
                    let mut bytes = vec![0; PAGE].into_boxed_slice();
                    let present = limit.saturating_sub(start).min(PAGE_BYTES) as usize;
                    if within > 0 || within + count < present {
                        below(start, &mut bytes[..present])?;
                    }
                    entry.insert(Page { bytes, fresh })
                }
            };
            page.bytes[within..within + count].copy_from_slice(part);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn a_page_in_the_buffer_of_another_holds_its_own_bytes_alone() {
        let below = |_: u64, buf: &mut [u8]| -> Result<(), Infallible> {
            buf.fill(1);
            Ok(())
        };
        let mut pages = Pages::default();
        pages.write(0, &[7; 3 * PAGE], true, u64::MAX, below).unwrap();
        pages.remove(PAGE_BYTES);
        pages.clear();
        pages.write(PAGE_BYTES, &[8; PAGE], true, u64::MAX, below).unwrap();
        pages.write(0, &[9; 2], true, u64::MAX, below).unwrap();
        let mut bytes = vec![0; 3 * PAGE];
        pages.read(0, &mut bytes, below).unwrap();
        let wanted = [vec![9; 2], vec![1; PAGE - 2], vec![8; PAGE], vec![1; PAGE]].concat();
        assert_eq!(bytes, wanted);
    }
}
