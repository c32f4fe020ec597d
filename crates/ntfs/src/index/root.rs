//! The value of `$INDEX_ROOT`: what the index sorts and how, then the root node.

use super::node::{NODE_HEADER, Node};
use super::{Collation, IndexError, NodePlace, block};
use crate::Error;

/// Bytes before the node's header: attribute type, collation rule, bytes per block, VCN units per block.
///
/// Source: linux-ntfs documentation, "$INDEX_ROOT".
pub(crate) const HEAD: usize = 0x10;
/// The type of `$FILE_NAME` attributes.
pub const FILE_NAME_TYPE: u32 = 0x30;

/// The value of an `$INDEX_ROOT` without entries.
///
/// `attribute_type` is [`FILE_NAME_TYPE`] for folders and 0 for view indexes. `vcn_unit` is what a VCN of the index counts:
/// the cluster size, or 512 bytes where a cluster is larger than a block.
/// # Errors
/// [`IndexError::UnsupportedBlockSize`].
pub fn new_root(
    attribute_type: u32,
    collation: Collation<'_>,
    block_size: u32,
    vcn_unit: u32,
) -> Result<Vec<u8>, IndexError> {
    block::expect_size(block_size, vcn_unit)?;
    let mut prefix = Vec::with_capacity(HEAD + NODE_HEADER);
    prefix.extend(attribute_type.to_le_bytes());
    prefix.extend(collation.code().to_le_bytes());
    prefix.extend(block_size.to_le_bytes());
    prefix.extend((block_size / vcn_unit).to_le_bytes());
    prefix.extend((NODE_HEADER as u32).to_le_bytes());
    prefix.resize(HEAD + NODE_HEADER, 0);
    Ok(Node::empty(NodePlace::Root, prefix, 0).to_bytes(0))
}

/// Takes the value of `$INDEX_ROOT` apart.
pub(crate) fn parse(value: &[u8]) -> Result<Node, Error> {
    Node::parse(NodePlace::Root, value)
}
