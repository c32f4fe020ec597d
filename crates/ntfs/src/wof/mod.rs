//! Files that the Windows overlay filter (WOF) compressed: their unnamed stream is an empty shell, their bytes lie in chunks in the
//! stream `WofCompressedData`.
//!
//! Source: [MS-FSCC] 2.1.2.1 for the tag; `WOF_EXTERNAL_INFO` and `FILE_PROVIDER_EXTERNAL_INFO_V1` of the Windows SDK.

mod chunk_table;
mod xpress;

use crate::{Error, attribute::kind, bytes, core::Core, standard_information::dos, stream::Stream};
use chunk_table::ChunkTable;
use winkiln_lzx::Damaged;

/// The reparse tag of files that the overlay filter compressed.
pub(crate) const TAG: u32 = 0x8000_0017;
/// The stream that holds their data.
pub(crate) const STREAM: &str = "WofCompressedData";
/// The provider of files that are compressed one by one.
const PROVIDER_FILE: u32 = 2;
/// Bytes of reparse data that say how: a header of 8, then four numbers.
const REPARSE_BYTES: usize = 24;
/// Longest reparse data.
const REPARSE_MAX: u64 = 16 << 10;

/// The chunk unpacked last.
pub(crate) struct Unpacked {
    record: u64,
    number: u64,
    bytes: Vec<u8>,
}

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Xpress,
    Lzx,
}

/// The stream is not what its chunks and their table should be.
fn bad_stream(record: u64, problem: &'static str, found: u64) -> Error {
    Error::Damaged { structure: STREAM, record, problem, found }
}

/// Method and bytes per chunk of an algorithm number.
fn algorithm(number: u32) -> Option<(Method, u64)> {
    match number {
        0 => Some((Method::Xpress, 4 << 10)),
        1 => Some((Method::Lzx, 32 << 10)),
        2 => Some((Method::Xpress, 8 << 10)),
        3 => Some((Method::Xpress, 16 << 10)),
        _ => None,
    }
}

/// Unpacks an XPRESS chunk for the fuzz targets.
pub(crate) fn xpress_chunk(chunk: &[u8], out: &mut [u8]) -> bool {
    xpress::decompress(chunk, out).is_ok()
}

/// Unpacks an LZX chunk for the fuzz targets.
pub(crate) fn lzx_chunk(chunk: &[u8], out: &mut [u8]) -> bool {
    winkiln_lzx::unpack_chunk(chunk, out).is_ok()
}

impl Core {
    /// Whether the real bytes of a stream lie in the overlay filter's stream.
    pub(crate) fn is_overlaid(&mut self, stream: &Stream) -> Result<bool, Error> {
        let unnamed = stream.kind == kind::DATA && stream.name.is_empty();
        let reparse =
            unnamed && self.information(stream.base)?.attributes() & dos::REPARSE_POINT != 0;
        // Either tells alone: Windows sets both.
        let may_be = reparse || (unnamed && stream.is_sparse());
        Ok(may_be && self.reparse_tag(stream.base)? == Some(TAG))
    }

    /// Fills `buf` with the real bytes of an overlaid file; the range must lie inside it. Unpacks the chunks that hold the range
    /// and no others.
    pub(crate) fn read_overlaid(
        &mut self,
        shell: &Stream,
        mut offset: u64,
        mut buf: &mut [u8],
    ) -> Result<(), Error> {
        if buf.is_empty() {
            return Ok(());
        }
        let (method, chunk) = self.overlay(shell.base)?;
        let name: Vec<u16> = STREAM.encode_utf16().collect();
        let opaque = Error::WofCompressed { record: shell.base };
        let packed = self.open_stream(shell.base, kind::DATA, &name)?.ok_or(opaque)?;
        if packed.is_encrypted() {
            return Err(Error::Encrypted { record: shell.base });
        }
        let table = ChunkTable::new(shell.size(), chunk);
        let chunks = offset / chunk..(offset + buf.len() as u64).div_ceil(chunk);
        let places = self.chunk_places(&packed, table, chunks.clone())?;
        for (number, place) in chunks.zip(places.windows(2)) {
            let inside = (offset - number * chunk) as usize;
            let unpacked = self.unpack(&packed, table, method, number, (place[0], place[1]))?;
            let rest = unpacked.bytes.get(inside..).unwrap_or_default();
            let length = rest.len().min(buf.len());
            let (part, behind) = buf.split_at_mut(length);
            part.copy_from_slice(&rest[..length]);
            offset += length as u64;
            buf = behind;
        }
        if buf.is_empty() { Ok(()) } else { Err(shell.damaged("range past the end", offset)) }
    }

