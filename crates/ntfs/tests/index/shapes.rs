//! What lookups and changes read and write, and trees of shapes that others leave behind.

use std::collections::BTreeSet;

use winkiln_ntfs::index::{self, Collation, Entry, IndexError};
use winkiln_ntfs::{Error, FileReference};

use super::checker::check;
use super::corpus::{decompress, load_index};
use super::generate::{Random, file_name, upcase, utf16};
use super::memory_store::MemoryStore;

fn named(name: &str) -> Entry {
    Entry::file_name(FileReference(name.len() as u64), &file_name(&utf16(name), 0)).unwrap()
}

/// A tree of `count` names `name00000`, ...
fn grown(collation: Collation<'_>, block_size: u32, count: usize) -> MemoryStore {
    let mut store = MemoryStore::new(collation, block_size, 512, 0x100);
    for number in 0..count {
        index::insert(&mut store, collation, &named(&format!("name{number:05}"))).unwrap();
    }
    store
}

#[test]
fn a_lookup_reads_one_block_for_each_level_below_the_root() {
    let table = upcase();
    let collation = Collation::FileName(&table);
    let mut store = grown(collation, 1024, 3000);
    let levels = check(&store, collation).levels;
    assert!(levels >= 4, "{levels}");
    let mut deepest = 0;
    for number in (0..3000).step_by(7) {
        let name = format!("NAME{number:05}");
        store.reset_counts();
        let found = index::find_name(&mut store, &table, &utf16(&name), false).unwrap().unwrap();
        assert_eq!(found.key(), named(&name.to_lowercase()).key());
        deepest = deepest.max(store.reads);
        store.reset_counts();
        assert_eq!(
            index::find_name(&mut store, &table, &utf16(&format!("{name}x")), false).unwrap(),
            None
        );
        assert_eq!(store.reads, levels - 1, "{name}x");
    }
    assert_eq!(deepest, levels - 1);
}

/// Names given in order leave nearly full blocks behind; others half full ones at the least.
#[test]
fn names_in_order_fill_their_blocks() {
    let table = upcase();
    let collation = Collation::FileName(&table);
    let blocks = grown(collation, 4096, 3000).blocks.len();
    // An entry of 104 bytes each, in 4000 bytes a block.
    assert!((78..=88).contains(&blocks), "{blocks}");
    let mut backwards = MemoryStore::new(collation, 4096, 512, 0x100);
    for number in (0..3000).rev() {
        index::insert(&mut backwards, collation, &named(&format!("name{number:05}"))).unwrap();
    }
    let blocks = backwards.blocks.len();
    assert!((130..=170).contains(&blocks), "{blocks}");
    check(&backwards, collation);
}

#[test]
fn a_change_writes_the_blocks_that_differ_alone() {
    let table = upcase();
    let collation = Collation::FileName(&table);
    let mut store = grown(collation, 1024, 3000);
    let mut random = Random(11);
    for round in 0..2000 {
        let (before, root) = (store.blocks.clone(), store.root.clone());
        store.reset_counts();
        let name = named(&format!(
            "name{:05}{}",
            random.below(3000),
            if round % 2 == 0 { "b" } else { "" }
        ));
        if round % 2 == 0 {
            let _ = index::insert(&mut store, collation, &name);
        } else {
            index::remove(&mut store, collation, name.key()).unwrap();
        }
        let differ = store.blocks.iter().filter(|(vcn, block)| before.get(vcn) != Some(block));
        let differ: BTreeSet<u64> = differ.map(|(vcn, _)| *vcn).collect();
        let root_differs = usize::from(store.root != root);
        assert!(store.written.is_superset(&differ));
        // Parents are written when something may have moved in them; more than a level's worth is never written in vain.
        assert!(store.writes <= differ.len() + root_differs + 1, "{} for {differ:?}", store.writes);
    }
    check(&store, collation);
}

