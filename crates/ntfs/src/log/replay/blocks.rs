//! Blocks and clusters that a replay changes, in memory.

use std::collections::{BTreeMap, btree_map::Entry};

use crate::{
    boot_sector::Geometry,
    bytes, fixup,
    log::{LogError, replay::ReadVolume, splice::Misfit},
};

/// Bytes that are held at most.
const BYTES_MAX: u64 = 256 << 20;

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockKind {
    FileRecord,
    IndexBlock,
}

impl BlockKind {
    fn signature(self) -> &'static [u8; 4] {
        match self {
            Self::FileRecord => b"FILE",
            Self::IndexBlock => b"INDX",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::FileRecord => "file record",
            Self::IndexBlock => "index block",
        }
    }
}

/// A file record or index block, with fixups undone when it is valid.
#[derive(Debug)]
pub(super) struct Block {
    kind: BlockKind,
    number: u64,
    bytes: Vec<u8>,
    valid: bool,
    changed: bool,
}

impl Block {
    pub(super) fn is_valid(&self) -> bool {
        self.valid
    }

    /// Of the last change that it holds.
    pub(super) fn lsn(&self) -> u64 {
        bytes::u64_at(&self.bytes, 8).unwrap_or(0)
    }

    /// Forgets what was there, before all of it is written.
    pub(super) fn clear(&mut self) {
        self.bytes.fill(0);
        self.valid = true;
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    pub(super) fn changed(&mut self, lsn: Option<u64>) {
        self.changed = true;
        if let (Some(lsn), Some(place)) = (lsn, self.bytes.get_mut(8..16)) {
            place.copy_from_slice(&lsn.to_le_bytes());
        }
    }
}

/// Bytes to write by offset, and file records among them: number, offset.
pub(super) type Written = (BTreeMap<u64, Vec<u8>>, Vec<(u64, u64)>);

/// Everything that was read so far.
pub(super) struct Blocks {
    cluster: u64,
    volume: u64,
    held: u64,
    blocks: BTreeMap<u64, Block>,
    /// Clusters of streams without blocks, by LCN.
    raw: BTreeMap<u64, Vec<u8>>,
}

impl Blocks {
    pub(super) fn new(geometry: &Geometry) -> Self {
        let cluster = geometry.cluster_size.into();
        let volume = geometry.clusters().saturating_mul(cluster);
        Self { cluster, volume, held: 0, blocks: BTreeMap::new(), raw: BTreeMap::new() }
    }

    fn hold(&mut self, bytes: u64) -> Result<(), LogError> {
        self.held += bytes;
        if self.held > BYTES_MAX {
            let (what, found) = ("blocks", self.held);
            return Err(LogError::TooLarge { what, found, most: BYTES_MAX });
        }
        Ok(())
    }

    /// A block by its place, read when it is asked for first.
    pub(super) fn get<E: From<LogError>>(
        &mut self,
        kind: BlockKind,
        (offset, size): (u64, usize),
        number: u64,
        read: &mut ReadVolume<'_, E>,
    ) -> Result<Result<&mut Block, Misfit>, E> {
        let end = offset.saturating_add(size as u64);
        let clusters = offset / self.cluster..end.div_ceil(self.cluster);
        if end > self.volume || self.raw.range(clusters).next().is_some() {
            return Ok(Err("it lies past the volume, or where a stream is written too"));
        }
        if !self.blocks.contains_key(&offset) {
            self.hold(size as u64)?;
            let mut bytes = vec![0; size];
            read(offset, &mut bytes)?;
            let mut fixed = bytes.clone();
            let valid = bytes.starts_with(kind.signature())
                && fixup::undo(&mut fixed, kind.name(), number).is_ok();
            let bytes = if valid { fixed } else { bytes };
            self.blocks.insert(offset, Block { kind, number, bytes, valid, changed: false });
        }
        Ok(match self.blocks.get_mut(&offset) {
            Some(block) if block.kind == kind && block.bytes.len() == size => Ok(block),
            _ => Err("it is of another kind or size than before"),
        })
    }

    /// A cluster of a stream.
    pub(super) fn raw<E: From<LogError>>(
        &mut self,
        lcn: u64,
        read: &mut ReadVolume<'_, E>,
    ) -> Result<Result<&mut Vec<u8>, Misfit>, E> {
        let start = lcn.saturating_mul(self.cluster);
        let end = start.saturating_add(self.cluster);
        let before = self.blocks.range(..end).next_back();
        let overlaps = |(at, block): (&u64, &Block)| at + block.bytes.len() as u64 > start;
        if end > self.volume || before.is_some_and(overlaps) {
            return Ok(Err("writes past the volume, or where a block is written too"));
        }
        if !self.raw.contains_key(&lcn) {
            self.hold(self.cluster)?;
        }
        Ok(Ok(match self.raw.entry(lcn) {
            Entry::Occupied(cluster) => cluster.into_mut(),
            Entry::Vacant(slot) => {
                let mut bytes = vec![0; self.cluster as usize];
                read(start, &mut bytes)?;
                slot.insert(bytes)
            }
        }))
    }

    /// What is to be written.
    pub(super) fn finish(self) -> Result<Written, LogError> {
        let mut writes = BTreeMap::new();
        let mut records = Vec::new();
        for (offset, mut block) in self.blocks.into_iter().filter(|(_, block)| block.changed) {
            let whole = block.bytes.starts_with(block.kind.signature())
                && fixup::apply(&mut block.bytes, block.kind.name(), block.number).is_ok();
            if !whole {
                let problem = "leaves a block without a valid header";
                return Err(LogError::Record { lsn: block.lsn(), problem, found: offset });
            }
            if block.kind == BlockKind::FileRecord {
                records.push((block.number, offset));
            }
            writes.insert(offset, block.bytes);
        }
        for (lcn, bytes) in self.raw {
            writes.insert(lcn.saturating_mul(self.cluster), bytes);
        }
        Ok((writes, records))
    }
}
