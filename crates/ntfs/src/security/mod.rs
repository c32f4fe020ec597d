//! Security descriptors: what a new file inherits, their text (SDDL), and the volume's `$Secure` store.

mod error;
mod sid;
mod ace;
mod descriptor;
mod inherit;
pub(crate) mod sds;
mod store;
mod sddl_words;
mod sddl;
mod sddl_read;
mod change;
pub mod secure_file;

pub use change::{for_file, replace_parts};
pub use error::SecurityError;
pub use inherit::inherit;
pub use sddl::to_sddl;
pub use sddl_read::{Domains, from_sddl};
pub use sds::hash;
pub use secure_file::{SecureFile, SecureIndex};
pub use store::{find_or_add, lookup};
