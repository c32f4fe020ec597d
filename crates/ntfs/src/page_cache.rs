//! The volume's metadata in memory: pages read once, changed there, written at the end; and an operation that fails leaves no trace.

use std::sync::Arc;

use winkiln_disk::Device;

use crate::{Error, numbered::Numbered};

/// Bytes per page.
pub(crate) const PAGE: usize = 4096;
/// Dirty pages (4 MiB) above which the end of an operation writes them out. The pages as they were before it may take as much again.
const DIRTY_MAX: usize = 1024;
/// Clean pages (6 MiB) above which the half that was not used for longest is dropped.
const CLEAN_MAX: usize = 1536;
/// Longest single write, in pages (1 MiB).
const WRITE_PAGES: usize = 256;
/// Buffers of pages kept for the next operation.
const SPARE_MAX: usize = 64;

struct Page {
    bytes: Box<[u8]>,
    dirty: bool,
    /// The cache's clock when it was last used.
    used: u64,
    /// The operation that noted last what the page was before.
    noted: u64,
}

/// What a page was when the running operation first changed it.
enum Before {
    /// Not in memory: the device holds it.
    Absent,
    Bytes {
        bytes: Box<[u8]>,
        dirty: bool,
    },
}

/// Cached pages over a device.
pub(crate) struct PageCache {
    device: Arc<dyn Device>,
    pages: Numbered<Page>,
    dirty: usize,
    clock: u64,
    /// Number of the running operation; 0 when there is none.
    operation: u64,
    operations: u64,
    undo: Vec<(u64, Before)>,
    /// Buffers that notes were in: an operation takes several, and there are many operations.
    spare: Vec<Box<[u8]>>,
}

