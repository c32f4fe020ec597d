//! A folder, an ISO, a zip, a cabinet, a tar or an MSI read as one tree of files.
//!
//! ```no_run
//! let tree = winkiln_archive::Tree::open("virtio-win.iso")?;
//! for entry in tree.entries().iter().filter(|entry| entry.name().ends_with(".inf")) {
//!     println!("{} {}", entry.path(), entry.size());
//! }
//! let inf = tree.read("viostor/w10/amd64/viostor.inf", 1 << 20)?;
//! # Ok::<(), winkiln_archive::Error>(())
//! ```
//!
//! An archive may come from anybody. No name in a tree leads out of it, what a tree costs is bounded by [`Limits`], and damage is a
//! typed [`Error`].
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod cabinet;
mod compound;
mod contents;
mod error;
mod folder;
mod gzip;
mod inflate;
mod iso;
mod limits;
mod list;
mod msi;
mod name;
mod packed;
mod source;
mod spool;
mod tar;
mod tree;
mod udf;
mod zip;

pub use contents::Reader;
pub use error::{Error, Format};
pub use limits::Limits;
pub use name::Reason;
pub use packed::unpack;
pub use source::{FileSource, Source};
pub use tree::{Entry, EntryKind, LeftOut, Tree};
