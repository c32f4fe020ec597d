//! Cells one after the other, as they lie in the bins.

use super::Cells;
use crate::bin::BIN_HEADER;
use crate::cell::CellOffset;

impl Cells {
    /// Every cell that could be walked, with its size field: negative when allocated.
    pub(crate) fn each(&self) -> impl Iterator<Item = (CellOffset, i32)> + '_ {
        let bins = &self.layout.bins;
        bins.iter().enumerate().flat_map(move |(index, &bin)| {
            let end = bins.get(index + 1).copied().unwrap_or(self.length);
            let mut next = bin + BIN_HEADER;
            std::iter::from_fn(move || {
                let at = CellOffset(next);
                let size = self.size_field(at).filter(|_| next < end)?;
                next = next.checked_add(size.unsigned_abs()).filter(|_| size != 0)?;
                Some((at, size))
            })
        })
    }

    /// Every allocated cell.
    pub(crate) fn allocated(&self) -> impl Iterator<Item = CellOffset> + '_ {
        self.each().filter(|(_, size)| *size < 0).map(|(at, _)| at)
    }
}
