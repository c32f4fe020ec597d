//! A second opinion: claims about an uncommitted disk, checked by parsers that winkiln did not write.
//!
//! | claims about | reader | what it is not asked |
//! | --- | --- | --- |
//! | files and folders of an NTFS volume | `ntfs` | see [`ntfs_reader`] |
//! | files and folders of a FAT volume | `fatfs` | alternate streams, which FAT has not |
//! | keys and values of a hive | `nt-hive` | see [`hive_reader`] |
//!
//! A claim that a reader is known to answer wrongly is not put to it, and [`Opinion::skipped`] says so.
//! Everything else a reader says or fails to say is a [`VerifyError`].
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

pub mod claim;
mod comparison;
pub mod error;
pub mod fingerprint;
mod link;
mod opinion;
mod path;
mod question;
mod value_fingerprint;
pub mod fat_reader;
pub mod ntfs_reader;
pub mod hive_reader;

pub use claim::{Claim, Contents, HiveFact, ValueFact};
pub use error::VerifyError;
pub use fingerprint::{Fingerprint, Fingerprinter};
pub use opinion::{Opinion, Skipped, Verified};
pub use question::{threads, verify_hive, verify_volume};
pub use value_fingerprint::ValueFingerprint;
