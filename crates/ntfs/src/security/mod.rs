//! Security descriptors: what a new file inherits, and the volume's `$Secure` store.

mod error;
mod sid;
mod ace;
mod descriptor;
mod inherit;
mod sds;
mod store;
mod sddl;
pub mod secure_file;

pub use error::SecurityError;
pub use inherit::inherit;
pub use sddl::to_sddl;
pub use sds::hash;
pub use secure_file::{SecureFile, SecureIndex};
pub use store::{find_or_add, lookup};
