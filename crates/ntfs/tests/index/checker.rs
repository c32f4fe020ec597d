//! A strict reader of its own for whole trees: anything that Windows would not have written so fails the test.

use std::collections::BTreeSet;

use winkiln_ntfs::index::Collation;

use super::memory_store::MemoryStore;

/// What the tree holds: (first 8 bytes, key, data) in order, and its levels.
pub(crate) struct Contents {
    pub(crate) entries: Vec<(u64, Vec<u8>, Vec<u8>)>,
    pub(crate) levels: usize,
}

pub(crate) fn check(store: &MemoryStore, collation: Collation<'_>) -> Contents {
    let root = &store.root;
    let file_names = collation.is_file_name();
    assert_eq!(u32_at(root, 0), if file_names { 0x30 } else { 0 }, "attribute type");
    assert_eq!(u32_at(root, 4), collation.code(), "collation");
    assert_eq!(u32_at(root, 8), store.block_size, "block size");
    assert_eq!(u32_at(root, 12), store.block_size / store.vcn_unit, "units per block");
    let mut walk = Walk {
        store,
        collation,
        entries: Vec::new(),
        reached: BTreeSet::new(),
        leaf_levels: BTreeSet::new(),
    };
    assert_eq!(u32_at(root, 0x10), 0x10, "start of the root's entries");
    assert_eq!(u32_at(root, 0x14) as usize, root.len() - 0x10, "end of the root's entries");
    assert_eq!(u32_at(root, 0x18) as usize, root.len() - 0x10, "space of the root");
    walk.node(&root[0x20..], root[0x1c], 1);
    let allocated: BTreeSet<u64> = store.blocks.keys().copied().collect();
    assert_eq!(walk.reached, allocated, "allocated blocks are those reached");
    assert!(walk.leaf_levels.len() <= 1, "leaves at levels {:?}", walk.leaf_levels);
    for pair in walk.entries.windows(2) {
        assert!(collation.compare(&pair[0].1, &pair[1].1).is_lt(), "order of {pair:02x?}");
    }
    Contents {
        entries: walk.entries,
        levels: walk.leaf_levels.first().copied().unwrap_or_default(),
    }
}

struct Walk<'a> {
    store: &'a MemoryStore,
    collation: Collation<'a>,
    entries: Vec<(u64, Vec<u8>, Vec<u8>)>,
    reached: BTreeSet<u64>,
    leaf_levels: BTreeSet<usize>,
}

impl Walk<'_> {
    fn node(&mut self, mut entries: &[u8], flags: u8, level: usize) {
        assert!(flags <= 1, "node flags {flags}");
        let child_size = if flags == 1 { 8 } else { 0 };
        loop {
            let length = usize::from(u16_at(entries, 8));
            let (entry, rest) = entries.split_at(length);
            let key_length = usize::from(u16_at(entry, 10));
            let entry_flags = u16_at(entry, 12);
            assert_eq!(u16_at(entry, 14), 0, "reserved");
            assert_eq!(entry_flags & 1, u16::from(flags), "child flag");
            if flags == 1 {
                self.block(u64_at(entry, length - 8), level + 1);
            }
            if entry_flags & 2 != 0 {
                assert_eq!(entry_flags & !1, 2);
                assert_eq!(
                    (length, key_length, u64_at(entry, 0)),
                    (0x10 + child_size, 0, 0),
                    "end entry"
                );
                assert!(rest.is_empty(), "bytes behind the end entry");
                break;
            }
            assert_eq!(entry_flags & !1, 0);
            let key = entry[0x10..0x10 + key_length].to_vec();
            let data = if self.collation.is_file_name() {
                assert_eq!(key_length, 0x42 + 2 * usize::from(key[0x40]));
                Vec::new()
            } else {
                assert_eq!(usize::from(u16_at(entry, 0)), 0x10 + key_length, "data behind the key");
                entry[0x10 + key_length..][..usize::from(u16_at(entry, 2))].to_vec()
            };
            assert_eq!(
                length,
                (0x10 + key_length + data.len()).next_multiple_of(8) + child_size,
                "entry length"
            );
            self.entries.push((u64_at(entry, 0), key, data));
            entries = rest;
        }
        if flags == 0 {
            self.leaf_levels.insert(level);
        }
    }

    fn block(&mut self, vcn: u64, level: usize) {
        assert!(self.reached.insert(vcn), "block {vcn} is reached twice");
        let block =
            self.store.blocks.get(&vcn).unwrap_or_else(|| panic!("block {vcn} is not allocated"));
        let size = self.store.block_size as usize;
        let count = size / 512 + 1;
        let foreign = self.store.foreign.get(&vcn);
        // Newer Windows leaves 24 bytes between the update sequence array and the entries.
        let room_before = if foreign.is_some() && u32_at(block, 0x18) == 0x40 { 0x18 } else { 0 };
        let start = (0x28 + 2 * count).next_multiple_of(8) + room_before;
        assert_eq!(&block[..4], b"INDX");
        assert_eq!(
            (u16_at(block, 4), usize::from(u16_at(block, 6))),
            (0x28, count),
            "update sequence array"
        );
        assert_eq!(u64_at(block, 0x10), vcn, "own VCN");
        assert_eq!(u32_at(block, 0x18) as usize, start - 0x18, "start of entries");
        let end = 0x18 + u32_at(block, 0x1c) as usize;
        assert_eq!(u32_at(block, 0x20) as usize, size - 0x18, "space for entries");
        assert_eq!(block[0x25..0x28], [0; 3]);
        assert!(foreign == Some(&true) || block[end..].iter().all(|byte| *byte == 0), "slack");
        let before = self.entries.len();
        self.node(&block[start..end], block[0x24], level);
        assert!(self.entries.len() > before, "block {vcn} is empty");
        assert!(
            end - start > if block[0x24] == 1 { 24 } else { 16 },
            "block {vcn} has an end entry alone"
        );
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}