    /// The method and chunk size that a file's reparse point names.
    fn overlay(&mut self, base: u64) -> Result<(Method, u64), Error> {
        let opaque = Error::WofCompressed { record: base };
        let Some(stream) = self.open_stream(base, kind::REPARSE_POINT, &[])? else {
            return Err(opaque);
        };
        if !(REPARSE_BYTES as u64..=REPARSE_MAX).contains(&stream.size()) {
            return Err(stream.damaged("reparse data too short or too long", stream.size()));
        }
        let mut data = [0; REPARSE_BYTES];
        self.read_stream(&stream, 0, &mut data)?;
        let [version, provider, provider_version, number] =
            [8, 12, 16, 20].map(|at| bytes::u32_at(&data, at).unwrap_or(0));
        if (version, provider, provider_version) != (1, PROVIDER_FILE, 1) {
            return Err(opaque);
        }
        algorithm(number).ok_or(opaque)
    }

    /// The borders of these chunks, counted from the end of the table: one more than there are chunks.
    fn chunk_places(
        &mut self,
        packed: &Stream,
        table: ChunkTable,
        chunks: std::ops::Range<u64>,
    ) -> Result<Vec<u64>, Error> {
        let (first, last) = (chunks.start, chunks.end.min(table.count()));
        let room = packed.size().checked_sub(table.length());
        let room =
            room.ok_or_else(|| bad_stream(packed.base, "chunk table cut short", packed.size()))?;
        let from = table.entry_at(first.max(1)).unwrap_or(0);
        let to = table.entry_at(last + 1).unwrap_or(0).min(table.length()).max(from);
        let mut entries = vec![0; (to - from) as usize];
        self.read_stream(packed, from, &mut entries)?;
        let mut places = Vec::new();
        places.extend((first == 0).then_some(0));
        places.extend(
            entries.chunks_exact(table.entry_size() as usize).map(|entry| table.offset(entry)),
        );
        places.extend((last == table.count()).then_some(room));
        for pair in places.windows(2) {
            if pair[0] > pair[1] || pair[1] > room {
                return Err(bad_stream(packed.base, "chunk table out of order", pair[0]));
            }
        }
        Ok(places)
    }

    /// Unpacks a chunk that lies between two offsets behind the table.
    fn unpack(
        &mut self,
        packed: &Stream,
        table: ChunkTable,
        method: Method,
        number: u64,
        (start, end): (u64, u64),
    ) -> Result<&Unpacked, Error> {
        let record = packed.base;
        let known = |u: &Unpacked| (u.record, u.number) == (record, number);
        if !self.unpacked.as_deref().is_some_and(known) {
            let size = table.unpacked(number);
            if start >= end || end - start > size {
                return Err(bad_stream(packed.base, "chunk length", end.saturating_sub(start)));
            }
            let mut data = vec![0; (end - start) as usize];
            self.read_stream(packed, table.length() + start, &mut data)?;
            // A chunk that did not get smaller is stored as it is.
            if end - start < size {
                let mut bytes = vec![0; size as usize];
                let done = match method {
                    Method::Xpress => xpress::decompress(&data, &mut bytes),
                    Method::Lzx => winkiln_lzx::unpack_chunk(&data, &mut bytes),
                };
                done.map_err(|Damaged(problem)| bad_stream(packed.base, problem, number))?;
                data = bytes;
            }
            self.unpacked = Some(Unpacked { record, number, bytes: data }.into());
        }
        let lost = || bad_stream(packed.base, "chunk lost", number);
        self.unpacked.as_deref().ok_or_else(lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of no meaning end in an error or in some bytes, soon; half of them begin as chunks do.
    #[test]
    fn random_chunks_do_no_harm() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        };
        let (mut failed, mut out) = (0, vec![0; 32 << 10]);
        for turn in 0..4000_usize {
            let mut chunk: Vec<u8> = (0..turn % 3000).map(|_| random()).collect();
            if turn % 2 == 0 {
                // Every symbol of XPRESS with nine bits; a whole block of LZX, packed, aligned or raw.
                let lengths = chunk.len().min(256);
                chunk[..lengths].fill(0x99);
                let kind = [0x3000, 0x5000, 0x7000_u16][turn / 2 % 3].to_le_bytes();
                let head =
                    winkiln_lzx::unpack_chunk(&[&kind, &chunk[lengths..]].concat(), &mut out);
                failed += usize::from(head.is_err());
            }
            failed += usize::from(xpress::decompress(&chunk, &mut out[..4096]).is_err());
            failed += usize::from(winkiln_lzx::unpack_chunk(&chunk, &mut out).is_err());
        }
        assert!(failed > 6000, "{failed}");
    }
}
