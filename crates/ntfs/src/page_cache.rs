//! The volume's metadata in memory: pages read once, changed there, written at the end; and an operation that fails leaves no trace.

use std::{collections::HashMap, sync::Arc};

use winkiln_disk::Device;

use crate::Error;

/// Bytes per page.
const PAGE: usize = 4096;
/// Dirty pages (4 MiB) above which the end of an operation writes them out. The pages as they were before it may take as much again.
const DIRTY_MAX: usize = 1024;
/// Clean pages (6 MiB) above which the half that was not used for longest is dropped.
const CLEAN_MAX: usize = 1536;
/// Longest single write, in pages (1 MiB).
const WRITE_PAGES: usize = 256;

#[derive(Clone)]
struct Page {
    bytes: Box<[u8]>,
    dirty: bool,
    /// The cache's clock when it was last used.
    used: u64,
}

/// Cached pages over a device.
pub(crate) struct PageCache {
    device: Arc<dyn Device>,
    pages: HashMap<u64, Page>,
    dirty: usize,
    clock: u64,
    /// Pages as they were when the running operation first changed them.
    undo: Option<HashMap<u64, Page>>,
}

impl PageCache {
    pub(crate) fn new(device: Arc<dyn Device>) -> Self {
        Self { device, pages: HashMap::new(), dirty: 0, clock: 0, undo: None }
    }

    /// Bytes of the device.
    pub(crate) fn device_len(&self) -> u64 {
        self.device.len()
    }

    fn page(&mut self, number: u64) -> Result<&mut Page, Error> {
        use std::collections::hash_map::Entry;
        self.clock += 1;
        if self.pages.len().saturating_sub(self.dirty) >= CLEAN_MAX {
            self.make_room();
        }
        match self.pages.entry(number) {
            Entry::Occupied(page) => {
                let page = page.into_mut();
                page.used = self.clock;
                Ok(page)
            }
            Entry::Vacant(slot) => {
                let offset = number * PAGE as u64;
                let length = self.device.len().saturating_sub(offset).min(PAGE as u64) as usize;
                let mut bytes = vec![0; length].into_boxed_slice();
                self.device.read_at(offset, &mut bytes)?;
                Ok(slot.insert(Page { bytes, dirty: false, used: self.clock }))
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
            let page = self.page(number)?;
            let same = page.bytes[inside..inside + data.len()] == *data;
            if same {
                continue;
            }
            let Self { pages, undo, dirty, .. } = &mut *self;
            let Some(page) = pages.get_mut(&number) else { continue };
            if let Some(undo) = undo {
                undo.entry(number).or_insert_with(|| page.clone());
            }
            page.bytes[inside..inside + data.len()].copy_from_slice(data);
            *dirty += usize::from(!page.dirty);
            page.dirty = true;
        }
        Ok(())
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
        if fresh {
            self.device.write_fresh(offset, data)?;
        } else {
            self.device.write_at(offset, data)?;
        }
        for (number, inside, part) in pieces(offset, data.len()) {
            if let Some(page) = self.pages.get_mut(&number) {
                page.bytes[inside..inside + part.len()].copy_from_slice(&data[part]);
                if let Some(before) = self.undo.as_mut().and_then(|undo| undo.get_mut(&number)) {
                    // The device no longer holds what a rollback puts back.
                    before.dirty = true;
                }
            }
        }
        Ok(())
    }

    /// Starts an operation.
    pub(crate) fn begin(&mut self) {
        self.undo = Some(HashMap::new());
    }

    /// Ends an operation that succeeded.
    pub(crate) fn commit(&mut self) -> Result<(), Error> {
        self.undo = None;
        if self.dirty > DIRTY_MAX {
            self.flush()?;
        }
        Ok(())
    }

    /// Ends an operation that failed: every page is again as it was at its start.
    pub(crate) fn rollback(&mut self) {
        for (number, page) in self.undo.take().unwrap_or_default() {
            self.pages.insert(number, page);
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

    /// Writes every dirty page, neighbours in one piece.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        let mut numbers: Vec<u64> =
            self.pages.iter().filter(|(_, page)| page.dirty).map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        let mut at = 0;
        while at < numbers.len() {
            let first = numbers[at];
            let mut bytes = Vec::new();
            let mut next = at;
            while numbers.get(next) == Some(&(first + (next - at) as u64))
                && next - at < WRITE_PAGES
            {
                bytes.extend_from_slice(&self.page(numbers[next])?.bytes);
                next += 1;
            }
            self.device.write_at(first * PAGE as u64, &bytes)?;
            at = next;
        }
        for number in numbers {
            self.page(number)?.dirty = false;
        }
        self.dirty = 0;
        Ok(())
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
