//! LZNT1 decompression.
//!
//! Source: [MS-XCA] 2.5, "LZNT1 Algorithm Details".

/// Bytes that a chunk decompresses to, at most.
const CHUNK: usize = 4096;

/// Decompresses one compression unit of `unit` bytes; what the data do not reach is zero. The error is an offset in the data.
pub(crate) fn decompress(data: &[u8], unit: usize) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(unit);
    let mut at = 0;
    while out.len() < unit {
        let Some(head) = crate::bytes::u16_at(data, at).filter(|head| *head != 0) else { break };
        let length = usize::from(head & 0x0fff) + 1;
        let chunk = crate::bytes::slice_at(data, at + 2, length).ok_or(at)?;
        let start = out.len();
        if head & 0x8000 == 0 {
            out.extend_from_slice(chunk);
        } else {
            decompress_chunk(chunk, &mut out).map_err(|inside| at + 2 + inside)?;
        }
        at += 2 + length;
        // Each chunk but the last stands for exactly 4096 bytes.
        out.resize((start + CHUNK).min(unit), 0);
    }
    out.resize(unit, 0);
    Ok(out)
}

fn decompress_chunk(chunk: &[u8], out: &mut Vec<u8>) -> Result<(), usize> {
    let start = out.len();
    let mut at = 0;
    while at < chunk.len() {
        let flags = chunk[at];
        at += 1;
        for bit in 0..8 {
            if at >= chunk.len() {
                return Ok(());
            }
            if flags >> bit & 1 == 0 {
                out.push(chunk[at]);
                at += 1;
            } else {
                let token = usize::from(crate::bytes::u16_at(chunk, at).ok_or(at)?);
                let done = out.len() - start;
                // The further into the chunk, the more bits the distance takes.
                let wide = done.saturating_sub(1).checked_ilog2().map_or(4, |log| (log + 1).max(4));
                let length = (token & (0xffff >> wide)) + 3;
                let distance = (token >> (16 - wide)) + 1;
                if distance > done || done + length > CHUNK {
                    return Err(at);
                }
                for _ in 0..length {
                    out.push(out[out.len() - distance]);
                }
                at += 2;
            }
            if out.len() - start > CHUNK {
                return Err(at);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_decompress() {
        let text = decompress(&[0x02, 0xb0, 0x00, b'a', b'b'], 4096).map(|unit| unit[..4].to_vec());
        assert_eq!(text.as_deref(), Ok(&b"ab\0\0"[..]), "literals");
        let run = [0x03, 0xb0, 0x02, b'a', 0xfc, 0x0f];
        let unit = decompress(&run, 8192).unwrap_or_default();
        assert!(
            unit[..4096].iter().all(|b| *b == b'a') && unit[4096..].iter().all(|b| *b == 0),
            "a long run"
        );
        assert_eq!(
            decompress(&[0x03, 0xb0, 0x01, 0x00, 0x00, 0x00], 4096),
            Err(3),
            "distance before the start"
        );
        assert_eq!(decompress(&[0xff, 0x3f, 1], 4096), Err(0), "cut short");
        assert_eq!(decompress(&[0, 0, 1], 4096), Ok(vec![0; 4096]), "empty");
    }
}
