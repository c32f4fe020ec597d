//! `$LogFile`: what Windows logged and had not yet written to its place when the volume stopped.
//!
//! The log is a ring of pages. A *restart page* (two copies) names the last *checkpoint*; *records* follow each other through
//! *record pages*, each found by its *LSN* (log sequence number), which counts up and holds the place in the file in its low bits.
//! A record tells an operation that repeats a change (redo) and one that takes it back (undo).
//!
//! Replaying has three passes. *Analysis* takes the tables of the checkpoint and follows the records after it: which pages may be
//! old on disk, and which transactions did not end. *Redo* repeats what those pages miss. *Undo* takes back what the transactions
//! that did not end have done.
//!
//! **Invariant:** nothing here writes. [`replay::plan`] gives every byte to be written, or an error.
//! **Invariant:** what is not known for sure is an error: an operation, a table, a page that is not there.
//!
//! Source: linux-ntfs documentation, "$LogFile"; Brian Carrier, "File System Forensic Analysis", NTFS journal; the documentation of
//! `rust-fs-ntfs`, which compared each operation with what Windows' own restart made of the same volume; the logs of the corpus.

mod analysis;
mod checkpoint;
mod client_record;
mod error;
mod file_record_redo;
mod index_redo;
mod operation;
mod pages;
mod raw_redo;
pub(crate) mod records;
pub mod replay;
pub mod restart_area;
mod splice;
mod tables;

pub use error::LogError;
pub use operation::Operation;
pub(crate) use records::LOG_MAX;
