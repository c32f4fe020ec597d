//! Damaged trees: typed errors with their place, never a panic or a walk without end.

use winkiln_ntfs::index::{self, Collation, Entry, IndexDamage, IndexError, NodePlace};
use winkiln_ntfs::{Error, FileReference};

use super::generate::{Random, file_name, upcase, utf16};
use super::memory_store::MemoryStore;

fn grown(collation: Collation<'_>, count: usize) -> MemoryStore {
    let mut store = MemoryStore::new(collation, 512, 512, 0x100);
    for number in 0..count {
        let key = file_name(&utf16(&format!("{number:03}")), 0);
        index::insert(&mut store, collation, &Entry::file_name(FileReference(1), &key).unwrap())
            .unwrap();
    }
    store
}

/// Every use of the tree; the first error that is not a plain answer.
fn use_all(store: &mut MemoryStore, collation: Collation<'_>) -> Result<(), Error> {
    index::entries(store)?;
    index::last(store)?;
    for name in ["000", "017", "025", "039", "zzz"] {
        index::find(store, collation, &file_name(&utf16(name), 0))?;
    }
    Ok(())
}

#[test]
fn each_damage_is_named_with_its_place() {
    let table = upcase();
    let collation = Collation::FileName(&table);
    let leaf = NodePlace::Block(0);
    type Break = fn(&mut MemoryStore);
    fn leaf_byte(store: &mut MemoryStore, at: usize, bytes: &[u8]) {
        store.blocks.get_mut(&0).unwrap()[at..at + bytes.len()].copy_from_slice(bytes);
    }
    let rows: [(&str, Break, NodePlace, usize, IndexDamage); 14] = [
        (
            "signature",
            |s| leaf_byte(s, 0, b"BAAD"),
            leaf,
            0,
            IndexDamage::Signature { found: *b"BAAD" },
        ),
        ("own VCN", |s| leaf_byte(s, 0x10, &[9]), leaf, 0x10, IndexDamage::WrongVcn { found: 9 }),
        (
            "start of entries",
            |s| leaf_byte(s, 0x18, &[8]),
            leaf,
            0x18,
            IndexDamage::EntriesOutside { start: 8, end: 0x80, size: 512 },
        ),
        (
            "end of entries",
            |s| leaf_byte(s, 0x1c, &[0, 4]),
            leaf,
            0x18,
            IndexDamage::EntriesOutside { start: 0x18, end: 0x400, size: 512 },
        ),
        (
            "update sequence over the header",
            |s| leaf_byte(s, 4, &[0x20]),
            leaf,
            4,
            IndexDamage::UpdateSequence { start: 0x20, end: 0x24 },
        ),
        (
            "update sequence over the entries",
            |s| leaf_byte(s, 4, &[0x2e]),
            leaf,
            4,
            IndexDamage::UpdateSequence { start: 0x2e, end: 0x32 },
        ),
        (
            "entry of no bytes",
            |s| leaf_byte(s, 0x38, &[0]),
            leaf,
            0x30,
            IndexDamage::EntryLength { length: 0, room: 0x68 },
        ),
        (
            "entry past the end",
            |s| leaf_byte(s, 0x38, &[0x70]),
            leaf,
            0x30,
            IndexDamage::EntryLength { length: 0x70, room: 0x68 },
        ),
        (
            "entry not aligned",
            |s| leaf_byte(s, 0x38, &[0x5f]),
            leaf,
            0x30,
            IndexDamage::EntryLength { length: 0x5f, room: 0x68 },
        ),
        (
            "key past its entry",
            |s| leaf_byte(s, 0x3a, &[0x60]),
            leaf,
            0x30,
            IndexDamage::EntryLength { length: 0x58, room: 0x68 },
        ),
        ("no end entry", |s| leaf_byte(s, 0x94, &[0]), leaf, 0x98, IndexDamage::NoEnd),
        (
            "a child in a leaf",
            |s| leaf_byte(s, 0x3a, &[0x40, 0, 1]),
            leaf,
            0x30,
            IndexDamage::MixedNode,
        ),
        (
            "name past its key",
            |s| leaf_byte(s, 0x80, &[0xff]),
            leaf,
            0x30,
            IndexDamage::Key { length: 0x48 },
        ),
        (
            "root cut short",
            |s| s.root.truncate(0x1f),
            NodePlace::Root,
            0,
            IndexDamage::TooShort { size: 0x1f },
        ),
    ];
    for (what, damage, node, offset, expected) in rows {
        // Three names: the root leads to one leaf of the first name.
        let mut store = grown(collation, 2);
        store.capacity = 0x38;
        let key = file_name(&utf16("002"), 0);
        index::insert(&mut store, collation, &Entry::file_name(FileReference(1), &key).unwrap())
            .unwrap();
        for number in 1..3 {
            index::remove(&mut store, collation, &file_name(&utf16(&format!("00{number}")), 0))
                .unwrap();
        }
        assert_eq!((store.blocks.len(), store.blocks[&0][0x1c]), (1, 0x80));
        damage(&mut store);
        let result = use_all(&mut store, collation);
        match result {
            Err(Error::Index(IndexError::Damaged { node: found, offset: at, damage })) => {
                assert_eq!((found, at, damage), (node, offset, expected), "{what}");
            }
            other => panic!("{what}: {other:?}"),
        }
        let new = Entry::file_name(FileReference(1), &file_name(&utf16("0"), 0)).unwrap();
        assert!(index::insert(&mut store, collation, &new).is_err(), "{what}");
        assert!(
            index::remove(&mut store, collation, &file_name(&utf16("000"), 0)).is_err(),
            "{what}"
        );
    }
}

