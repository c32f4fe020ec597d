//! A walk over the B+ tree of an index: every entry in order, every block once.

use std::collections::VecDeque;

use super::file::File;
use super::source::Source;
use crate::{
    attribute::{Form, kind},
    bytes, fixup,
    index::{Collation, IndexError, Node, block, root},
    run_list::Run,
};

/// Levels below the root: blocks of 512 bytes with two entries each would hold 2^32 names.
const LEVELS_MAX: usize = 32;
/// Bytes that an index bitmap may have beyond a bit for each block.
const BITMAP_SPARE: u64 = 1 << 16;

/// One step of a walk.
pub(super) enum Step {
    /// The bytes of an entry that is not an end entry.
    Entry {
        bytes: Vec<u8>,
        offset: Option<u64>,
    },
    Wrong(Wrong),
}

/// Something wrong with an index. The offset counts from the start of the volume.
pub(super) struct Wrong {
    pub(super) code: &'static str,
    pub(super) offset: Option<u64>,
    pub(super) found: String,
    pub(super) expected: &'static str,
}

/// A node on the way from the root to the place of the walk.
struct Level {
    node: Node,
    /// The node's first byte on the volume, for blocks.
    offset: Option<u64>,
    index: usize,
    descended: bool,
}

/// A walk in order.
pub(super) struct Walk<'a> {
    source: &'a Source,
    collation: Option<Collation<'a>>,
    blocks: Vec<Run>,
    block_size: u64,
    unit: u64,
    /// Blocks of `$INDEX_ALLOCATION`.
    pub(super) count: u64,
    bitmap: Vec<u8>,
    seen: Vec<u8>,
    levels: Vec<Level>,
    leaf_depth: Option<usize>,
    last: Option<Vec<u8>>,
    wrong: VecDeque<Wrong>,
    /// A node could not be read: entries are missing from the walk.
    pub(super) broken: bool,
    ended: bool,
}

impl<'a> Walk<'a> {
    /// Starts at the root of the index `name`. Without a collation the order is not looked at.
    pub(super) fn new(
        source: &'a Source,
        file: &File,
        name: &[u16],
        collation: Option<Collation<'a>>,
        root_offset: Option<u64>,
    ) -> Self {
        let roots = file.extents_of(kind::INDEX_ROOT, name);
        let value = match roots.first().map(|root| &root.form) {
            Some(Form::Resident { value, .. }) => value.as_slice(),
            _ => &[],
        };
        let block_size = u64::from(bytes::u32_at(value, 8).unwrap_or(0));
        let mut walk = Self {
            source,
            collation,
            blocks: Vec::new(),
            block_size,
            unit: source.cluster().min(512),
            count: 0,
            bitmap: Vec::new(),
            seen: Vec::new(),
            levels: Vec::new(),
            leaf_depth: None,
            last: None,
            wrong: VecDeque::new(),
            broken: false,
            ended: false,
        };
        if !block_size.is_power_of_two() || !(512..=65536).contains(&block_size) {
            walk.add(
                "index-root",
                root_offset,
                format!("blocks of {block_size} bytes"),
                "512 to 64 KiB",
            );
            walk.broken = true;
            return walk;
        }
        // A VCN of the index counts clusters, or 512 bytes where a cluster is larger than a block.
        walk.unit = if source.cluster() <= block_size { source.cluster() } else { 512 };
        let per_block = value.get(0x0c).copied().unwrap_or(0);
        if u64::from(per_block) != block_size / walk.unit {
            let found = format!("{per_block} VCNs per block");
            walk.add("index-root", root_offset, found, "the block size in VCNs");
        }
        walk.open_blocks(file, name, root_offset);
        match root::parse(value) {
            Ok(node) => {
                walk.flags(value, root::HEAD, &node, root_offset);
                walk.push(node, root_offset);
            }
            Err(error) => {
                walk.broken = true;
                walk.add("index-node", root_offset, reason(&error), "a sound index root");
            }
        }
        walk
    }

