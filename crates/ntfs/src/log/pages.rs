//! Record pages and their copies. The newest pages are written to a tail area before their own place, in turn; a page is read from
//! the copy that holds most.
//!
//! Source: observed on the logs of the corpus; the documentation of `rust-fs-ntfs` for version 2.

use std::collections::HashMap;

use crate::{bytes, fixup, log::restart_area::RestartArea};

/// Flag of a page on which a record ends.
const RECORD_END: u32 = 1;
/// Pages of the tail area behind the restart pages, in version 1 and in version 2.
const TAIL_1: usize = 2;
const TAIL_2: usize = 32;

/// A valid copy of a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageCopy {
    /// Where it lies.
    place: usize,
    /// The last LSN that it holds the beginning or the end of.
    pub(super) newest: u64,
    /// LSN of the record that names the page's lap.
    lap_of: u64,
}

/// Where each page's copies are.
pub(super) struct Pages<'a> {
    log: &'a [u8],
    pub(super) size: usize,
    /// The first page that records are kept in.
    pub(super) first: usize,
    copies: HashMap<usize, Vec<PageCopy>>,
    /// LSN of the last record that ends on any page.
    pub(super) last: u64,
}

/// The header of a record page.
struct Header {
    /// LSN of the last record that begins on the page or goes through it; in a tail copy of version 1 the place of the page.
    key: u64,
    ends: bool,
    last_end: u64,
}

fn header(page: &[u8]) -> Option<Header> {
    Some(Header {
        key: bytes::u64_at(page, 0x08)?,
        ends: bytes::u32_at(page, 0x10)? & RECORD_END != 0,
        last_end: bytes::u64_at(page, 0x20)?,
    })
}

/// A record page with its fixups undone; `None` when it is not one, or torn.
fn valid(page: &[u8]) -> Option<Vec<u8>> {
    if !page.starts_with(b"RCRD") {
        return None;
    }
    let mut page = page.to_vec();
    fixup::undo(&mut page, "log page", 0).ok()?;
    Some(page)
}

impl<'a> Pages<'a> {
    /// Finds every page. `place_of` gives the place of an LSN in the file, `length_of` the length of the record at it, when the
    /// pages known so far hold its beginning.
    pub(super) fn find(
        log: &'a [u8],
        area: &RestartArea,
        place_of: impl Fn(u64) -> usize,
        header_len: usize,
    ) -> Self {
        let size = area.log_page;
        let tail = if area.version.0 == 1 { TAIL_1 } else { TAIL_2 };
        let first = 2 * area.system_page + tail * size;
        let mut pages = Self { log, size, first, copies: HashMap::new(), last: 0 };
        // Tail copies of pages with nothing but the end of a record: where that record begins tells their place.
        let mut continued = Vec::new();
        for (number, raw) in log.chunks_exact(size).enumerate() {
            let place = number * size;
            if place < 2 * area.system_page {
                continue;
            }
            let Some((page, head)) = valid(raw).and_then(|page| header(&page).map(|h| (page, h)))
            else {
                continue;
            };
            if head.ends {
                pages.last = pages.last.max(head.last_end);
            }
            if place >= first {
                let newest = if head.ends { head.key.max(head.last_end) } else { head.key };
                pages.add(place, PageCopy { place, newest, lap_of: head.key });
            } else if area.version.0 == 1 {
                let home = usize::try_from(head.key).unwrap_or(usize::MAX);
                if head.ends && home >= first && home.is_multiple_of(size) {
                    pages.add(
                        home,
                        PageCopy { place, newest: head.last_end, lap_of: head.last_end },
                    );
                }
            } else {
                let begins = place_of(head.key);
                let copy = PageCopy { place, newest: head.key, lap_of: head.key };
                let here = bytes::u64_at(&page, begins % size) == Some(head.key);
                let elsewhere = !here && head.ends && head.last_end == head.key;
                if elsewhere {
                    continued.push((begins, copy));
                } else if here && begins >= first {
                    pages.add(begins - begins % size, copy);
                }
            }
        }
        let mut placed = Vec::new();
        for (begins, copy) in continued {
            let start = begins - begins % size;
            // A record whose beginning is nowhere cannot be read anyway.
            let Some(page) = pages.read(start, copy.newest) else { continue };
            let Some(length) = bytes::u32_at(&page, begins % size + 0x18) else { continue };
            let here = size.saturating_sub(begins % size + header_len);
            let rest = (length as usize).saturating_sub(here);
            let steps = rest.div_ceil(size - area.data_offset).max(1);
            let room = (log.len() - first) / size;
            if start < first || room == 0 || steps > room {
                continue;
            }
            let home = first + ((start - first) / size + steps) % room * size;
            placed.push((home, copy));
        }
        for (home, copy) in placed {
            pages.add(home, copy);
        }
        pages
    }

    fn add(&mut self, home: usize, copy: PageCopy) {
        self.copies.entry(home).or_default().push(copy);
    }

    /// The copies of a page that hold `lsn`, the best first: the newest, and of equal ones that at its own place.
    pub(super) fn copies(&self, home: usize, lsn: u64) -> Vec<PageCopy> {
        let all = self.copies.get(&home).map_or(&[][..], Vec::as_slice);
        let mut fit: Vec<PageCopy> =
            all.iter().copied().filter(|copy| copy.newest >= lsn).collect();
        fit.sort_by_key(|copy| std::cmp::Reverse((copy.newest, copy.place == home)));
        fit
    }

    /// The best copy of a page that holds `lsn`.
    fn read(&self, home: usize, lsn: u64) -> Option<Vec<u8>> {
        self.copies(home, lsn).first().and_then(|copy| self.bytes(copy))
    }

    pub(super) fn bytes(&self, copy: &PageCopy) -> Option<Vec<u8>> {
        valid(self.log.get(copy.place..copy.place + self.size)?)
    }
}

impl PageCopy {
    /// The LSN by which the page's lap is told.
    pub(super) fn lap_of(&self) -> u64 {
        self.lap_of
    }
}
