//! Recipes and presets, baked into a Windows disk image as one transaction.
//!
//! A [`Recipe`] and [`Preset`]s become typed [`Step`]s for the guest at hand.
//! A [`Session`] applies them to an uncommitted transaction, keeps a ledger of every [`Change`],
//! has the result read back by independent readers, and only then commits.
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod drivers;
pub mod error;
pub mod facts;
pub mod first_boot;
mod image_path;
pub mod keep_ip;
mod ledger;
mod nearest;
pub mod preset;
pub mod recipe;
pub mod reg_steps;
pub mod report;
mod secret;
pub mod session;
mod source;
pub mod step;
pub mod value_text;

pub use drivers::{
    DriverAction, DriverError, DriverRemoval, DriverReport, DriverSource, InstalledDrivers,
    InstalledPackage, InstalledService, Leftover, SourceFile,
};
pub use error::{BakeError, ErrorKind};
pub use keep_ip::{KeepIp, KeptAddresses};
pub use preset::Preset;
pub use recipe::Recipe;
pub use report::{Change, Io, Report};
pub use session::{Session, SessionOptions, ShortNames, edit_store_step};
pub use step::{LinkKind, Step};
