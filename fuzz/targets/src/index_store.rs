//! An index in memory whose root and blocks come from an input.

use std::collections::BTreeMap;

use winkiln_ntfs::Error;
use winkiln_ntfs::index::{Collation, IndexDamage, IndexError, IndexStore, NodePlace, new_root};

use crate::bytes::{Input, put, u16_at, u32_at};

/// Bytes that `$INDEX_ROOT` may have.
const ROOT_MAX: usize = 0x200;
/// Bytes of an input that make up the root.
pub const ROOT_INPUT: usize = 0x100;
/// Blocks that the index may have.
const BLOCKS_MAX: usize = 64;

/// An index in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryIndex {
    /// Bytes per block.
    pub block_size: u32,
    /// The value of `$INDEX_ROOT`.
    pub root: Vec<u8>,
    /// Blocks by VCN; one VCN is one block.
    pub blocks: BTreeMap<u64, Vec<u8>>,
    /// Writing failed: what the index holds is not promised any more.
    pub torn: bool,
}

fn failed(place: NodePlace) -> Error {
    IndexError::Damaged { node: place, offset: 0, damage: IndexDamage::NoEnd }.into()
}

impl MemoryIndex {
    /// An index without entries.
    ///
    /// # Panics
    /// For sizes that no block has.
    #[must_use]
    pub fn new(collation: Collation<'_>, block_size: u32) -> Self {
        let kind = if collation.is_file_name() { 0x30 } else { 0 };
        let root = new_root(kind, collation, block_size, block_size).expect("a size of blocks");
        Self { block_size, root, blocks: BTreeMap::new(), torn: false }
    }

    /// An index with a root and blocks from an input. Unless `raw`, header fields that a parser refuses at once are put right.
    ///
    /// # Panics
    /// For sizes that no block has.
    #[must_use]
    pub fn from_input(
        collation: Collation<'_>,
        block_size: u32,
        raw: bool,
        blocks: usize,
        input: &mut Input<'_>,
    ) -> Self {
        let mut index = Self::new(collation, block_size);
        let root = input.take(ROOT_INPUT);
        if raw {
            index.root = root.to_vec();
        } else {
            // The first two bytes say how long the entries are.
            let length = usize::from(u16_at(root, 0)).min(ROOT_INPUT - 2).min(root.len());
            index.root.truncate(0x20);
            index.root.extend(root.iter().skip(2).take(length));
            let end = index.root.len() as u32 - 0x10;
            put(&mut index.root, 0x14, &end.to_le_bytes());
        }
        for vcn in 0..blocks as u64 {
            let mut block = input.take(block_size as usize).to_vec();
            block.resize(block_size as usize, 0);
            if !raw {
                repair(&mut block, vcn);
            }
            index.blocks.insert(vcn, block);
        }
        index
    }

    /// The input that makes this index, for seeds.
    #[must_use]
    pub fn to_input(&self) -> Vec<u8> {
        let entries = self.root.get(0x20..).unwrap_or_default();
        let mut input = (entries.len() as u16).to_le_bytes().to_vec();
        input.extend(entries);
        input.resize(ROOT_INPUT, 0);
        input.extend(self.blocks.values().flatten());
        input
    }
}

/// Puts the parts of a block's header right that a parser refuses at once.
fn repair(block: &mut [u8], vcn: u64) {
    let size = block.len() as u32;
    put(block, 0, b"INDX");
    put(block, 0x10, &vcn.to_le_bytes());
    if u32_at(block, 0x18) > 0x80 {
        let start = (0x28 + 2 * (size / 512 + 1)).next_multiple_of(8);
        put(block, 0x18, &(start - 0x18).to_le_bytes());
    }
    if u32_at(block, 0x1c) > size - 0x18 {
        put(block, 0x1c, &(size - 0x18).to_le_bytes());
    }
    if u32_at(block, 0x20) > size - 0x18 {
        put(block, 0x20, &(size - 0x18).to_le_bytes());
    }
    // Blocks come without fixups; only the place of their array counts.
    if u16_at(block, 4) > 0x30 {
        put(block, 4, &0x28u16.to_le_bytes());
    }
    put(block, 6, &(size as u16 / 512 + 1).to_le_bytes());
}

impl IndexStore for MemoryIndex {
    fn block_size(&self) -> u32 {
        self.block_size
    }

    fn vcn_unit(&self) -> u32 {
        self.block_size
    }

    fn read_root(&mut self) -> Result<Vec<u8>, Error> {
        Ok(self.root.clone())
    }

    fn root_capacity(&mut self) -> Result<usize, Error> {
        Ok(if self.blocks.is_empty() { ROOT_MAX } else { ROOT_MAX - 0x78 })
    }

    fn write_root(&mut self, value: &[u8]) -> Result<(), Error> {
        if value.len() > ROOT_MAX {
            self.torn = true;
            return Err(failed(NodePlace::Root));
        }
        self.root = value.to_vec();
        Ok(())
    }

    fn read_block(&mut self, vcn: u64) -> Result<Vec<u8>, Error> {
        self.blocks.get(&vcn).cloned().ok_or_else(|| failed(NodePlace::Block(vcn)))
    }

    fn write_block(&mut self, vcn: u64, block: &mut [u8]) -> Result<(), Error> {
        assert_eq!(block.len(), self.block_size as usize, "a block is written whole");
        // Whoever stores it writes the update sequence array.
        let array = usize::from(u16_at(block, 4));
        let entries = 0x18 + u32_at(block, 0x18) as usize;
        assert!(array >= 0x28 && array + 2 * usize::from(u16_at(block, 6)) <= entries);
        match self.blocks.get_mut(&vcn) {
            Some(there) => {
                there.copy_from_slice(block);
                Ok(())
            }
            None => {
                self.torn = true;
                Err(failed(NodePlace::Block(vcn)))
            }
        }
    }

    fn allocate_block(&mut self) -> Result<u64, Error> {
        let free = (0..BLOCKS_MAX as u64).find(|vcn| !self.blocks.contains_key(vcn));
        let vcn = free.ok_or(Error::VolumeFull { needed: 1, free: 0 })?;
        self.blocks.insert(vcn, vec![0xaa; self.block_size as usize]);
        Ok(vcn)
    }

    fn free_block(&mut self, vcn: u64) -> Result<(), Error> {
        if self.blocks.remove(&vcn).is_none() {
            self.torn = true;
            return Err(failed(NodePlace::Block(vcn)));
        }
        Ok(())
    }
}
