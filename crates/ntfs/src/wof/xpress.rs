//! XPRESS decompression with Huffman codes, one chunk of at most 64 KiB.
//!
//! Source: [MS-XCA] 2.1.4.1 and 2.2, "LZ77+Huffman Algorithm Details".

use winkiln_lzx::{BitReader, Code, Damaged, copy_match};

/// Bytes of the code lengths, four bits for each of 512 symbols.
const TABLE: usize = 256;
/// Shortest match.
const MATCH_MIN: usize = 3;

/// Fills `out` from one chunk.
pub(crate) fn decompress(chunk: &[u8], out: &mut [u8]) -> Result<(), Damaged> {
    let (table, data) = chunk.split_at_checked(TABLE).ok_or(Damaged("code lengths cut short"))?;
    let lengths: Vec<u8> = table.iter().flat_map(|byte| [byte & 15, byte >> 4]).collect();
    let code = Code::new(&lengths)?;
    let mut reader = BitReader::new(data);
    let mut done = 0;
    while done < out.len() {
        let symbol = code.read(&mut reader)?;
        if let Ok(literal) = u8::try_from(symbol) {
            out[done] = literal;
            done += 1;
            continue;
        }
        let length = match symbol & 15 {
            15 => long_length(&mut reader).ok_or(Damaged("match length"))?,
            length => usize::from(length),
        };
        let bits = u32::from(symbol - 256) >> 4;
        let distance = 1 << bits | usize::from(reader.take(bits));
        done = copy_match(out, done, distance, length + MATCH_MIN)?;
    }
    if reader.is_past_end() { Err(Damaged("chunk cut short")) } else { Ok(()) }
}

/// A length of 15 or more, in bytes between the words.
fn long_length(reader: &mut BitReader<'_>) -> Option<usize> {
    let more = reader.byte()?;
    if more < 255 {
        return Some(15 + usize::from(more));
    }
    let length = u16::from_le_bytes([reader.byte()?, reader.byte()?]);
    Some(usize::from(length)).filter(|length| *length >= 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second example of [MS-XCA] 3.2: "abc" a hundred times.
    #[test]
    fn the_published_example_decompresses() {
        let mut chunk = vec![0; TABLE];
        // a, b and c; the end; a match of a long length three bytes back.
        chunk[0x30] = 0x30;
        chunk[0x31] = 0x23;
        chunk[0x80] = 0x02;
        chunk[0x8f] = 0x20;
        chunk.extend_from_slice(&[0xa8, 0xdc, 0x00, 0x00, 0xff, 0x26, 0x01]);
        let mut out = [0; 300];
        assert_eq!(decompress(&chunk, &mut out), Ok(()));
        assert_eq!(out.as_slice(), b"abc".repeat(100));
        let mut short = [0; 40];
        assert!(decompress(&chunk, &mut short).is_err(), "a match past the end");
        assert!(decompress(&chunk[..262], &mut out).is_err(), "cut short");
    }
}