#[test]
fn names_are_found_by_case_rules() {
    let table = upcase();
    let collation = Collation::FileName(&table);
    let mut store = MemoryStore::new(collation, 512, 512, 0x60);
    for name in ["Makefile", "makefile", "MAKEFILE", "Zebra", "été", "a", "A1"] {
        index::insert(&mut store, collation, &named(name)).unwrap();
    }
    for number in 0..60 {
        index::insert(&mut store, collation, &named(&format!("makefil{number}"))).unwrap();
    }
    let mut find = |name: &str, sensitive| {
        let found = index::find_name(&mut store, &table, &utf16(name), sensitive).unwrap();
        found.map(|entry| {
            String::from_utf16(
                &entry.key()[0x42..]
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|u| u16::from_le_bytes(*u))
                    .collect::<Vec<_>>(),
            )
            .unwrap()
        })
    };
    for (name, insensitive, sensitive) in [
        ("Makefile", Some("Makefile"), Some("Makefile")),
        ("makefile", Some("makefile"), Some("makefile")),
        ("MAKEFILE", Some("MAKEFILE"), Some("MAKEFILE")),
        ("ZEBRA", Some("Zebra"), None),
        ("zebra", Some("Zebra"), None),
        ("ÉTé", Some("été"), None),
        ("zebr", None, None),
        ("zebraa", None, None),
        ("", None, None),
    ] {
        assert_eq!(find(name, false).as_deref(), insensitive, "{name}");
        assert_eq!(find(name, true).as_deref(), sensitive, "{name}");
    }
    for name in ["makEfile", "MAKEFILe"] {
        assert_eq!(find(name, false).unwrap().to_lowercase(), "makefile");
        assert_eq!(find(name, true), None);
    }
    assert_eq!(find(&"x".repeat(300), false), None);
}

#[test]
fn walks_start_anywhere_and_end_when_told() {
    let table = upcase();
    let collation = Collation::FileName(&table);
    let mut store = grown(collation, 512, 500);
    assert!(!index::is_empty(&mut store).unwrap());
    assert_eq!(index::last(&mut store).unwrap(), Some(named("name00499")));
    let all = index::entries(&mut store).unwrap();
    assert_eq!(all.len(), 500);
    for (start, expected) in [("name00123", 123), ("name001230", 124), ("a", 0), ("z", 500)] {
        let mut seen = Vec::new();
        index::visit_from(&mut store, collation, named(start).key(), &mut |entry| {
            seen.push(entry.to_entry());
            Ok(std::ops::ControlFlow::Continue(()))
        })
        .unwrap();
        assert_eq!(seen, all[expected..], "{start}");
    }
    let mut empty = MemoryStore::new(collation, 4096, 4096, 0x100);
    assert!(index::is_empty(&mut empty).unwrap());
    assert_eq!(index::last(&mut empty).unwrap(), None);
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let table = upcase();
    let collation = Collation::FileName(&table);
    let mut store = MemoryStore::new(collation, 512, 512, 0x60);
    let error = index::insert(&mut store, collation, &named(&"long".repeat(40))).unwrap_err();
    assert!(
        matches!(error, Error::Index(IndexError::EntryTooLarge { size: 0x198, most: 0xd0 })),
        "{error:?}"
    );
    let wrong = Entry::view(&[1, 2, 3, 4], &[5]).unwrap();
    let error = index::insert(&mut store, collation, &wrong).unwrap_err();
    assert!(matches!(error, Error::Index(IndexError::BadEntry { key: 4, .. })), "{error:?}");
    assert!(Entry::file_name(FileReference(1), &[0; 0x41]).is_err());
    assert!(Entry::view(&[0; 4], &vec![0; 70_000]).is_err());

    // A volume that fills up at any moment: the tree stays as it was.
    let mut full = MemoryStore::new(collation, 512, 512, 0x90);
    let mut refused = 0;
    for number in 0..400 {
        full.blocks_max = number / 9;
        let before = (full.root.clone(), full.blocks.clone());
        if index::insert(&mut full, collation, &named(&format!("entry{:03}", number * 7 % 400)))
            .is_err()
        {
            refused += 1;
            assert_eq!(full.root, before.0);
            assert!(before.1.iter().all(|(vcn, block)| full.blocks.get(vcn) == Some(block)));
            // The blocks that were allocated before the failure belong to nobody, as in a transaction that is dropped.
            full.blocks = before.1;
        }
        check(&full, collation);
    }
    assert!(refused > 20, "{refused}");

    let mut narrow = MemoryStore::new(collation, 512, 512, 0x37);
    narrow.capacity = 0x38;
    index::insert(&mut narrow, collation, &named("a")).unwrap();
    let mut tiny = MemoryStore::new(collation, 512, 512, 0x38);
    tiny.root = narrow.root.clone();
    let update = Entry::file_name(FileReference(1), &file_name(&utf16("name00003"), 77)).unwrap();
    let mut grown = grown(collation, 512, 20);
    assert!(index::update(&mut grown, collation, &update).unwrap());
    assert!(!index::update(&mut grown, collation, &named("missing")).unwrap());
}

