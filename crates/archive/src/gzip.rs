//! A gzip, unpacked once.
//!
//! Source: RFC 1952.

use std::io;

use crate::error::{Error, Format};
use crate::inflate::Inflate;
use crate::limits::Limits;
use crate::source::{Reading, field};
use crate::spool::{Filling, Spool};

/// The longest header that is read: extra field, name and comment.
const HEADER_MAX: u64 = 128 << 10;

pub(crate) fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(&[0x1f, 0x8b, 8])
}

/// Unpacks all members, one after the other.
pub(crate) fn unpack(reading: &Reading, limits: Limits) -> Result<Spool, Error> {
    let mut filling = Filling::new();
    let mut at = 0;
    while at < reading.len() {
        let start = header_end(reading, at)?;
        let mut inflate = Inflate::new(reading.clone(), start, reading.len() - start);
        let mut crc = crc32fast::Hasher::new();
        let mut size = 0u32;
        let mut piece = vec![0; 128 << 10];
        loop {
            let read = inflate.read(&mut piece).map_err(failed)?;
            if read == 0 {
                break;
            }
            crc.update(&piece[..read]);
            size = size.wrapping_add(read as u32);
            filling.push(&piece[..read]).map_err(failed)?;
            limits.expansion(Format::TarGz, reading.len(), filling.length)?;
        }
        let end = inflate.end().unwrap_or(reading.len());
        let trailer = reading.bytes("gzip trailer", end, 8)?;
        if field::u32(&trailer, 0) != Some(crc.finalize()) || field::u32(&trailer, 4) != Some(size)
        {
            let what = "their CRC-32 or size is another one";
            return Err(Error::Contents { format: Format::TarGz, at: start, what });
        }
        at = end + 8;
        // Zeros behind the last member pad a tape; anything else that is no member is damage.
        let rest = reading.bytes(
            "gzip member",
            at,
            usize::try_from((reading.len() - at).min(3)).unwrap_or(0),
        )?;
        if rest.iter().all(|byte| *byte == 0) {
            break;
        }
    }
    Ok(filling.finish())
}

fn failed(error: io::Error) -> Error {
    crate::contents::Contents::error(error, 0)
}

/// Where the packed data of a member begin.
fn header_end(reading: &Reading, at: u64) -> Result<u64, Error> {
    let length = (reading.len() - at).min(HEADER_MAX);
    let bytes = reading.bytes("gzip header", at, usize::try_from(length).unwrap_or(0))?;
    let cut = || Error::Truncated {
        format: Format::TarGz,
        structure: "gzip header",
        at,
        length: 10,
        size: reading.len(),
    };
    if !is_gzip(&bytes) {
        return Err(reading.damaged(
            "gzip header",
            at,
            bytes.first().copied().unwrap_or(0).into(),
            "1f 8b 08",
        ));
    }
    let flags = field::u8(&bytes, 3).ok_or_else(cut)?;
    let mut end = 10;
    if flags & 4 != 0 {
        end += 2 + usize::from(field::u16(&bytes, end).ok_or_else(cut)?);
    }
    for text in [8, 16] {
        if flags & text != 0 {
            let rest = bytes.get(end..).ok_or_else(cut)?;
            end += rest.iter().position(|byte| *byte == 0).ok_or_else(cut)? + 1;
        }
    }
    end += if flags & 2 != 0 { 2 } else { 0 };
    if end > bytes.len() { Err(cut()) } else { Ok(at + end as u64) }
}
