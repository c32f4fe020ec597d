//! A disk behind an NBD server: another machine's, or `qemu-nbd`, which is started for the formats that are not read here.
//!
//! Source: `proto.md` of the NBD project ("fixed newstyle" negotiation, simple replies).

mod address;
mod client;
mod error;
mod file;
#[doc(hidden)]
pub mod fuzz;
mod qemu;
mod timed;

pub(crate) use address::Address;
pub use error::NbdError;
pub(crate) use file::NbdFile;
pub(crate) use qemu::{Server, Start};
