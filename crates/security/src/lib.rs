//! Security descriptors as Windows stores them on files and registry keys: their text (SDDL), their parts, what is inherited.
//!
//! Bytes and text only: knows no volume and no hive.
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod error;
mod bytes;
mod sid;
mod ace;
mod descriptor;
mod objects;
mod inherit;
mod sddl_words;
mod sddl;
mod sddl_read;
mod change;
mod assign;
mod propagate;

pub use assign::assign;
pub use change::{for_object, replace_parts};
pub use descriptor::validate;
pub use error::SecurityError;
pub use inherit::inherit;
pub use objects::Objects;
pub use propagate::{Lists, ParentChange, owner_and_group, propagate};
pub use sddl::to_sddl;
pub use sddl_read::{Domains, from_sddl};
