//! The redo journal beside an image: what a commit is about to write, complete before the first byte is written.
//!
//! The journal speaks of the image *file*, not of the guest's disk: for a qcow2 its pages hold tables and refcounts
//! too, and finishing it needs nothing but plain writes.
//!
//! ```text
//! header, 48 bytes   0 magic "WKJRNL\r\n"   8 version u32   12 page size u32   16 file length before u64
//!                   24 file length after u64   32 record count u64   40 CRC-64 of bytes 0..40
//! record, 32 + n + m  0 offset u64   8 n u32   12 bytes of the page the file held before u32   16 m u32   20 zero u32
//!                   24 n new bytes   m bytes held before (m is 0 when all were zero)   CRC-64 of all of it
//! end, 24 bytes      0 magic "WKJRNEND"   8 record count u64   16 CRC-64 of all record checksums
//! ```
//! All numbers are little-endian; checksums are CRC-64/XZ.

mod format;
pub(crate) mod recover;
mod write;

pub(crate) use format::{Journal, PageWrite};
pub(crate) use write::{discard, write};
