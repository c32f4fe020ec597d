//! An index kept in memory that counts what is read and written and checks every block that it is given.

use std::collections::{BTreeMap, BTreeSet};

use winkiln_ntfs::Error;
use winkiln_ntfs::index::{Collation, IndexError, IndexStore, NodePlace, new_root};

/// Bytes that `$INDEX_ALLOCATION` and `$BITMAP` take from the root in a file record.
const ALLOCATION_COST: usize = 0x78;

pub(crate) struct MemoryStore {
    pub(crate) block_size: u32,
    pub(crate) vcn_unit: u32,
    pub(crate) root: Vec<u8>,
    pub(crate) capacity: usize,
    pub(crate) blocks: BTreeMap<u64, Vec<u8>>,
    /// Blocks that others laid out; true for those not written since.
    pub(crate) foreign: BTreeMap<u64, bool>,
    /// Damaged trees may free and write blocks that they do not own.
    pub(crate) lenient: bool,
    pub(crate) blocks_max: usize,
    pub(crate) reads: usize,
    pub(crate) written: BTreeSet<u64>,
    pub(crate) writes: usize,
}

impl MemoryStore {
    pub(crate) fn new(
        collation: Collation<'_>,
        block_size: u32,
        vcn_unit: u32,
        capacity: usize,
    ) -> Self {
        let kind = if collation.is_file_name() { 0x30 } else { 0 };
        Self {
            block_size,
            vcn_unit,
            root: new_root(kind, collation, block_size, vcn_unit)
                .expect("block sizes of tests are sane"),
            capacity,
            blocks: BTreeMap::new(),
            foreign: BTreeMap::new(),
            lenient: false,
            blocks_max: usize::MAX,
            reads: 0,
            written: BTreeSet::new(),
            writes: 0,
        }
    }

    pub(crate) fn reset_counts(&mut self) {
        self.reads = 0;
        self.writes = 0;
        self.written.clear();
    }

    fn step(&self) -> u64 {
        u64::from(self.block_size / self.vcn_unit)
    }
}

impl IndexStore for MemoryStore {
    fn block_size(&self) -> u32 {
        self.block_size
    }

    fn vcn_unit(&self) -> u32 {
        self.vcn_unit
    }

    fn read_root(&mut self) -> Result<Vec<u8>, Error> {
        Ok(self.root.clone())
    }

    fn root_capacity(&mut self) -> Result<usize, Error> {
        Ok(self.capacity
            - if self.blocks.is_empty() { 0 } else { ALLOCATION_COST.min(self.capacity - 0x38) })
    }

    fn write_root(&mut self, value: &[u8]) -> Result<(), Error> {
        assert!(
            value.len() <= self.root_capacity()?,
            "a root of {} bytes is too large",
            value.len()
        );
        self.root = value.to_vec();
        self.writes += 1;
        Ok(())
    }

    fn read_block(&mut self, vcn: u64) -> Result<Vec<u8>, Error> {
        self.reads += 1;
        self.blocks.get(&vcn).cloned().ok_or_else(|| {
            // The store of a volume has an error of its own for this.
            IndexError::Damaged {
                node: NodePlace::Block(vcn),
                offset: 0,
                damage: winkiln_ntfs::index::IndexDamage::NoEnd,
            }
            .into()
        })
    }

    fn write_block(&mut self, vcn: u64, block: &mut [u8]) -> Result<(), Error> {
        assert_eq!(block.len(), self.block_size as usize);
        assert!(self.lenient || self.blocks.contains_key(&vcn), "block {vcn} is not allocated");
        self.written.insert(vcn);
        self.writes += 1;
        self.foreign.entry(vcn).and_modify(|untouched| *untouched = false);
        self.blocks.insert(vcn, block.to_vec());
        Ok(())
    }

    fn allocate_block(&mut self) -> Result<u64, Error> {
        if self.blocks.len() >= self.blocks_max {
            return Err(Error::NotFound { path: "no space".into() });
        }
        let vcn = (0..).map(|index| index * self.step()).find(|vcn| !self.blocks.contains_key(vcn));
        let vcn = vcn.expect("numbers do not run out");
        self.blocks.insert(vcn, vec![0xaa; self.block_size as usize]);
        assert!(
            self.lenient || self.root.len() <= self.root_capacity()?,
            "the root was not emptied before the allocation"
        );
        Ok(vcn)
    }

    fn free_block(&mut self, vcn: u64) -> Result<(), Error> {
        self.foreign.remove(&vcn);
        assert!(self.blocks.remove(&vcn).is_some() || self.lenient, "block {vcn} is freed twice");
        Ok(())
    }
}