/// An inner node that leads to one block alone, and leaves without entries: other programs leave such behind.
#[test]
fn sparse_trees_of_others_are_read_and_mended() {
    let table = upcase();
    let collation = Collation::FileName(&table);
    let node = |entries: &[(&str, Option<u64>)], end: Option<u64>| {
        let mut bytes = Vec::new();
        for (name, child) in entries {
            // An entry as it lies in an index, made by inserting it into an empty one.
            let mut store = MemoryStore::new(collation, 512, 512, 0x200);
            index::insert(&mut store, collation, &named(name)).unwrap();
            let mut entry = store.root[0x20..store.root.len() - 0x10].to_vec();
            if let Some(vcn) = child {
                entry.extend(vcn.to_le_bytes());
                entry[8] += 8;
                entry[12] |= 1;
            }
            bytes.extend(entry);
        }
        let length = if end.is_some() { 0x18 } else { 0x10 };
        bytes.extend([
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            length,
            0,
            0,
            0,
            2 | u8::from(end.is_some()),
            0,
            0,
            0,
        ]);
        bytes.extend(end.iter().flat_map(|vcn| vcn.to_le_bytes()));
        bytes
    };
    let build = |root: Vec<u8>, blocks: &[(u64, Vec<u8>)]| {
        let mut store = MemoryStore::new(collation, 512, 512, 0x100);
        let inner = |entries: &[u8]| {
            u8::from(
                entries[entries.len() - 12] & 1 == 1
                    && entries.len() >= 24
                    && entries[entries.len() - 16] == 0x18,
            )
        };
        store.root.truncate(0x20);
        store.root[0x1c] = inner(&root);
        let size = (root.len() as u32 + 0x10).to_le_bytes();
        store.root[0x14..0x18].copy_from_slice(&size);
        store.root[0x18..0x1c].copy_from_slice(&size);
        store.root.extend(root);
        for (vcn, entries) in blocks {
            let mut block = b"INDX\x28\0\x02\0".to_vec();
            block.resize(0x10, 0);
            block.extend(vcn.to_le_bytes());
            block.extend(0x18_u32.to_le_bytes());
            block.extend((0x18 + entries.len() as u32).to_le_bytes());
            block.extend((512 - 0x18_u32).to_le_bytes());
            block.extend([inner(entries), 0, 0, 0]);
            block.resize(0x30, 0);
            block.extend(entries);
            block.resize(512, 0);
            store.blocks.insert(*vcn, block);
        }
        store
    };
    let shapes = [
        // A root with an empty leaf on either side.
        (
            node(&[("f", Some(0)), ("m", Some(1))], Some(2)),
            vec![(0, node(&[], None)), (1, node(&[("h", None)], None)), (2, node(&[], None))],
        ),
        // Inner blocks that lead to one leaf each.
        (
            node(&[("m", Some(0))], Some(1)),
            vec![
                (0, node(&[], Some(2))),
                (1, node(&[], Some(3))),
                (2, node(&[("c", None)], None)),
                (3, node(&[("q", None)], None)),
            ],
        ),
        // A chain with nothing in it beside a leaf: levels differ.
        (
            node(&[("m", Some(0))], Some(1)),
            vec![
                (0, node(&[("b", None), ("d", None)], None)),
                (1, node(&[], Some(2))),
                (2, node(&[], Some(3))),
                (3, node(&[], None)),
            ],
        ),
        // All leaves empty.
        (
            node(&[("f", Some(0)), ("m", Some(1))], Some(2)),
            vec![(0, node(&[], None)), (1, node(&[], None)), (2, node(&[], None))],
        ),
        // No entry at all, in two levels.
        (node(&[], Some(0)), vec![(0, node(&[], Some(1))), (1, node(&[], None))]),
    ];
    for (number, (root, blocks)) in shapes.iter().enumerate() {
        let names: Vec<Vec<u8>> = index::entries(&mut build(root.clone(), blocks))
            .unwrap()
            .iter()
            .map(|entry| entry.key().to_vec())
            .collect();
        assert!(names.is_sorted());
        for first in 0..=names.len() {
            for grow in [0, 3, 60] {
                let mut store = build(root.clone(), blocks);
                let mut expected: BTreeSet<Vec<u8>> = names.iter().cloned().collect();
                for added in 0..grow {
                    let entry = named(&format!("{}{added}", ["a", "g", "z"][added % 3]));
                    index::insert(&mut store, collation, &entry).unwrap();
                    expected.insert(entry.key().to_vec());
                }
                let mut order: Vec<Vec<u8>> = expected.iter().cloned().collect();
                let turn = first.min(order.len());
                order.rotate_left(turn);
                for key in order {
                    assert!(
                        index::remove(&mut store, collation, &key).unwrap().is_some(),
                        "shape {number}"
                    );
                    expected.remove(&key);
                    let left: Vec<Vec<u8>> = index::entries(&mut store)
                        .unwrap()
                        .iter()
                        .map(|entry| entry.key().to_vec())
                        .collect();
                    assert_eq!(left.len(), expected.len(), "shape {number}");
                    assert!(left.iter().all(|key| expected.contains(key)));
                }
                if !names.is_empty() || grow > 0 {
                    assert!(
                        store.blocks.is_empty(),
                        "shape {number}: {} blocks left",
                        store.blocks.len()
                    );
                    assert_eq!(store.root.len(), 0x30);
                }
            }
        }
    }
}