    fn open_blocks(&mut self, file: &File, name: &[u16], offset: Option<u64>) {
        let Some((blocks, size)) = file.runs(self.source, kind::INDEX_ALLOCATION, name) else {
            return;
        };
        self.blocks = blocks;
        // A hole may claim more than the volume holds.
        self.count = size.min(self.source.device().len()) / self.block_size;
        let most = self.count / 8 + BITMAP_SPARE;
        let bitmap = self.source.value(&file.extents_of(kind::BITMAP, name), most);
        match bitmap {
            Some(bitmap) if bitmap.len() as u64 * 8 >= self.count => self.bitmap = bitmap,
            Some(bitmap) => {
                let found = format!("{} bits for {} blocks", bitmap.len() * 8, self.count);
                self.count = bitmap.len() as u64 * 8;
                self.bitmap = bitmap;
                self.add("index-bitmap", offset, found, "a bit for each block");
            }
            None => {
                self.count = 0;
                self.add(
                    "index-bitmap",
                    offset,
                    "none that can be read".into(),
                    "a bit for each block",
                );
            }
        }
        self.seen = vec![0; usize::try_from(self.count.div_ceil(8)).unwrap_or(0)];
    }

    /// The next entry or problem; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Step> {
        loop {
            if let Some(wrong) = self.wrong.pop_front() {
                return Some(Step::Wrong(wrong));
            }
            let depth = self.levels.len();
            let Some(level) = self.levels.last_mut() else {
                if self.ended {
                    return None;
                }
                self.ended = true;
                self.finish();
                continue;
            };
            if !level.descended {
                level.descended = true;
                let child = level.node.child(level.index);
                let from = level.offset;
                match child {
                    Some(vcn) => self.descend(vcn, from),
                    None if level.index == 0 => self.leaf(depth),
                    None => {}
                }
                continue;
            }
            if level.index == level.node.count() {
                self.levels.pop();
                continue;
            }
            let entry = level.node.entry(level.index);
            let (bytes, key) = (entry.raw().to_vec(), entry.key().to_vec());
            let offset = level.offset;
            level.index += 1;
            level.descended = false;
            self.order(key, offset);
            return Some(Step::Entry { bytes, offset });
        }
    }

    fn leaf(&mut self, depth: usize) {
        match self.leaf_depth {
            None => self.leaf_depth = Some(depth),
            Some(first) if first != depth => {
                let offset = self.levels.last().and_then(|level| level.offset);
                let found = format!("a leaf at level {depth}, another at {first}");
                self.add("index-depth", offset, found, "leaves at one level");
                self.leaf_depth = Some(depth);
            }
            Some(_) => {}
        }
    }

    fn order(&mut self, key: Vec<u8>, offset: Option<u64>) {
        let Some(collation) = self.collation else { return };
        if !collation.accepts(&key) {
            let found = format!("a key of {} bytes", key.len());
            return self.add("index-key", offset, found, "a key of this index");
        }
        if let Some(last) = &self.last
            && collation.compare(last, &key).is_ge()
        {
            self.add("index-order", offset, "an entry out of order".into(), "a greater key");
        }
        self.last = Some(key);
    }

    fn descend(&mut self, vcn: u64, from: Option<u64>) {
        let place = vcn.checked_mul(self.unit).filter(|at| at.is_multiple_of(self.block_size));
        let Some(at) = place.filter(|at| at / self.block_size < self.count) else {
            self.broken = true;
            return self.add("index-child", from, format!("VCN {vcn}"), "a block of the index");
        };
        let number = at / self.block_size;
        let offset = self.source.place(&self.blocks, at).and_then(|(place, _)| place);
        let (byte, bit) = ((number / 8) as usize, 1u8 << (number % 8));
        if self.seen.get(byte).is_none_or(|seen| seen & bit != 0) {
            self.broken = true;
            return self.add(
                "index-block-twice",
                from,
                format!("VCN {vcn} once more"),
                "each block once",
            );
        }
        self.seen[byte] |= bit;
        if self.bitmap.get(byte).is_none_or(|used| used & bit == 0) {
            let found = format!("block {number} free in the bitmap");
            self.add("index-block-used-but-free", offset, found, "a bit for each block in use");
        }
        if self.levels.len() > LEVELS_MAX {
            self.broken = true;
            return self.add("index-depth", offset, "more than 32 levels".into(), "a flatter tree");
        }
        match self.block(at, vcn, offset) {
            Some(node) => self.push(node, offset),
            None => self.broken = true,
        }
    }

    fn block(&mut self, at: u64, vcn: u64, offset: Option<u64>) -> Option<Node> {
        let mut raw = vec![0; self.block_size as usize];
        if !self.source.read_value(&self.blocks, at, &mut raw) {
            self.add(
                "index-block-unreadable",
                offset,
                "a medium that cannot be read".into(),
                "INDX",
            );
            return None;
        }
        if raw.starts_with(b"INDX")
            && let Err(error) = fixup::undo(&mut raw, "index block", vcn)
        {
            self.add(
                "index-block-torn",
                offset,
                error.to_string(),
                "the number at the end of each 512 bytes",
            );
        }
        match block::parse(vcn, &raw, self.block_size as u32) {
            Ok(node) => {
                self.flags(&raw, block::HEAD, &node, offset);
                let allocated = bytes::u32_at(&raw, block::HEAD + 8).unwrap_or(0);
                if u64::from(allocated) + block::HEAD as u64 != self.block_size {
                    let found = format!("{allocated:#x} bytes allocated");
                    self.add("index-node-size", offset, found, "the block less its header");
                }
                Some(node)
            }
            Err(error) => {
                self.add("index-node", offset, reason(&error), "a sound index block");
                None
            }
        }
    }

    /// The header says whether entries have children.
    fn flags(&mut self, bytes: &[u8], header: usize, node: &Node, offset: Option<u64>) {
        let flag = bytes.get(header + 0x0c).copied().unwrap_or(0) & 1 != 0;
        if flag != node.has_children() {
            let found = format!("flag {}", u8::from(flag));
            self.add("index-node-flags", offset, found, "1 where entries have children, else 0");
        }
    }

    fn push(&mut self, node: Node, offset: Option<u64>) {
        self.levels.push(Level { node, offset, index: 0, descended: false });
    }

    /// Blocks that the bitmap says are used and nothing leads to.
    fn finish(&mut self) {
        if self.broken {
            return;
        }
        let blocks = self.count.min(self.bitmap.len() as u64 * 8);
        let unreached = |walk: &Self, number: u64| {
            super::scan::bit(&walk.bitmap, number) && !super::scan::bit(&walk.seen, number)
        };
        let first = (0..blocks).find(|number| unreached(self, *number));
        if let Some(first) = first {
            let count = (first..blocks).filter(|number| unreached(self, *number)).count();
            let at = first * self.block_size;
            let offset = self.source.place(&self.blocks, at).and_then(|(place, _)| place);
            let found = format!("{count} blocks, the first is block {first}");
            self.add("index-block-unreached", offset, found, "used blocks that entries lead to");
        }
        let past = (blocks..self.bitmap.len() as u64 * 8)
            .find(|number| super::scan::bit(&self.bitmap, *number));
        if let Some(past) = past {
            let found = format!("bit {past} set, of {blocks} blocks");
            self.add("index-bitmap", None, found, "no bits past the last block");
        }
    }

    fn add(
        &mut self,
        code: &'static str,
        offset: Option<u64>,
        found: String,
        expected: &'static str,
    ) {
        self.wrong.push_back(Wrong { code, offset, found, expected });
    }
}

/// What is wrong with a node, without its place.
fn reason(error: &crate::Error) -> String {
    match error {
        crate::Error::Index(IndexError::Damaged { offset, damage, .. }) => {
            format!("{damage} (offset {offset:#x})")
        }
        error => error.to_string(),
    }
}
