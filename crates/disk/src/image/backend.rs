//! The guest's view of an open image, and how a commit reaches its file.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use imago::{FormatAccess, Mapping};

use super::overlap::Tables;
use crate::host::pages::{PAGE_BYTES, Pages};
use crate::host::staged::Staged;
use crate::host::{HostFile, read_padded};
use crate::journal::PageWrite;

/// Reads are fetched in blocks of this many bytes, so that small ones share.
pub(crate) const BLOCK: u64 = 16 << 10;

/// The guest's disk.
#[derive(Debug)]
pub(crate) enum Backend {
    Raw { file: Arc<dyn HostFile>, size: u64 },
    Qcow2 { access: FormatAccess<Staged>, staged: Staged, cluster_bits: u32 },
}

/// The writes of one commit to the image file, in the order of their offsets.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) length_before: u64,
    pub(crate) length_after: u64,
    pub(crate) pages: Vec<PageWrite>,
}

impl Backend {
    /// Bytes of the guest's disk.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Raw { size, .. } => *size,
            Self::Qcow2 { access, .. } => access.size(),
        }
    }

    /// Fills `buf` with guest bytes from `offset`.
    pub(crate) fn read(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        if buf.is_empty() {
            return Ok(());
        }
        match self {
            Self::Raw { file, .. } => read_padded(&**file, offset, buf),
            Self::Qcow2 { access, .. } => access.read(buf, offset),
        }
    }

    /// The guest bytes worth fetching when the one at `offset` is asked for: a block, or a whole compressed cluster.
    pub(crate) fn fetch_range(&self, offset: u64) -> Range<u64> {
        let mut unit = BLOCK;
        if let Self::Qcow2 { access, cluster_bits, .. } = self {
            let compressed =
                matches!(access.get_mapping(offset, 1), Ok((Mapping::Special { .. }, _)));
            if compressed {
                unit = unit.max(1 << cluster_bits);
            }
        }
        let start = offset - offset % unit;
        start..(start + unit).min(self.size())
    }

    /// Works out what writing these guest pages does to the image file. Nothing reaches the file.
    ///
    /// After an error the backend no longer shows the file's contents and must not be used again.
    pub(crate) fn plan(&self, pages: &Pages) -> io::Result<Plan> {
        match self {
            Self::Raw { file, size } => {
                let pages = pages.iter().map(|(offset, page)| (offset, page.to_vec()));
                plan_file(&**file, *size, pages.collect())
            }
            Self::Qcow2 { access, staged, .. } => {
                let size = access.size();
                let runs = runs(pages, size);
                for (offset, run) in &runs {
                    access.write(&run[..], *offset)?;
                }
                access.flush()?;
                let tables = Tables::read(staged)?;
                for (offset, run) in &runs {
                    tables.check(access, *offset, run.len() as u64)?;
                }
                let (pages, length) = staged.collect();
                plan_file(staged.file(), length, pages)
            }
        }
    }

    /// Tells the backend that the file now holds what was planned.
    pub(crate) fn settle(&self) {
        if let Self::Qcow2 { staged, .. } = self {
            staged.settle();
        }
    }
}

/// Adjacent pages joined, up to 1 MiB each and no further than the end of the disk.
fn runs(pages: &Pages, size: u64) -> Vec<(u64, Vec<u8>)> {
    let mut runs: Vec<(u64, Vec<u8>)> = Vec::new();
    for (offset, page) in pages.iter() {
        let page = &page[..size.saturating_sub(offset).min(PAGE_BYTES) as usize];
        match runs.last_mut() {
            Some((start, run)) if *start + run.len() as u64 == offset && run.len() < 1 << 20 => {
                run.extend_from_slice(page);
            }
            _ => runs.push((offset, page.to_vec())),
        }
    }
    runs
}

/// Drops what the file already holds and remembers what the rest replaces.
fn plan_file(
    file: &dyn HostFile,
    length_after: u64,
    pages: Vec<(u64, Vec<u8>)>,
) -> io::Result<Plan> {
    let length_before = file.len()?;
    let length_after = length_after.max(length_before);
    let mut planned = Vec::new();
    for (offset, mut new) in pages {
        new.truncate(length_after.saturating_sub(offset).min(PAGE_BYTES) as usize);
        let mut old = vec![0; length_before.saturating_sub(offset).min(PAGE_BYTES) as usize];
        read_padded(file, offset, &mut old)?;
        let (common, grown) = new.split_at(old.len().min(new.len()));
        if common != old || grown.iter().any(|byte| *byte != 0) {
            planned.push(PageWrite { offset, new, old });
        }
    }
    Ok(Plan { length_before, length_after, pages: planned })
}
