//! Reparse points: symbolic links, junctions, and what else stands behind a tag.

mod data;
mod follow;
mod index;
mod point;

pub use data::{Link, LinkKind, ReparsePoint};
pub use follow::Resolved;
