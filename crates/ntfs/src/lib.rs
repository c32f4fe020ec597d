//! An offline editor for NTFS 3.x volumes.
//!
//! [`Volume`] is the way in. Below it, each module is named after the NTFS structure it reads and writes.
//!
//! **Invariant:** an operation that fails leaves no trace in the volume's metadata: they change in memory, and go back together.
//! **Invariant:** metadata reach the device in `flush`, or after an operation that made many pages dirty; file contents at once,
//! growth into clusters that nothing names yet.
//! **Invariant:** `$LogFile` is written by [`remedy`] alone. A volume that is not clean is not opened for writing.
//! **Assumes:** nobody else changes the device while a volume is open.
//! **Not here:** packing files for the Windows overlay filter, decrypting EFS, `$UsnJrnl`, quotas.
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

// The public face.
pub mod error;
pub mod file_reference;
pub mod file_time;
pub mod remedy;
pub mod volume;
pub mod volume_state;

// What operations do.
mod contents;
mod create;
mod directory;
mod metadata;
mod names;
mod remove;
mod rename;
pub mod reparse;
pub mod check;

// Structures with a meaning of their own.
mod file_name;
mod hibernation;
pub mod index;
mod index_attributes;
#[doc(hidden)]
pub mod log;
mod log_replay;
mod log_state;
mod secure;
mod secure_below;
pub mod security;
mod shadow_copies;
mod short_name;
mod standard_information;
pub mod upcase;
mod volume_information;

// Values of attributes.
mod lznt1;
mod plain;
mod stream;
mod stream_read;
mod stream_write;
mod wof;

// Records and what stands in them.
mod attribute;
mod attribute_list;
mod extension_records;
mod mft;
mod mft_extents;
mod record;
mod record_layout;

// Clusters and bytes.
pub mod boot_sector;
mod bytes;
mod cluster_bitmap;
mod cluster_io;
mod core;
mod fixup;
mod fresh;
mod numbered;
mod page_cache;
mod parsed;
pub mod run_list;

#[doc(hidden)]
pub mod fuzz;

pub use error::Error;
pub use file_reference::FileReference;
pub use file_time::FileTime;
pub use remedy::{Remedied, Remedies};
pub use reparse::{Link, LinkKind, ReparsePoint, Resolved};
pub use volume::{DirectoryEntry, Metadata, OpenOptions, StreamInfo, Volume};
pub use volume_state::{StateDetail, VolumeState};
