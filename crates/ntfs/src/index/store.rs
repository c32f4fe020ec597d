//! Where an index keeps its root and blocks. Implemented over a file record's attributes; in memory for tests.

use super::KnownNodes;
use crate::Error;

/// The attributes of one index (`$INDEX_ROOT`, `$INDEX_ALLOCATION`, `$BITMAP` of one name in one file), as the tree code sees them.
pub trait IndexStore {
    /// Bytes per index block (from `$INDEX_ROOT`).
    fn block_size(&self) -> u32;
    /// Bytes that one unit of a block's VCN stands for: the cluster size, or 512 when a cluster is larger than a block.
    fn vcn_unit(&self) -> u32;
    /// The whole value of `$INDEX_ROOT` (16-byte head, node header, entries).
    fn read_root(&mut self) -> Result<Vec<u8>, Error>;
    /// Bytes that the value of `$INDEX_ROOT` may have at most right now (space can be made by moving other attributes out is the store's affair).
    fn root_capacity(&mut self) -> Result<usize, Error>;
    /// Replaces the value of `$INDEX_ROOT`; `value.len() <= root_capacity()`.
    fn write_root(&mut self, value: &[u8]) -> Result<(), Error>;
    /// Reads an index block (`INDX`) with its fixups undone and checked. `vcn` is in the units the entries use.
    fn read_block(&mut self, vcn: u64) -> Result<Vec<u8>, Error>;
    /// Writes an index block; fixups are applied by the store, in place (`block` carries the update sequence array's place in its header; the store bumps the number).
    fn write_block(&mut self, vcn: u64, block: &mut [u8]) -> Result<(), Error>;
    /// Takes a free block (lowest first), creating or growing `$INDEX_ALLOCATION` and `$BITMAP` as needed, and marks it used. Its contents are undefined.
    fn allocate_block(&mut self) -> Result<u64, Error>;
    /// Marks a block free. When the last one is freed the store may remove or shrink `$INDEX_ALLOCATION` and `$BITMAP`.
    fn free_block(&mut self, vcn: u64) -> Result<(), Error>;
    /// Blocks that were parsed before and still hold; `None` when the store keeps none.
    fn known_nodes(&mut self) -> Option<&mut KnownNodes> {
        None
    }
}
