//! Index roots, blocks and trees. An input is a byte for collation, block size and form, a byte for the number of blocks, eight
//! operations of two bytes, then the root and the blocks.

use std::ops::ControlFlow;

use winkiln_ntfs::FileReference;
use winkiln_ntfs::index::{self, Collation, Entry};
use winkiln_ntfs::upcase::UpCase;

use crate::bytes::Input;
use crate::index_store::MemoryIndex;
use crate::record::file_name;

const OPERATIONS: usize = 8;

/// A table that knows ASCII letters.
#[must_use]
pub fn upcase() -> UpCase {
    let upper = |unit: u16| if (0x61..=0x7a).contains(&unit) { unit - 0x20 } else { unit };
    let bytes: Vec<u8> = (0..0x80).flat_map(|unit| upper(unit).to_le_bytes()).collect();
    UpCase::from_bytes(&bytes)
}

fn collation(mode: u8, upcase: &UpCase) -> Collation<'_> {
    match mode & 3 {
        0 => Collation::FileName(upcase),
        1 => Collation::Ulong,
        2 => Collation::SecurityHash,
        _ => Collation::Ulongs,
    }
}

/// An entry that the collation takes, one of 128.
fn entry(collation: Collation<'_>, number: u8) -> Entry {
    let number = u32::from(number);
    let made = match collation {
        Collation::FileName(_) => {
            let letter = char::from(b"aBcDeFgH"[number as usize % 8]);
            let name: String = std::iter::repeat_n(letter, 1 + number as usize / 3).collect();
            Entry::file_name(FileReference::new(30, 1), &file_name(5, &name, 1, 0))
        }
        Collation::Ulong => Entry::view(&(number * 3).to_le_bytes(), &[0x11; 20]),
        Collation::SecurityHash => {
            let key = [(number << 24).to_le_bytes(), number.to_le_bytes()].concat();
            Entry::view(&key, &[0x22; 20])
        }
        Collation::Ulongs => Entry::view(&number.to_le_bytes().repeat(4), &[]),
    };
    made.expect("an entry of this index")
}

/// All entries when the index is sound: it can be walked and is in order.
fn sound(index: &mut MemoryIndex, collation: Collation<'_>) -> Option<Vec<Entry>> {
    let entries = index::entries(index).ok()?;
    let fine = entries.iter().all(|entry| collation.accepts(entry.key()));
    let order =
        entries.windows(2).all(|pair| collation.compare(pair[0].key(), pair[1].key()).is_lt());
    (fine && order).then_some(entries)
}

/// Walks, searches and changes an index. A sound one stays sound and holds what was put in; an operation that fails changes nothing.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let (mode, blocks) = (input.u8(), usize::from(input.u8() % 8));
    let operations = input.take(2 * OPERATIONS);
    let upcase = upcase();
    let collation = collation(mode, &upcase);
    let block_size = [512, 1024, 4096, 512][usize::from(mode >> 2 & 3)];
    let mut index =
        MemoryIndex::from_input(collation, block_size, mode & 0x80 != 0, blocks, &mut input);
    for operation in operations.chunks_exact(2) {
        if index.torn {
            return;
        }
        step(&mut index, collation, &upcase, operation[0], operation[1]);
    }
}

fn step(index: &mut MemoryIndex, collation: Collation<'_>, upcase: &UpCase, kind: u8, number: u8) {
    let before = index.clone();
    let held = sound(index, collation);
    // Half of the numbers name entries that are there.
    let known = held.as_ref().and_then(|held| held.get(usize::from(number & 0x7f)));
    let entry = match known {
        Some(known) if number & 0x80 != 0 => known.clone(),
        _ => entry(collation, number & 0x7f),
    };
    let there = held.as_ref().map(|held| held.iter().any(|other| other.key() == entry.key()));
    let same = |other: &Entry| collation.compare(other.key(), entry.key()).is_eq();
    match kind % 8 {
        0 | 1 => {
            let done = index::insert(index, collation, &entry);
            check_failure(&before, index, done.is_ok());
            let Some(mut wanted) = held else { return };
            if done.is_ok() {
                wanted.push(entry.clone());
                wanted.sort_by(|a, b| collation.compare(a.key(), b.key()));
                assert_eq!(sound(index, collation), Some(wanted), "what was inserted is there");
            }
        }
        2 | 3 => {
            let done = index::remove(index, collation, entry.key());
            check_failure(&before, index, done.is_ok());
            let Some(mut wanted) = held else { return };
            if let Ok(removed) = done {
                assert_eq!(removed.is_some(), wanted.iter().any(same), "what is there is removed");
                wanted.retain(|other| !same(other));
                assert_eq!(sound(index, collation), Some(wanted), "nothing else is removed");
            }
        }
        4 => {
            let done = index::update(index, collation, &entry);
            check_failure(&before, index, done.is_ok());
        }
        5 => {
            let found = index::find(index, collation, entry.key());
            assert_eq!(*index, before, "looking changes nothing");
            if let (Ok(found), Some(true)) = (found, there) {
                assert!(found.is_some(), "what is there is found");
            }
            let units: Vec<u16> =
                entry.key().as_chunks::<2>().0.iter().map(|u| u16::from_le_bytes(*u)).collect();
            let _ = index::find_name(
                index,
                upcase,
                units.get(0x21..).unwrap_or(&units),
                number & 1 == 0,
            );
        }
        6 => {
            let mut seen = 0;
            let walk = index::visit_from(index, collation, entry.key(), &mut |entry| {
                seen += 1;
                let _ = (entry.data(), entry.reference(), entry.child());
                Ok(ControlFlow::Continue(()))
            });
            if let (Ok(()), Some(held)) = (walk, held) {
                let wanted =
                    held.iter().filter(|other| collation.compare(other.key(), entry.key()).is_ge());
                assert_eq!(seen, wanted.count(), "a walk from a key sees what is behind it");
            }
        }
        _ => {
            let last = index::last(index);
            let empty = index::is_empty(index);
            if let (Ok(last), Ok(empty), Some(held)) = (last, empty, held) {
                assert_eq!((last.as_ref(), empty), (held.last(), held.is_empty()));
            }
        }
    }
}

/// An operation that fails has left everything as it was, blocks that it allocated aside.
fn check_failure(before: &MemoryIndex, after: &MemoryIndex, done: bool) {
    if done || after.torn {
        return;
    }
    assert_eq!(before.root, after.root, "a root after a failure");
    let kept = before.blocks.iter().all(|(vcn, block)| after.blocks.get(vcn) == Some(block));
    assert!(kept, "blocks after a failure");
}

/// Trees of each collation with one, two and three levels.
///
/// # Panics
/// When a tree cannot be built.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let upcase = upcase();
    let mut seeds = Vec::new();
    for mode in 0..12u8 {
        let collation = collation(mode, &upcase);
        for count in [0, 3, 20, 60] {
            let mut index = MemoryIndex::new(collation, [512, 1024, 4096][usize::from(mode / 4)]);
            for number in 0..count {
                index::insert(&mut index, collation, &entry(collation, number * 2 % 128))
                    .expect("there is room");
            }
            if index.blocks.len() < 8 {
                let operations = [0, 3, 2, 0x81, 5, 0x80, 6, 7, 7, 0, 4, 0x82, 0, 9, 2, 0x80];
                let head = [mode, index.blocks.len() as u8];
                seeds.push([&head[..], &operations, &index.to_input()].concat());
            }
        }
    }
    assert!(seeds.iter().any(|seed| seed[1] > 3), "trees of several levels");
    seeds
}
