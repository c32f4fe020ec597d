//! Trees against a sorted map, through long rows of random changes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry::{Occupied, Vacant};

use winkiln_ntfs::index::{self, Collation, Entry, IndexError};
use winkiln_ntfs::{Error, FileReference};

use super::checker::check;
use super::generate::{Random, file_name, upcase, utf16};
use super::memory_store::MemoryStore;

/// Names by (upper-cased units, units), which is the order of the tree.
type Model = BTreeMap<(Vec<u16>, Vec<u16>), (u64, u64)>;

fn assert_same(store: &MemoryStore, collation: Collation<'_>, model: &Model, what: &str) -> usize {
    let contents = check(store, collation);
    assert_eq!(contents.entries.len(), model.len(), "{what}");
    for ((reference, key, _), ((_, name), (file, size))) in contents.entries.iter().zip(model) {
        assert_eq!((reference, key), (file, &file_name(name, *size)), "{what}");
    }
    contents.levels
}

/// Names that fit blocks of this size twice.
fn units_max(block_size: u32) -> usize {
    match block_size {
        512 => 60,
        1024 => 188,
        _ => 255,
    }
}

#[test]
fn random_changes_agree_with_a_sorted_map() {
    let table = upcase();
    let collation = Collation::FileName(&table);
    for (block_size, vcn_unit, capacity, changes) in [
        (4096, 4096, 0x200, 24_000),
        (4096, 512, 0x38, 12_000),
        (4096, 1024, 0xe00, 12_000),
        (2048, 2048, 0x100, 12_000),
        (1024, 512, 0x200, 12_000),
        (512, 512, 0x60, 12_000),
        (512, 512, 0x3000, 8_000),
        (65536, 4096, 0x180, 6_000),
    ] {
        let what = format!("blocks of {block_size}, root of {capacity:#x}");
        let mut random =
            Random(0x9e37_79b9_7f4a_7c15 ^ u64::from(block_size) << 20 ^ capacity as u64);
        let mut store = MemoryStore::new(collation, block_size, vcn_unit, capacity);
        let mut model = Model::new();
        let mut levels_max = 0;
        for change in 0..changes {
            // Growing, balanced and shrinking times take turns.
            let insert_share = [80, 50, 12][change * 6 / changes % 3];
            let known = |random: &mut Random, model: &Model| {
                let name = random.name(units_max(block_size));
                let key = (name.iter().map(|unit| table.upper(*unit)).collect::<Vec<_>>(), name);
                model.range(&key..).next().or(model.iter().next_back()).map(|(key, _)| key.clone())
            };
            let chance = random.below(100);
            if chance < insert_share {
                let name = random.name(units_max(block_size));
                let upper: Vec<u16> = name.iter().map(|unit| table.upper(*unit)).collect();
                let (file, size) = (random.next() >> 8, random.next());
                let entry = Entry::file_name(FileReference(file), &file_name(&name, size)).unwrap();
                let key = (upper, name);
                let inserted = index::insert(&mut store, collation, &entry);
                match model.entry(key) {
                    Occupied(_) => {
                        assert!(matches!(inserted, Err(Error::Index(IndexError::KeyExists))));
                    }
                    Vacant(place) => {
                        inserted.unwrap();
                        place.insert((file, size));
                    }
                }
            } else if chance < 95 {
                let Some(key) = known(&mut random, &model) else { continue };
                let removed =
                    index::remove(&mut store, collation, &file_name(&key.1, 0)).unwrap().unwrap();
                let (file, size) = model.remove(&key).unwrap();
                assert_eq!(
                    (removed.reference().0, removed.key()),
                    (file, file_name(&key.1, size).as_slice())
                );
                assert_eq!(
                    index::remove(&mut store, collation, &file_name(&key.1, 0)).unwrap(),
                    None
                );
            } else {
                let Some(key) = known(&mut random, &model) else { continue };
                let (file, size) = (random.next(), random.next());
                let entry =
                    Entry::file_name(FileReference(file), &file_name(&key.1, size)).unwrap();
                assert!(index::update(&mut store, collation, &entry).unwrap());
                store.reset_counts();
                assert!(index::update(&mut store, collation, &entry).unwrap());
                assert_eq!(store.writes, 0, "an update that changes nothing");
                assert_eq!(index::find(&mut store, collation, entry.key()).unwrap(), Some(entry));
                model.insert(key, (file, size));
            }
            if change % 500 == 0 || change < 60 {
                levels_max = levels_max.max(assert_same(&store, collation, &model, &what));
            }
        }
        levels_max = levels_max.max(assert_same(&store, collation, &model, &what));
        assert!(levels_max >= 2, "{what}: {levels_max} levels");
        let keys: Vec<_> = model.keys().cloned().collect();
        for key in keys {
            index::remove(&mut store, collation, &file_name(&key.1, 0)).unwrap().unwrap();
        }
        assert_empty(&store, collation, &what);
    }
}