/// Folders that Windows and ntfs-3g filled are changed like any other.
#[test]
fn folders_of_real_volumes_take_thousands_of_names() {
    let table = upcase();
    let collation = Collation::FileName(&table);
    for (name, record, least, levels) in [
        ("ntfs/win10-largedir-compressed.vol.raw.xz", 45, 2000, 3),
        ("ntfs/linux-mkntfs-manysubdirs.vol.raw.xz", 68, 500, 2),
        ("ntfs/linux-ntfs3-attrlist.vol.raw.xz", 5, 50, 2),
    ] {
        let Some(volume) = decompress(name) else { return };
        let mut store = load_index(volume.path(), record, "$I30", collation).unwrap();
        let before = check(&store, collation);
        assert!(
            before.entries.len() >= least && before.levels >= levels,
            "{name}: {}",
            before.entries.len()
        );
        let mut random = Random(21);
        let mut added = BTreeSet::new();
        while added.len() < 3000 {
            let units = random.name(40);
            let key = file_name(&units, 1);
            if index::insert(
                &mut store,
                collation,
                &Entry::file_name(FileReference(9), &key).unwrap(),
            )
            .is_ok()
            {
                added.insert(key);
            }
        }
        assert_eq!(check(&store, collation).entries.len(), before.entries.len() + added.len());
        for (_, key, _) in before.entries.iter().step_by(2) {
            assert!(index::remove(&mut store, collation, key).unwrap().is_some());
        }
        for key in &added {
            assert!(index::remove(&mut store, collation, key).unwrap().is_some());
        }
        let left: Vec<_> = before.entries.iter().skip(1).step_by(2).cloned().collect();
        assert_eq!(check(&store, collation).entries, left, "{name}");
        for (_, key, _) in &left {
            assert!(index::remove(&mut store, collation, key).unwrap().is_some());
        }
        assert!(store.blocks.is_empty());
    }
}
