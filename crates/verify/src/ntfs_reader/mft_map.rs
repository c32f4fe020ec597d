//! An `$MFT` with an attribute list, shown to the crate in one piece.
//!
//! The crate finds file records through the first extent of the `$MFT` alone. Here every extent is decoded by the crate,
//! and then it is handed a file record 0 whose one run lies past the end of the volume; what it reads there is read from
//! the real extents.

use std::io;

use ntfs::NtfsAttributeType;

use super::stream::{Run, Stream};
use super::{Cursor, Parts, attribute, record};
use crate::error::Trouble;

/// A run of 6 bytes of length and 6 of position, and the end mark.
const RUN: usize = 14;

/// File record 0 in one piece, and where that piece really lies.
#[derive(Debug)]
pub(super) struct MftMap {
    /// Byte on the volume of file record 0.
    record_at: u64,
    record: Vec<u8>,
    /// First byte past the volume's end that stands for the first of the `$MFT`.
    base: u64,
    runs: Vec<Run>,
}

/// Where the bytes at a position come from.
pub(super) enum Source<'m> {
    /// From here.
    Bytes(&'m [u8]),
    /// From the device, at this position and at most so many.
    Device(u64, u64),
}

impl MftMap {
    /// Puts the `$MFT` together; `None` when the room in file record 0 does not suffice.
    pub(super) fn build(parts: &Parts, cursor: &mut Cursor) -> Result<Option<Self>, Trouble> {
        const KIND: NtfsAttributeType = NtfsAttributeType::Data;
        let file = record::open(parts, cursor, 0)?;
        let Some(runs) = Stream::open(parts, cursor, &file, "")?.and_then(Stream::into_runs) else {
            return Ok(None);
        };
        let Some(place) = attribute::locate(parts, cursor, &file, KIND, "")?.first().copied()
        else {
            return Ok(None);
        };
        let head = attribute::at(&file, KIND, place)?;
        let at = head.position().value().zip(file.position().value());
        let Some((head_at, record_at)) = at.map(|(head, file)| (head.get(), file.get())) else {
            return Ok(None);
        };
        let Some(record) = record::bytes(parts, cursor, &file)? else { return Ok(None) };

        let cluster = u64::from(parts.ntfs.cluster_size());
        let length: u64 = runs.iter().map(|run| run.length).sum();
        let first = parts.device.len().max(parts.ntfs.size()) / cluster + 1;
        let map = |mut record: Vec<u8>| -> Option<Self> {
            let attribute =
                record.get_mut(usize::try_from(head_at.checked_sub(record_at)?).ok()?..)?;
            let attribute = attribute.get_mut(..usize::try_from(head.attribute_length()).ok()?)?;
            // Source: linux-ntfs documentation, "Attribute Header": offset 0x20 holds the offset of the runs.
            let runs_at: [u8; 2] = attribute.get(0x20..)?.first_chunk().copied()?;
            let place = attribute.get_mut(usize::from(u16::from_le_bytes(runs_at))..)?;
            let place = place.get_mut(..RUN)?;
            let (count, lcn) = ((length / cluster).to_le_bytes(), first.to_le_bytes());
            let run = [&[0x66], count.get(..6)?, lcn.get(..6)?, &[0]].concat();
            place.copy_from_slice(&run);
            // One update sequence number and nothing to put back: the bytes are what they are.
            record.get_mut(6..8)?.copy_from_slice(&1_u16.to_le_bytes());
            Some(Self { record_at, record, base: first.checked_mul(cluster)?, runs })
        };
        Ok(map(record))
    }

    /// Where the bytes at `position` come from; an error past the end of the `$MFT`.
    pub(super) fn source(&self, position: u64) -> io::Result<Source<'_>> {
        let end =
            || io::Error::new(io::ErrorKind::UnexpectedEof, "a read past the end of the $MFT");
        if let Some(within) = position.checked_sub(self.record_at) {
            let rest = usize::try_from(within).ok().and_then(|at| self.record.get(at..));
            if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
                return Ok(Source::Bytes(rest));
            }
        }
        let Some(mut left) = position.checked_sub(self.base) else {
            let until = if position < self.record_at { self.record_at } else { self.base };
            return Ok(Source::Device(position, until - position));
        };
        for run in &self.runs {
            if left < run.length {
                let start = run.position.ok_or_else(end)?;
                return Ok(Source::Device(start.saturating_add(left), run.length - left));
            }
            left -= run.length;
        }
        Err(end())
    }
}