fn assert_empty(store: &MemoryStore, collation: Collation<'_>, what: &str) {
    assert_eq!(check(store, collation).entries.len(), 0, "{what}");
    assert!(store.blocks.is_empty(), "{what}: blocks are left");
    assert_eq!(store.root.len(), 0x30, "{what}");
    assert_eq!(store.root[0x1c], 0, "{what}: the root has children");
}

#[test]
fn rows_of_names_in_order_grow_and_shrink() {
    let table = upcase();
    let collation = Collation::FileName(&table);
    let name = |number: usize| file_name(&utf16(&format!("component-{number:06}.manifest")), 0);
    let count = 1500;
    let ascending: Vec<usize> = (0..count).collect();
    let descending: Vec<usize> = (0..count).rev().collect();
    let outwards: Vec<usize> =
        (0..count / 2).flat_map(|step| [count / 2 + step, count / 2 - 1 - step]).collect();
    for (block_size, capacity) in [(4096, 0x200), (512, 0x40)] {
        for inserted in [&ascending, &descending, &outwards] {
            for removed in [&ascending, &descending, &outwards] {
                let mut store = MemoryStore::new(collation, block_size, block_size, capacity);
                for (done, number) in inserted.iter().enumerate() {
                    let entry =
                        Entry::file_name(FileReference(*number as u64), &name(*number)).unwrap();
                    index::insert(&mut store, collation, &entry).unwrap();
                    if done % 997 == 0 {
                        assert_eq!(check(&store, collation).entries.len(), done + 1);
                    }
                }
                assert_eq!(check(&store, collation).entries.len(), count);
                for (done, number) in removed.iter().enumerate() {
                    assert!(
                        index::remove(&mut store, collation, &name(*number)).unwrap().is_some()
                    );
                    if done % 997 == 0 {
                        assert_eq!(check(&store, collation).entries.len(), count - done - 1);
                    }
                }
                assert_empty(&store, collation, "in order");
            }
        }
    }
}

#[test]
fn a_hundred_thousand_names_come_and_go() {
    let table = upcase();
    let collation = Collation::FileName(&table);
    let mut store = MemoryStore::new(collation, 4096, 4096, 0x200);
    let mut order: Vec<usize> = (0..100_000).collect();
    let mut random = Random(77);
    let mut shuffle = |order: &mut Vec<usize>| {
        for at in (1..order.len()).rev() {
            order.swap(at, random.below(at + 1));
        }
    };
    let name =
        |number: usize| file_name(&utf16(&format!("{number:x}_{}.dll", number * 7)), number as u64);
    shuffle(&mut order);
    for number in &order {
        let entry = Entry::file_name(FileReference(*number as u64), &name(*number)).unwrap();
        index::insert(&mut store, collation, &entry).unwrap();
    }
    let contents = check(&store, collation);
    assert_eq!(contents.entries.len(), order.len());
    assert!(contents.levels <= 5, "{} levels", contents.levels);
    shuffle(&mut order);
    for number in &order {
        assert!(index::remove(&mut store, collation, &name(*number)).unwrap().is_some());
    }
    assert_empty(&store, collation, "100,000 names");
}

/// `$SII` and `$SDH` keep the same 20 bytes by id and by hash.
#[test]
fn view_indexes_sort_by_numbers() {
    for (collation, key_size) in
        [(Collation::Ulong, 4), (Collation::SecurityHash, 8), (Collation::Ulongs, 16)]
    {
        let mut store = MemoryStore::new(collation, 4096, 4096, 0xf0);
        let mut model = BTreeMap::new();
        let mut random = Random(5 + key_size as u64);
        for change in 0..20_000 {
            let words: Vec<u32> = (0..key_size / 4)
                .map(|_| (random.below(2000) as u32).wrapping_mul(0x0101_0101))
                .collect();
            let key: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            let data: Vec<u8> = (0..20 + random.below(2)).map(|_| random.next() as u8).collect();
            if random.below(100) < if change < 10_000 { 80 } else { 30 } {
                let entry = Entry::view(&key, &data).unwrap();
                let inserted = index::insert(&mut store, collation, &entry).is_ok();
                assert_eq!(inserted, !model.contains_key(&words));
                model.entry(words).or_insert(data);
            } else if let Some((words, data)) =
                model.range(words..).next().map(|(w, d)| (w.clone(), d.clone()))
            {
                let key: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                let removed = index::remove(&mut store, collation, &key).unwrap().unwrap();
                assert_eq!(
                    (removed.key(), removed.data()),
                    (key.as_slice(), Some(data.as_slice()))
                );
                model.remove(&words);
            }
            if change % 1000 == 0 {
                let contents = check(&store, collation);
                let found = contents.entries.into_iter().map(|(_, key, data)| (key, data));
                let bytes = |words: &Vec<u32>| {
                    words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>()
                };
                assert!(found.eq(model.iter().map(|(words, data)| (bytes(words), data.clone()))));
            }
        }
        assert!(check(&store, collation).levels >= 2);
    }
}
