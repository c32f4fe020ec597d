//! LZX decompression: chunks of Windows images and compact installations, and the folders of cabinets.
//!
//! Bytes in, bytes out. Damage is an error: what is written stays inside what was asked for, and takes time in proportion to it.
//!
//! Source: [MS-PATCH] 2.1 to 2.4 and "Microsoft LZX Data Compression Format" (1997).
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod bit_reader;
mod block;
mod calls;
mod chunk;
mod folder;
mod huffman;

pub use bit_reader::BitReader;
pub use chunk::unpack_chunk;
pub use folder::Folder;
pub use huffman::Code;

/// What is wrong with packed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged(pub &'static str);

/// Copies a match inside `out`, whose first `done` bytes are there; returns the bytes that are there then.
///
/// # Errors
/// A match that begins before the first byte or passes the end.
pub fn copy_match(
    out: &mut [u8],
    done: usize,
    distance: usize,
    length: usize,
) -> Result<usize, Damaged> {
    let end = done.saturating_add(length);
    if distance == 0 || distance > done || end > out.len() {
        return Err(Damaged("match out of bounds"));
    }
    if distance >= length {
        out.copy_within(done - distance..end - distance, done);
    } else {
        for at in done..end {
            out[at] = out[at - distance];
        }
    }
    Ok(end)
}
