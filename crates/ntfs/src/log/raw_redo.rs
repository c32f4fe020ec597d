//! Operations on streams without blocks: bytes, and bits of bitmaps.

use crate::{
    bytes,
    log::{Operation, splice::Misfit},
};

/// What becomes of a page of a stream.
pub(super) enum RawChange<'a> {
    Bytes { at: usize, data: &'a [u8] },
    Bits { first: usize, count: usize, set: bool },
}

impl<'a> RawChange<'a> {
    /// Bits are counted from byte `at`.
    pub(super) fn of(operation: Operation, at: usize, data: &'a [u8]) -> Result<Self, Misfit> {
        if operation == Operation::UpdateNonresidentValue {
            return Ok(Self::Bytes { at, data });
        }
        let number = |at| bytes::u32_at(data, at).map(|number| number as usize);
        let (Some(first), Some(count)) = (number(0), number(4)) else {
            return Err("bits without number");
        };
        let set = operation == Operation::SetBitsInNonresidentBitMap;
        Ok(Self::Bits { first: first + at * 8, count, set })
    }

    /// The bytes that are changed: from, to.
    pub(super) fn range(&self) -> (usize, usize) {
        match self {
            Self::Bytes { at, data } => (*at, at + data.len()),
            Self::Bits { first, count, .. } => (first / 8, (first + count).div_ceil(8)),
        }
    }

    /// Changes `page`, which begins at byte `from` of what the places count from.
    pub(super) fn apply(&self, page: &mut [u8], from: usize) {
        match self {
            Self::Bytes { at, data } => {
                for (index, byte) in data.iter().enumerate() {
                    if let Some(place) =
                        (at + index).checked_sub(from).and_then(|place| page.get_mut(place))
                    {
                        *place = *byte;
                    }
                }
            }
            Self::Bits { first, count, set } => {
                // Only the bits of this page.
                let start = (*first).max(from * 8);
                let end = (first + count).min((from + page.len()) * 8);
                for bit in start..end {
                    let mask = 1 << (bit % 8);
                    let byte = &mut page[bit / 8 - from];
                    *byte = if *set { *byte | mask } else { *byte & !mask };
                }
            }
        }
    }
}