#[test]
fn blocks_that_lead_to_themselves_or_are_shared_are_errors() {
    let table = upcase();
    let collation = Collation::FileName(&table);
    let store = grown(collation, 60);
    let inner: Vec<u64> =
        store.blocks.iter().filter(|(_, block)| block[0x24] == 1).map(|(vcn, _)| *vcn).collect();
    assert!(!inner.is_empty());
    for vcn in &inner {
        for target in store.blocks.keys() {
            let mut store = grown(collation, 60);
            let block = store.blocks.get_mut(vcn).unwrap();
            let first_child = 0x30 + usize::from(block[0x38]) - 8;
            let old = block[first_child];
            block[first_child] = *target as u8;
            let result = index::entries(&mut store);
            match result {
                // A block may be left out, but none is visited twice.
                Ok(entries) => assert_eq!(entries.len() == 60, u64::from(old) == *target),
                Err(Error::Index(IndexError::Damaged {
                    damage: IndexDamage::ReachedTwice { .. },
                    ..
                })) => {}
                Err(other) => panic!("{other:?}"),
            }
            for number in 0..60 {
                let key = file_name(&utf16(&format!("{number:03}")), 0);
                let _ = index::find(&mut store, collation, &key);
                let _ = index::remove(&mut store, collation, &key);
            }
        }
    }
}

#[test]
fn a_chain_of_blocks_that_is_too_long_is_an_error() {
    let table = upcase();
    let collation = Collation::FileName(&table);
    let mut store = grown(collation, 60);
    let link = |vcn: u64, child: u64| {
        let mut block = b"INDX\x28\0\x02\0\0\0\0\0\0\0\0\0".to_vec();
        block.extend(vcn.to_le_bytes());
        block.extend([0x18, 0, 0, 0, 0x30, 0, 0, 0, 0xe8, 1, 0, 0, 1, 0, 0, 0]);
        block.resize(0x30, 0);
        block.extend([0, 0, 0, 0, 0, 0, 0, 0, 0x18, 0, 0, 0, 3, 0, 0, 0]);
        block.extend(child.to_le_bytes());
        block.resize(512, 0);
        block
    };
    for vcn in 100..1000 {
        store.blocks.insert(vcn, link(vcn, vcn + 1));
    }
    let end = store.root.len() - 8;
    store.root[end] = 100;
    let key = file_name(&utf16("zzz"), 0);
    let too_deep = |error: Error| {
        matches!(
            error,
            Error::Index(IndexError::Damaged { damage: IndexDamage::TooDeep { .. }, .. })
        )
    };
    assert!(too_deep(index::find(&mut store, collation, &key).unwrap_err()));
    assert!(too_deep(index::entries(&mut store).unwrap_err()));
    assert!(too_deep(index::last(&mut store).unwrap_err()));
    store.reset_counts();
    assert!(too_deep(index::remove(&mut store, collation, &key).unwrap_err()));
    assert!(store.reads < 50);
}

#[test]
fn random_damage_never_panics_or_hangs() {
    let table = upcase();
    let collation = Collation::FileName(&table);
    let good = grown(collation, 60);
    let mut random = Random(0xdead);
    let (mut errors, rounds) = (0, 4000);
    for _ in 0..rounds {
        let mut store = MemoryStore::new(collation, 512, 512, 0x100);
        store.root = good.root.clone();
        store.blocks = good.blocks.clone();
        store.lenient = true;
        for _ in 0..=random.below(3) {
            let vcns: Vec<u64> = store.blocks.keys().copied().collect();
            let target = random.below(vcns.len() + 1);
            let node = match vcns.get(target) {
                Some(vcn) => store.blocks.get_mut(vcn).unwrap(),
                None => &mut store.root,
            };
            // Mostly the headers of nodes and of their first entries.
            let most = if random.below(2) == 0 { 0x50 } else { node.len() };
            let at = random.below(node.len().min(most));
            node[at] = match random.below(3) {
                0 => 0,
                1 => 0xff,
                _ => random.next() as u8,
            };
        }
        let mut failed = use_all(&mut store, collation).is_err();
        for number in (0..60).step_by(3) {
            let key = file_name(&utf16(&format!("{number:03}")), 0);
            failed |= index::remove(&mut store, collation, &key).is_err();
            let key = file_name(&utf16(&format!("{number:03}x")), 0);
            let entry = Entry::file_name(FileReference(1), &key).unwrap();
            failed |= index::insert(&mut store, collation, &entry).is_err();
            failed |= index::update(&mut store, collation, &entry).is_err();
        }
        errors += usize::from(failed);
    }
    assert!(errors > rounds / 4, "{errors} of {rounds}");
}

#[test]
fn block_sizes_that_cannot_be_are_refused() {
    let table = upcase();
    let collation = Collation::FileName(&table);
    for (block_size, vcn_unit) in
        [(0, 512), (511, 512), (1536, 512), (131_072, 512), (4096, 0), (4096, 8192), (4096, 1000)]
    {
        let error = index::new_root(0x30, collation, block_size, vcn_unit).unwrap_err();
        assert_eq!(error, IndexError::UnsupportedBlockSize { block_size, vcn_unit });
        let mut store = grown(collation, 3);
        (store.block_size, store.vcn_unit) = (block_size, vcn_unit);
        assert!(index::entries(&mut store).is_err());
    }
    assert!(matches!(
        Collation::from_code(0x11, &table),
        Err(IndexError::UnsupportedCollation { code: 0x11 })
    ));
    for code in [0x01, 0x10, 0x12, 0x13] {
        assert_eq!(Collation::from_code(code, &table).unwrap().code(), code);
    }
}
