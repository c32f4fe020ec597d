//! Who signed a driver: PE files, security catalogs, certificates.
//!
//! Signatures are verified mathematically, from the bytes of a file to the last certificate that comes with it.
//! There is no trust store here: Microsoft's own authorities are recognised by thumbprint, and what a chain ends in is told.
//! Whether a certificate was revoked or has expired is not judged: Windows accepts what was signed in time.
//!
//! Bytes in, facts out: nothing here opens a path or reads the clock.
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod catalog;
pub mod certificate;
pub mod certificate_file;
mod der;
pub mod digest;
mod error;
mod oid;
pub mod pe;
mod rsa;
pub mod signature;
mod signed_data;
pub mod store;
mod authority;

pub use authority::{Anchor, SignerClass};
pub use error::Error;
