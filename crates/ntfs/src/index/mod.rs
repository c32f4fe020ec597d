//! NTFS indexes: B+ trees of sorted entries in `$INDEX_ROOT` and `$INDEX_ALLOCATION`, for any collation.
//!
//! A node is the value of `$INDEX_ROOT` or an index block. Each entry of an inner node leads to a block whose entries sort before it;
//! the end entry leads to those after all others. Entries lie in inner nodes and in leaves alike.
//!
//! **Invariant:** every block that an operation leaves behind has an entry beside its end entry, unless others built it so.
//! **Invariant:** an operation writes nothing before it has succeeded in memory, blocks that it allocates aside.
//! **Not here:** attributes, clusters and bitmaps, which are the affair of the [`IndexStore`].

mod error;
mod file_name;
mod entry;
mod collation;
pub(crate) mod node;
pub(crate) mod root;
mod known;
pub(crate) mod block;
mod tree;
mod lookup;
mod edit;
mod settle;
pub mod store;

pub use collation::Collation;
pub use edit::{insert, remove, update, update_with};
pub use entry::{Entry, EntryView};
pub use error::{IndexDamage, IndexError, NodePlace};
pub use known::KnownNodes;
pub use lookup::{Visitor, entries, find, find_name, is_empty, last, visit, visit_from};
pub(crate) use node::Node;
pub use root::{FILE_NAME_TYPE, new_root};
pub use store::IndexStore;
