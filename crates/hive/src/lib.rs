//! Windows registry hives (`regf`), edited in place: bytes in, dirty ranges out.
//!
//! Knows nothing of disks, paths or clocks.
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

mod base_block;
mod big_data;
mod bin;
mod cell;
mod cells;
mod check;
mod create;
mod descriptor;
pub mod diff;
mod dirty;
mod edit;
mod error;
mod hive;
mod key_node;
mod name;
mod rebuild;
mod recovery;
pub mod reg_text;
mod security;
mod strings;
mod subkey_list;
mod upcase;
mod value;

pub use check::{DIRTY, Finding, check_file};
pub use error::{HiveError, Structure};
pub use hive::{
    Hive, KeyId, KeyInfo, LINK_VALUE, NewValue, SecurityChange, SecurityChanges, Value, ValueSet,
    Walk,
};
pub use rebuild::Loss;
pub use recovery::Recovery;
pub use strings::strings;
pub use value::ValueType;
