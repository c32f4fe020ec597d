//! A file packed by itself, as `compress.exe` and `makecab` leave it: `viostor.sy_`.
//!
//! Source: the format of Microsoft's `COMPRESS.EXE` as Deark and libmspack document it ("SZDD"): LZSS with a window of 4 KiB.

use std::sync::Arc;

use crate::error::{Error, Format};
use crate::limits::Limits;
use crate::source::field;
use crate::{cabinet, tree::Tree};

const MAGIC: &[u8] = b"SZDD\x88\xF0\x27\x33";
/// Magic, method, last letter of the name, size.
const HEADER: usize = 14;
const METHOD: u8 = b'A';
const WINDOW: usize = 4096;
/// A match has 3 to 18 bytes.
const MATCH_MIN: usize = 3;

/// Unpacks a file that was packed by itself. `name` is its own, which a cabinet may give among others.
///
/// # Errors
/// Contents of neither form, damaged ones, and more than `limit` bytes.
pub fn unpack(bytes: Vec<u8>, name: &str, limit: u64) -> Result<Vec<u8>, Error> {
    if cabinet::is_cabinet(&bytes) {
        let tree = Tree::read_from(Arc::new(bytes), Limits::default())?;
        let mut files = tree.entries().iter().filter(|entry| entry.is_file());
        return match (files.next(), files.next()) {
            (Some(only), None) => tree.read(only.path(), limit),
            _ => tree.read(name, limit),
        };
    }
    if bytes.starts_with(MAGIC) {
        return szdd(&bytes, name, limit);
    }
    let what = "another packing than SZDD and a cabinet";
    Err(Error::Unsupported { format: Format::Packed, what })
}

fn szdd(bytes: &[u8], name: &str, limit: u64) -> Result<Vec<u8>, Error> {
    let format = Format::Packed;
    let size = bytes.len() as u64;
    let truncated = |structure, at: usize| Error::Truncated {
        format,
        structure,
        at: at as u64,
        length: 1,
        size,
    };
    let method = field::u8(bytes, 8).ok_or_else(|| truncated("header", 8))?;
    if method != METHOD {
        let (found, expected) = (u64::from(method), "0x41");
        return Err(Error::Damaged { format, structure: "method", at: 8, found, expected });
    }
    let unpacked = field::u32(bytes, 10).ok_or_else(|| truncated("header", 10))?;
    let wanted = u64::from(unpacked);
    if wanted > limit {
        return Err(Error::FileTooLarge { path: name.to_owned(), size: wanted, max: limit });
    }
    let wanted = unpacked as usize;
    let mut window = Window { bytes: [b' '; WINDOW], place: WINDOW - 16, out: Vec::new() };
    let mut at = HEADER;
    let mut next = || {
        let byte = bytes.get(at).copied().ok_or_else(|| truncated("data", at));
        at += 1;
        byte
    };
    while window.out.len() < wanted {
        let flags = next()?;
        for bit in 0..8 {
            if window.out.len() >= wanted {
                break;
            }
            if flags >> bit & 1 == 1 {
                window.put(next()?);
                continue;
            }
            let (low, high) = (next()?, next()?);
            let from = usize::from(low) | usize::from(high & 0xF0) << 4;
            // Byte by byte: a match may reach into what it writes itself.
            for step in 0..usize::from(high & 0x0F) + MATCH_MIN {
                window.put(window.bytes[(from + step) % WINDOW]);
            }
        }
    }
    window.out.truncate(wanted);
    Ok(window.out)
}

/// The last bytes, by the address that matches use, and all of them. It grows with what is there, not with what is claimed.
struct Window {
    bytes: [u8; WINDOW],
    place: usize,
    out: Vec<u8>,
}

impl Window {
    fn put(&mut self, byte: u8) {
        self.out.push(byte);
        self.bytes[self.place] = byte;
        self.place = (self.place + 1) % WINDOW;
    }
}
