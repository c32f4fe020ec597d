//! A file of memory: as it is seen, and as a power cut may leave it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

const SECTOR: usize = 512;
const PAGE: u64 = 4096;
/// Holes are told up to this length.
const HOLE: u64 = 1 << 20;

/// The bytes of a file, perhaps above those of a file of the system. Copies share what was not changed.
#[derive(Debug, Clone, Default)]
pub(super) struct Bytes {
    below: Option<Arc<File>>,
    /// Bytes of the file below that are still part of this one.
    visible: u64,
    length: u64,
    pages: BTreeMap<u64, Arc<[u8]>>,
}

impl Bytes {
    /// The bytes of a file of the system, which is only read.
    pub(super) fn above(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { below: Some(Arc::new(file)), visible: length, length, pages: BTreeMap::new() })
    }

    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut new = Self::default();
        new.write(0, bytes);
        new
    }

    pub(super) fn len(&self) -> u64 {
        self.length
    }

    fn page(&self, number: u64) -> Arc<[u8]> {
        if let Some(page) = self.pages.get(&number) {
            return Arc::clone(page);
        }
        let mut page = [0; PAGE as usize];
        let present = self.visible.saturating_sub(number * PAGE).min(PAGE) as usize;
        if let Some(file) = self.below.as_ref().filter(|_| present > 0) {
            file.read_exact_at(&mut page[..present], number * PAGE)
                .expect("the file below is read");
        }
        Arc::from(page)
    }

    pub(super) fn read(&self, offset: u64, buf: &mut [u8]) -> usize {
        let count = self.length.saturating_sub(offset).min(buf.len() as u64) as usize;
        let mut done = 0;
        while done < count {
            let at = offset + done as u64;
            let within = (at % PAGE) as usize;
            let part = (PAGE as usize - within).min(count - done);
            buf[done..done + part].copy_from_slice(&self.page(at / PAGE)[within..within + part]);
            done += part;
        }
        count
    }

    pub(super) fn write(&mut self, offset: u64, data: &[u8]) {
        let mut done = 0;
        while done < data.len() {
            let at = offset + done as u64;
            let within = (at % PAGE) as usize;
            let part = (PAGE as usize - within).min(data.len() - done);
            let mut page = self.page(at / PAGE);
            // Out of the map, it is shared with nobody but older copies.
            self.pages.remove(&(at / PAGE));
            Arc::make_mut(&mut page)[within..within + part]
                .copy_from_slice(&data[done..done + part]);
            self.pages.insert(at / PAGE, page);
            done += part;
        }
        self.length = self.length.max(offset + data.len() as u64);
    }

    pub(super) fn set_len(&mut self, length: u64) {
        if length < self.length {
            let last = length / PAGE;
            let mut page = self.page(last);
            Arc::make_mut(&mut page)[(length % PAGE) as usize..].fill(0);
            self.pages.split_off(&last);
            self.visible = self.visible.min(last * PAGE);
            self.pages.insert(last, page);
        }
        self.length = length;
    }

    /// The end of the zeros around `offset`.
    pub(super) fn zeros_end(&self, offset: u64) -> u64 {
        let mut at = offset;
        while at < self.length.min(offset + HOLE) {
            let page = self.page(at / PAGE);
            let rest = &page[(at % PAGE) as usize..];
            match rest.iter().position(|byte| *byte != 0) {
                Some(data) => return at + data as u64,
                None => at += rest.len() as u64,
            }
        }
        at
    }

    pub(super) fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.length as usize];
        self.read(0, &mut bytes);
        bytes
    }

    /// Whether two states of one file hold the same.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        let changed = self.pages.keys().chain(other.pages.keys());
        self.length == other.length
            && self.visible == other.visible
            && changed.into_iter().all(|number| self.page(*number) == other.page(*number))
    }

    /// Makes a copy of the file below what this one is.
    pub(super) fn save(&self, copy: &File) -> io::Result<()> {
        for (number, page) in &self.pages {
            copy.write_all_at(page, number * PAGE)?;
        }
        copy.set_len(self.length)
    }
}

/// One change of a file that no sync has followed yet.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Write(u64, Arc<[u8]>),
    SetLen(u64),
}

/// A file as it is seen, and as it would be after a power cut.
#[derive(Debug, Clone, Default)]
pub(super) struct Contents {
    pub(super) live: Bytes,
    pub(super) durable: Bytes,
    pub(super) pending: Vec<Change>,
}

impl Contents {
    pub(super) fn settled(bytes: Bytes) -> Self {
        Self { live: bytes.clone(), durable: bytes, pending: Vec::new() }
    }

    pub(super) fn change(&mut self, change: Change) {
        apply(&mut self.live, &change);
        self.pending.push(change);
    }

    pub(super) fn sync(&mut self) {
        self.durable = self.live.clone();
        self.pending.clear();
    }

    /// What a cut leaves: each pending sector written or not. Pattern 0 has none of them, 1 all, 2 all but a part of the last
    /// write; the others draw.
    pub(super) fn survivor(&self, pattern: u64) -> Self {
        let mut bytes = self.durable.clone();
        let mut index = pattern;
        let last = self.pending.len();
        for (number, change) in self.pending.iter().enumerate() {
            let Change::Write(offset, data) = change else {
                index = drawn(index, pattern);
                if pattern != 0 && (pattern < 3 || index >> 40 & 1 == 1) {
                    apply(&mut bytes, change);
                }
                continue;
            };
            match pattern {
                0 => {}
                1 => bytes.write(*offset, data),
                2 if number + 1 < last => bytes.write(*offset, data),
                2 => {
                    let half = (offset + data.len() as u64 / 2) / SECTOR as u64 * SECTOR as u64;
                    let count = half.saturating_sub(*offset) as usize;
                    bytes.write(*offset, &data[..count]);
                }
                _ => {
                    for (at, sector) in sectors(*offset, data) {
                        index = drawn(index, pattern);
                        if index >> 40 & 1 == 1 {
                            bytes.write(at, sector);
                        }
                    }
                }
            }
        }
        Self::settled(bytes)
    }
}

fn drawn(index: u64, pattern: u64) -> u64 {
    index.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(pattern)
}

fn apply(bytes: &mut Bytes, change: &Change) {
    match change {
        Change::Write(offset, data) => bytes.write(*offset, data),
        Change::SetLen(length) => bytes.set_len(*length),
    }
}

/// A write cut into sectors, which a medium writes whole.
fn sectors(offset: u64, data: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let position = offset + at as u64;
        let count = (SECTOR - position as usize % SECTOR).min(data.len() - at);
        let sector = &data[at..at + count];
        at += count;
        (count > 0).then_some((position, sector))
    })
}
