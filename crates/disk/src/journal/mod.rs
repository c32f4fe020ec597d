//! The journal beside an image: what a transaction wrote to free space ahead of its commit, and what its commit is about
//! to write, complete before the first byte in use is written.
//!
//! The journal speaks of the image *file*, not of the guest's disk: for a qcow2 its pages hold tables and refcounts
//! too, and dealing with it needs nothing but plain writes.
//!
//! ```text
//! header, 48 bytes   0 magic "WKJRNL\r\n"   8 version u32   12 page size u32   16 file length before u64   24 zeros
//!                   40 CRC-64 of bytes 0..40
//! records, 32 + n    0 kind u32   4 n u32   8 offset u64   16 a u32   20 b u32   24 n bytes   CRC-64 of all of it
//!   kind 1, page     n: the new bytes, then b bytes that the file held; a: low 24 bits: bytes that the file held
//!                    (b is that many, or 0 when all were zero); high 8 bits: the sectors of 512 bytes that the record
//!                    holds, one bit each from the lowest on, 0 for the whole page
//!   kind 2, early    n: CRC-32 of each sector of 512 bytes from the offset; a: 1 when they were a hole, 0 when stored zeros
//!   kind 3, end      offset: file length after; n: record count u64, CRC-64 over the checksums of the records
//!   kind 4, gone     as early, of bytes that the file held and that are to be zeros
//! ```
//! Version 3, which is read too, has whole pages alone. All numbers are little-endian; checksums are CRC-64/XZ, those of sectors CRC-32/ISO-HDLC. The end record is the last
//! thing in the file; with it the journal is complete. Of several pages with one offset the last one counts.
//!
//! An early record is durable before the first of its bytes is written, and its bytes are durable before the end record is
//! written. So where the journal is incomplete, exactly the sectors that it lists may hold anything but zeros, and each of
//! them is zero or has the checksum listed, unless somebody else wrote to the image since. That is never zeroed, but refused.
//!
//! Gone records are in the journal of a commit that is undone: it takes back what the commit had put into free space, and
//! past the end that the file had. Only there is the file's length after less than before.

mod checks;
mod early;
#[cfg(any(test, feature = "simulated"))]
pub(crate) mod mend;
mod format;
mod gone;
mod in_place;
mod index;
mod reader;
pub(crate) mod recover;
pub(crate) mod view;
mod writer;

use std::io;

pub(crate) use early::Extents;
pub(crate) use format::{MAX_EARLY, Sectors};
pub(crate) use gone::{Still, check_gone};
pub(crate) use in_place::{put_back, write_in_place};
pub(crate) use index::Index;
pub(crate) use reader::{Decoded, Journal, read, read_bytes, read_page};
pub(crate) use writer::{Mark, Writer};

use crate::host::folder::JournalPlace;

/// Removes the journal for good.
pub(crate) fn discard(place: &JournalPlace) -> io::Result<()> {
    place.folder.remove(&place.name)?;
    place.folder.sync()
}