impl PageCache {
    pub(crate) fn new(device: Arc<dyn Device>) -> Self {
        Self {
            device,
            pages: Numbered::default(),
            dirty: 0,
            clock: 0,
            operation: 0,
            operations: 0,
            undo: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Bytes of the device.
    pub(crate) fn device_len(&self) -> u64 {
        self.device.len()
    }

    /// Bytes of a page: the device's last one may be short.
    fn page_length(&self, number: u64) -> usize {
        self.device.len().saturating_sub(number * PAGE as u64).min(PAGE as u64) as usize
    }

    /// Counts a use and makes room for a page.
    fn tick(&mut self) {
        self.clock += 1;
        if self.pages.len().saturating_sub(self.dirty) >= CLEAN_MAX {
            self.make_room();
        }
    }

    fn page(&mut self, number: u64) -> Result<&mut Page, Error> {
        use std::collections::hash_map::Entry;
        self.tick();
        let length = self.page_length(number);
        match self.pages.entry(number) {
            Entry::Occupied(page) => {
                let page = page.into_mut();
                page.used = self.clock;
                Ok(page)
            }
            Entry::Vacant(slot) => {
                let mut bytes = vec![0; length].into_boxed_slice();
                self.device.read_at(number * PAGE as u64, &mut bytes)?;
                Ok(slot.insert(Page { bytes, dirty: false, used: self.clock, noted: 0 }))
            }
        }
    }

    /// Reads metadata.
    pub(crate) fn read(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), Error> {
        winkiln_disk::device::check_range(offset, buf.len(), self.device.len())?;
        for (number, inside, part) in pieces(offset, buf.len()) {
            let page = self.page(number)?;
            let length = part.len();
            buf[part].copy_from_slice(&page.bytes[inside..inside + length]);
        }
        Ok(())
    }

    /// Changes metadata in memory. Bytes that stay the same make no page dirty.
    pub(crate) fn write(&mut self, offset: u64, data: &[u8]) -> Result<(), Error> {
        winkiln_disk::device::check_range(offset, data.len(), self.device.len())?;
        for (number, inside, part) in pieces(offset, data.len()) {
            let data = &data[part];
            if data.len() == self.page_length(number) && !self.pages.contains_key(&number) {
                self.write_whole(number, data);
                continue;
            }
            let page = self.page(number)?;
            let same = page.bytes[inside..inside + data.len()] == *data;
            if same {
                continue;
            }
            let Self { pages, undo, dirty, spare, operation, .. } = &mut *self;
            let Some(page) = pages.get_mut(&number) else { continue };
            if page.noted != *operation {
                page.noted = *operation;
                let mut bytes = spare
                    .pop()
                    .filter(|spare| spare.len() == page.bytes.len())
                    .unwrap_or_else(|| vec![0; page.bytes.len()].into());
                bytes.copy_from_slice(&page.bytes);
                undo.push((number, Before::Bytes { bytes, dirty: page.dirty }));
            }
            page.bytes[inside..inside + data.len()].copy_from_slice(data);
            *dirty += usize::from(!page.dirty);
            page.dirty = true;
        }
        Ok(())
    }

    /// A page that is not in memory gets all of its bytes: what the device holds need not be read.
    fn write_whole(&mut self, number: u64, data: &[u8]) {
        self.tick();
        let (used, noted) = (self.clock, self.operation);
        if noted != 0 {
            self.undo.push((number, Before::Absent));
        }
        self.pages.insert(number, Page { bytes: data.into(), dirty: true, used, noted });
        self.dirty += 1;
    }

    /// Reads file contents: from the device, and from pages that are newer than it.
    pub(crate) fn read_through(&self, offset: u64, buf: &mut [u8]) -> Result<(), Error> {
        self.device.read_at(offset, buf)?;
        if self.dirty > 0 {
            for (number, inside, part) in pieces(offset, buf.len()) {
                if let Some(page) = self.pages.get(&number).filter(|page| page.dirty) {
                    let length = part.len();
                    buf[part].copy_from_slice(&page.bytes[inside..inside + length]);
                }
            }
        }
        Ok(())
    }

    /// Reads what the device held when the transaction over it began.
    pub(crate) fn read_original(&self, offset: u64, buf: &mut [u8]) -> Result<(), Error> {
        Ok(self.device.read_original_at(offset, buf)?)
    }

    /// Writes file contents to the device at once; pages that overlap follow. `fresh` says that nothing named the place when the
    /// transaction began.
    pub(crate) fn write_through(
        &mut self,
        offset: u64,
        data: &[u8],
        fresh: bool,
    ) -> Result<(), Error> {
        for (number, _, _) in pieces(offset, data.len()) {
            self.keep_before(number)?;
        }
        self.put(offset, data, fresh)?;
        for (number, inside, part) in pieces(offset, data.len()) {
            if let Some(page) = self.pages.get_mut(&number) {
                page.bytes[inside..inside + part.len()].copy_from_slice(&data[part]);
            }
        }
        Ok(())
    }

    /// Makes sure that a rollback puts back what a page was although the device is about to lose it.
    fn keep_before(&mut self, number: u64) -> Result<(), Error> {
        let noted = self.operation != 0
            && self.pages.get(&number).is_some_and(|page| page.noted == self.operation);
        if !noted {
            return Ok(());
        }
        let length = self.page_length(number);
        let Some((_, before)) = self.undo.iter_mut().find(|(at, _)| *at == number) else {
            return Ok(());
        };
        match before {
            Before::Bytes { dirty, .. } => *dirty = true,
            Before::Absent => {
                let mut bytes = vec![0; length].into_boxed_slice();
                self.device.read_at(number * PAGE as u64, &mut bytes)?;
                *before = Before::Bytes { bytes, dirty: true };
            }
        }
        Ok(())
    }

    /// Starts an operation.
    pub(crate) fn begin(&mut self) {
        self.undo.clear();
        self.operations += 1;
        self.operation = self.operations;
    }

    /// Ends an operation that succeeded. True when so many pages are dirty that they should be written.
    pub(crate) fn commit(&mut self) -> bool {
        self.operation = 0;
        for (_, before) in self.undo.drain(..) {
            if let Before::Bytes { bytes, .. } = before
                && self.spare.len() < SPARE_MAX
            {
                self.spare.push(bytes);
            }
        }
        self.dirty > DIRTY_MAX
    }

    /// Ends an operation that failed: every page is again as it was at its start.
    pub(crate) fn rollback(&mut self) {
        self.operation = 0;
        for (number, before) in std::mem::take(&mut self.undo) {
            match before {
                Before::Absent => {
                    self.pages.remove(&number);
                }
                Before::Bytes { bytes, dirty } => {
                    let used = self.clock;
                    self.pages.insert(number, Page { bytes, dirty, used, noted: 0 });
                }
            }
        }
        self.dirty = self.pages.values().filter(|page| page.dirty).count();
    }

    /// Drops the half of the clean pages that was not used for longest. The device holds the same bytes.
    fn make_room(&mut self) {
        let mut times: Vec<u64> =
            self.pages.values().filter(|page| !page.dirty).map(|page| page.used).collect();
        let middle = times.len() / 2;
        if middle == 0 {
            return;
        }
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        self.pages.retain(|_, page| page.dirty || page.used > median);
    }

    /// The dirty pages in order: the first of each row of neighbours, and how many they are.
    pub(crate) fn dirty_runs(&self) -> Vec<(u64, usize)> {
        let mut numbers: Vec<u64> =
            self.pages.iter().filter(|(_, page)| page.dirty).map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        let mut runs: Vec<(u64, usize)> = Vec::new();
        for number in numbers {
            match runs.last_mut() {
                Some((first, count))
                    if *first + *count as u64 == number && *count < WRITE_PAGES =>
                {
                    *count += 1;
                }
                _ => runs.push((number, 1)),
            }
        }
        runs
    }

    /// Puts the bytes of `count` pages, all in memory, into `bytes`.
    pub(crate) fn copy_pages(&self, first: u64, count: usize, bytes: &mut Vec<u8>) {
        bytes.clear();
        let pages = (first..).take(count).filter_map(|number| self.pages.get(&number));
        pages.for_each(|page| bytes.extend_from_slice(&page.bytes));
    }

    /// Writes bytes of pages to the device.
    pub(crate) fn put(&self, offset: u64, data: &[u8], fresh: bool) -> Result<(), Error> {
        if fresh {
            self.device.write_fresh(offset, data)?;
        } else {
            self.device.write_at(offset, data)?;
        }
        Ok(())
    }

    /// Takes note that the device holds every page.
    pub(crate) fn all_written(&mut self) {
        self.pages.values_mut().for_each(|page| page.dirty = false);
        self.dirty = 0;
    }
}

/// Cuts a byte range at page borders: (page, first byte in it, range of the buffer).
fn pieces(
    offset: u64,
    length: usize,
) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == length {
            return None;
        }
        let at = offset + done as u64;
        let inside = (at % PAGE as u64) as usize;
        let part = (length - done).min(PAGE - inside);
        done += part;
        Some((at / PAGE as u64, inside, done - part..done))
    })
}
