//! One interface over the NTFS and FAT volumes of a disk.
//!
//! [`identify()`] tells what a partition holds and whether it may be written; [`Volume`] opens it and works with paths.
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod backend;
pub mod check;
pub mod error;
mod fat;
pub mod identify;
pub mod metadata;
mod path;
mod read_ahead;
mod remedy;
pub mod volume;

pub use error::VolumeError;
pub use fat::FatError;
pub use identify::{Filesystem, Identity, identify};
pub use metadata::{Entry, Link, LinkKind, Metadata, Stream};
pub use remedy::remedy;
pub use volume::{OpenOptions, Volume};
pub use winkiln_ntfs::{Remedied, Remedies, StateDetail};
