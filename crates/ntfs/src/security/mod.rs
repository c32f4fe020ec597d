//! Security descriptors: what a new file inherits, their text (SDDL), and the volume's `$Secure` store.

mod files;
pub(crate) mod sds;
mod store;
pub mod secure_file;

pub use files::{assign, create, inherit, propagate, to_sddl};
pub use sds::hash;
pub use secure_file::{SecureFile, SecureIndex};
pub use store::{find_or_add, lookup};
pub use winkiln_security::{
    Domains, Lists, ParentChange, SecurityError, from_sddl, owner_and_group, replace_parts,
};
