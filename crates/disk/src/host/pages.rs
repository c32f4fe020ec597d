//! Pages kept above something that is only read.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

/// Bytes per page.
pub(crate) const PAGE: usize = 4096;
/// [`PAGE`] as an offset.
pub(crate) const PAGE_BYTES: u64 = PAGE as u64;

/// Whole pages that stand in for those of whatever lies below. Bytes past the end of the last page's device are zero.
#[derive(Default)]
pub(crate) struct Pages(BTreeMap<u64, Page>);

/// A page and what is known of it.
pub(crate) struct Page {
    pub(crate) bytes: Box<[u8]>,
    /// Every byte that was written to it belongs to a place that nothing named when the transaction began.
    pub(crate) fresh: bool,
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pages", self.0.len())
    }
}

impl Pages {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Every page with the offset of its first byte, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Page)> {
        self.0.iter().map(|(number, page)| (number * PAGE_BYTES, page))
    }

    /// The pages from `offset` on.
    pub(crate) fn iter_from(&self, offset: u64) -> impl Iterator<Item = (u64, &Page)> {
        let pages = self.0.range(offset / PAGE_BYTES..);
        pages.map(|(number, page)| (number * PAGE_BYTES, page))
    }

    /// Drops the page at `offset`.
    pub(crate) fn remove(&mut self, offset: u64) {
        self.0.remove(&(offset / PAGE_BYTES));
    }

    /// Says that the page at `offset`, if there is one, holds fresh bytes only.
    pub(crate) fn mark_fresh(&mut self, offset: u64) {
        if let Some(page) = self.0.get_mut(&(offset / PAGE_BYTES)) {
            page.fresh = true;
        }
    }

    /// Drops the pages that `keep` refuses; stops asking at its first error.
    pub(crate) fn retain<E>(
        &mut self,
        mut keep: impl FnMut(u64, &[u8]) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut failed = Ok(());
        self.0.retain(|number, page| match (&failed, keep(number * PAGE_BYTES, &page.bytes)) {
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
        let pages = self.0.range(offset / PAGE_BYTES..end.div_ceil(PAGE_BYTES));
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
            let page = match self.0.entry(number) {
                Entry::Occupied(entry) => {
                    let page = entry.into_mut();
                    page.fresh = fresh && (page.fresh || count == PAGE);
                    page
                }
                Entry::Vacant(entry) if count == PAGE => {
                    entry.insert(Page { bytes: part.into(), fresh });
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
