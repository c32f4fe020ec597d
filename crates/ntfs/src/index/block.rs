//! Index blocks: the `INDX` header before a node.

use super::entry::CHILD;
use super::node::{NODE_HEADER, Node, end_length};
use super::{IndexDamage, IndexError, NodePlace};
use crate::{Error, bytes};

/// Bytes before the node's header: signature, place and size of the update sequence array, log sequence number, VCN.
///
/// Source: linux-ntfs documentation, "Index record".
pub(crate) const HEAD: usize = 0x18;
/// Offset of the update sequence array, right behind the node's header.
const UPDATE_SEQUENCE_AT: usize = HEAD + NODE_HEADER;
/// Bytes that one update sequence entry protects, whatever the device's sectors are.
const STRIDE: u32 = 512;
const SIGNATURE: [u8; 4] = *b"INDX";
/// Offset of the block's own VCN.
const VCN_AT: usize = 0x10;

/// Fails for block sizes that no index can have: a power of two from 512 bytes to 64 KiB, counted in units of at most a block.
pub(crate) fn expect_size(block_size: u32, vcn_unit: u32) -> Result<(), IndexError> {
    let sane = block_size.is_power_of_two()
        && (STRIDE..=65536).contains(&block_size)
        && vcn_unit.is_power_of_two()
        && (STRIDE..=block_size).contains(&vcn_unit);
    if sane { Ok(()) } else { Err(IndexError::UnsupportedBlockSize { block_size, vcn_unit }) }
}

/// Takes a block apart that was read from `vcn`.
pub(crate) fn parse(vcn: u64, block: &[u8], block_size: u32) -> Result<Node, Error> {
    let place = NodePlace::Block(vcn);
    let damaged = |offset, damage| Error::from(IndexError::Damaged { node: place, offset, damage });
    if block.len() != block_size as usize || block.len() < UPDATE_SEQUENCE_AT {
        return Err(damaged(0, IndexDamage::TooShort { size: block.len() }));
    }
    let found: [u8; 4] = block.first_chunk().copied().unwrap_or_default();
    if found != SIGNATURE {
        return Err(damaged(0, IndexDamage::Signature { found }));
    }
    let own = bytes::u64_at(block, VCN_AT).unwrap_or(u64::MAX);
    if own != vcn {
        return Err(damaged(VCN_AT, IndexDamage::WrongVcn { found: own }));
    }
    let node = Node::parse(place, block)?;
    // Whoever writes the block changes the array.
    let start = usize::from(bytes::u16_at(block, 4).unwrap_or_default());
    let end = start + 2 * usize::from(bytes::u16_at(block, 6).unwrap_or_default());
    if start < UPDATE_SEQUENCE_AT || end > node.prefix_size() {
        return Err(damaged(4, IndexDamage::UpdateSequence { start, end }));
    }
    Ok(node)
}

/// A block without entries for `vcn`.
pub(crate) fn empty(vcn: u64, block_size: u32) -> Node {
    let count = block_size / STRIDE + 1;
    let start = (UPDATE_SEQUENCE_AT + 2 * count as usize).next_multiple_of(8);
    let mut prefix = vec![0; start];
    prefix[..4].copy_from_slice(&SIGNATURE);
    prefix[4..6].copy_from_slice(&(UPDATE_SEQUENCE_AT as u16).to_le_bytes());
    prefix[6..8].copy_from_slice(&(count as u16).to_le_bytes());
    prefix[VCN_AT..VCN_AT + 8].copy_from_slice(&vcn.to_le_bytes());
    let allocated = block_size as usize - HEAD;
    prefix[HEAD..HEAD + 4].copy_from_slice(&((start - HEAD) as u32).to_le_bytes());
    prefix[HEAD + 8..HEAD + 12].copy_from_slice(&(allocated as u32).to_le_bytes());
    Node::empty(NodePlace::Block(vcn), prefix, allocated)
}

/// Notes that the store wrote the block with the next update sequence number.
pub(crate) fn count_write(node: &mut Node) {
    let prefix = node.prefix_mut();
    if let Some(at) = bytes::u16_at(prefix, 4).map(usize::from)
        && let Some(old) = bytes::u16_at(prefix, at)
    {
        let _ = bytes::put(prefix, at, &crate::fixup::next(old).to_le_bytes());
    }
}

/// Bytes that an entry may have, without a child, so that two with children and an end entry fit a block.
pub(crate) fn entry_max(block_size: u32) -> usize {
    let node = empty(0, block_size);
    let room = node.block_capacity() - node.prefix_size() - end_length(true);
    (room / 2 - CHILD) & !7
}
