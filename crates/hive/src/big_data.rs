//! Big data: values above 16,344 bytes in segments, from version 1.4 on.
//!
//! Source: M. Suhanov, "Windows registry file format specification", "Big data".

use crate::cell::CellOffset;
use crate::cells::Cells;
use crate::error::{HiveError, Structure};

/// Bytes of data in each segment but the last.
pub(crate) const SEGMENT: usize = 16344;

/// Segments that the count can tell.
pub(crate) const SEGMENTS_MAX: usize = 0xffff;

/// Signature, count and place of the segment list, bytes.
const RECORD: usize = 8;

/// The data of one value in segments.
pub(crate) struct BigData<'a> {
    record: CellOffset,
    list: CellOffset,
    segments: Vec<(CellOffset, &'a [u8])>,
    /// Bytes that the last segment's cell holds.
    last_room: usize,
}

impl<'a> BigData<'a> {
    /// Reads the record at `at` of a value with `length` bytes of data.
    pub(crate) fn read(cells: &'a Cells, at: CellOffset, length: usize) -> Result<Self, HiveError> {
        let what = Structure::BigData;
        let offset = at.in_file();
        let payload = cells.payload(at, what)?;
        let (needed, found) = (RECORD as u64, payload.len() as u64);
        let Some(&[a, b, low, high, l0, l1, l2, l3]) = payload.first_chunk::<RECORD>() else {
            return Err(HiveError::Truncated { what, offset, needed, found });
        };
        if [a, b] != *b"db" {
            return Err(HiveError::Signature { what, offset, found: [a, b] });
        }
        let count = usize::from(u16::from_le_bytes([low, high]));
        // A hive cannot hold more data than bytes, whatever its segments say.
        if length > cells.length() as usize {
            return Err(HiveError::Field {
                what,
                offset,
                field: "data length",
                found: length as u64,
            });
        }
        let expected = length.div_ceil(SEGMENT);
        if count != expected {
            let (expected, found) = (expected as u64, count as u64);
            return Err(HiveError::Count { what, offset, expected, found });
        }
        let list = CellOffset(u32::from_le_bytes([l0, l1, l2, l3]));
        let what = Structure::SegmentList;
        let payload = cells.payload(list, what)?;
        let Some(entries) = payload.get(..count * 4) else {
            let (offset, needed, found) = (list.in_file(), count as u64 * 4, payload.len() as u64);
            return Err(HiveError::Truncated { what, offset, needed, found });
        };
        let mut segments = Vec::with_capacity(count);
        let mut left = length;
        let mut last_room = 0;
        for entry in entries.chunks_exact(4) {
            let at = CellOffset(
                entry.first_chunk::<4>().map_or(u32::MAX, |entry| u32::from_le_bytes(*entry)),
            );
            let what = Structure::Segment;
            let payload = cells.payload(at, what)?;
            let here = left.min(SEGMENT);
            let Some(data) = payload.get(..here) else {
                let (offset, needed, found) = (at.in_file(), here as u64, payload.len() as u64);
                return Err(HiveError::Truncated { what, offset, needed, found });
            };
            left -= here;
            last_room = payload.len();
            segments.push((at, data));
        }
        Ok(Self { record: at, list, segments, last_room })
    }

    pub(crate) fn data(&self) -> Vec<u8> {
        self.segments.iter().flat_map(|(_, data)| data.iter().copied()).collect()
    }

    pub(crate) fn is(&self, data: &[u8]) -> bool {
        data.chunks(SEGMENT).eq(self.segments.iter().map(|(_, data)| *data))
    }

    /// The segments' cells if data of `length` bytes fit into exactly these.
    pub(crate) fn reusable(&self, length: usize) -> Option<Vec<CellOffset>> {
        let last_room = self.last_room;
        let last = length.checked_sub((self.segments.len() - 1) * SEGMENT)?;
        let fits = length > SEGMENT && last > 0 && last <= last_room.min(SEGMENT);
        fits.then(|| self.segments.iter().map(|(at, _)| *at).collect())
    }

    pub(crate) fn cells(&self) -> Vec<(CellOffset, Structure)> {
        let mut cells =
            vec![(self.record, Structure::BigData), (self.list, Structure::SegmentList)];
        cells.extend(self.segments.iter().map(|(at, _)| (*at, Structure::Segment)));
        cells
    }
}

/// Overwrites the data of a value that keeps its number of segments.
pub(crate) fn overwrite(
    cells: &mut Cells,
    segments: &[CellOffset],
    data: &[u8],
) -> Result<(), HiveError> {
    for (at, segment) in segments.iter().zip(data.chunks(SEGMENT)) {
        cells.write(*at, 0, segment, Structure::Segment)?;
    }
    Ok(())
}

/// Stores data in segments: where the record is.
///
/// Every segment's cell has the full size, the last one too, as in hives written by Windows.
pub(crate) fn store(cells: &mut Cells, data: &[u8]) -> Result<CellOffset, HiveError> {
    let mut list = Vec::new();
    let mut count: u16 = 0;
    for segment in data.chunks(SEGMENT) {
        let at = cells.allocate(SEGMENT)?;
        cells.write(at, 0, segment, Structure::Segment)?;
        list.extend(at.0.to_le_bytes());
        count = count.saturating_add(1);
    }
    let list = cells.allocate_with(&list)?;
    let mut record = b"db".to_vec();
    record.extend(count.to_le_bytes());
    record.extend(list.0.to_le_bytes());
    cells.allocate_with(&record)
}
