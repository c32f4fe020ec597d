//! Disk images as block devices.
//!
//! [`Device`] is the one seam that everything above reads and writes through.
//! With the `image` feature (on by default): image files and block devices behind a gate ([`Image`]),
//! the [`Transaction`] over one, and partition tables.
//!
//! ```no_run
//! # #[cfg(feature = "image")] {
//! use std::path::Path;
//! use winkiln_disk::{Device, Image, OpenOptions, Transaction, partition};
//!
//! let options = OpenOptions { writable: true, ..OpenOptions::default() };
//! let image = Image::open(Path::new("disk.qcow2"), &options)?;
//! let transaction = Transaction::begin(image);
//! let table = partition::read_table(&transaction)?;
//! for partition in &table.partitions {
//!     println!("{}: {} bytes at {}", partition.number, partition.length, partition.start);
//! }
//! transaction.write_at(0x1b8, &[1, 2, 3, 4])?;
//! transaction.commit()?; // Or drop it: nothing was written.
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod cursor;
pub mod device;
pub mod memory;
pub mod window;
#[cfg(feature = "image")]
mod host;
#[cfg(feature = "image")]
pub mod image;
#[cfg(feature = "image")]
mod interrupt;
#[cfg(feature = "image")]
mod journal;
#[cfg(feature = "image")]
pub mod nbd;
#[cfg(feature = "image")]
mod overlay;
#[cfg(feature = "image")]
pub mod partition;
#[cfg(all(feature = "image", any(test, feature = "simulated")))]
#[doc(hidden)]
pub mod simulated;
#[cfg(feature = "image")]
pub mod transaction;
#[cfg(feature = "image")]
pub mod undo;

pub use cursor::DeviceCursor;
pub use device::{Device, DeviceError};
#[cfg(feature = "image")]
pub use image::{
    Format, Image, ImageError, JournaledFile, KnownFormat, OpenOptions, Qcow2Error, Recovery,
};
#[cfg(feature = "image")]
pub use interrupt::Interrupt;
pub use memory::MemoryDevice;
#[cfg(feature = "image")]
pub use nbd::NbdError;
#[cfg(feature = "image")]
pub use transaction::{CommitError, CommitReport, IoCounts, Transaction};
#[cfg(feature = "image")]
pub use undo::{UndoError, UndoFile, UndoOptions, Undone};
pub use window::Window;
