//! A registry hive with lists of every kind, big data and several descriptors, damaged where it has structure. An input is a form as that
//! of `hive`, then patches of six bytes (kind of cell, which of them, place in it, how, value), then operations.

use std::sync::OnceLock;

use winkiln_hive::{Hive, KeyId, ValueType};
use winkiln_security::Domains;

use crate::bytes::{Input, put, u16_at, u32_at};
use crate::hive::{exercise, stamp};

const PATCHES_MAX: usize = 12;
const NOW: u64 = 133_000_000_000_000_000;
const BINS: usize = 4096;
/// Cells with these signatures, and others: lists of values and of segments, class names, data.
const KINDS: [&[u8; 2]; 8] = [b"nk", b"vk", b"lf", b"lh", b"li", b"ri", b"sk", b"db"];
/// Places in the long cells, all of whose fields lie before it.
const PLACES: usize = 96;

/// The hive, and its cells by kind: place in the file, size.
struct Base {
    bytes: Vec<u8>,
    cells: Vec<Vec<(usize, usize)>>,
}

fn base() -> &'static Base {
    static BASE: OnceLock<Base> = OnceLock::new();
    BASE.get_or_init(|| {
        let bytes = build();
        let cells = cells(&bytes);
        Base { bytes, cells }
    })
}

/// # Panics
/// When the editor cannot make it, or not a sound one.
fn build() -> Vec<u8> {
    let mut hive = Hive::create("ROOT", NOW);
    let root = hive.root();
    let parents = ["fast", "hash", "index", "root"].map(|name| {
        let (parent, _) = hive.create_key(root, name, NOW).expect("a key");
        for number in 0..6 {
            let name = format!("{number}\\below \u{4e2d}");
            let (key, _) = hive.create_key(parent, &name, NOW).expect("keys");
            hive.set_value(key, "v", ValueType::Dword, &[number; 4], NOW).expect("a value");
        }
        parent
    });
    for (parent, sddl) in parents.iter().zip(["D:(A;;KA;;;BA)", "D:P(A;CI;KR;;;WD)", "O:SY"]) {
        hive.set_sddl(*parent, sddl, Domains::default(), NOW).expect("a descriptor");
    }
    let (values, _) = hive.create_key(root, "values", NOW).expect("a key");
    for (name, length) in [("empty", 0), ("some", 90), ("segments", 16_500)] {
        hive.set_value(values, name, ValueType::Binary, &vec![7; length], NOW).expect("a value");
    }
    hive.set_class(values, "class", NOW).expect("a class name");
    let field = |key: KeyId| key.in_file() as usize + 4 + 0x1c;
    // An index root in a cell of its own.
    let list = u32_at(hive.bytes(), field(parents[3])).to_le_bytes();
    let index_root = [b"ri\x01\0", &list[..]].concat();
    hive.set_value(parents[3], "r", ValueType::Binary, &index_root, NOW).expect("a value");
    hive.seal(NOW);
    let mut bytes = hive.bytes().to_vec();
    let at = bytes.windows(8).position(|found| found == index_root).expect("the data");
    let cell = ((at - 4 - BINS) as u32).to_le_bytes();
    put(&mut bytes, field(parents[3]), &cell);
    let names_it = |found: &[u8]| found.starts_with(b"vk") && found[8..12] == cell;
    let value = bytes.windows(12).position(names_it).expect("the value");
    // Its data are in the value now.
    put(&mut bytes, value + 4, &[4, 0, 0, 0x80]);
    for (parent, kind) in [(parents[0], b"lf"), (parents[2], b"li")] {
        let list = BINS + u32_at(&bytes, field(parent)) as usize + 4;
        put(&mut bytes, list, kind);
        for entry in 0..usize::from(u16_at(&bytes, list + 2)) {
            let key = u32_at(&bytes, list + 4 + entry * 8);
            if kind == b"li" {
                put(&mut bytes, list + 4 + entry * 4, &key.to_le_bytes());
            } else {
                put(&mut bytes, list + 8 + entry * 8, &[b'0' + entry as u8, 0, 0, 0]);
            }
        }
    }
    stamp(&mut bytes);
    let found = Hive::open(bytes.clone()).expect("it opens").check();
    assert!(found.is_empty(), "what is damaged is sound before: {found:?}");
    bytes
}

fn cells(bytes: &[u8]) -> Vec<Vec<(usize, usize)>> {
    let mut cells = vec![Vec::new(); KINDS.len() + 1];
    let mut bin = BINS;
    while bin < bytes.len() {
        let end = bin + u32_at(bytes, bin + 8) as usize;
        let mut at = bin + 32;
        while at < end {
            let size = (u32_at(bytes, at) as i32).unsigned_abs() as usize;
            let own = bytes.get(at + 4..at + 6);
            let kind = KINDS.iter().position(|kind| own == Some(&kind[..]));
            cells[kind.unwrap_or(KINDS.len())].push((at, size));
            at += size;
        }
        bin = end;
    }
    cells
}

/// The cell that an input means.
fn cell(kind: u8, which: u8) -> (usize, usize) {
    let cells = &base().cells;
    let cells = &cells[usize::from(kind) % cells.len()];
    cells[usize::from(which) % cells.len()]
}

/// Damages a hive's cells and does everything with it.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let form = input.u8();
    let mut bytes = base().bytes.clone();
    for _ in 0..usize::from(form & 0x3f) % (PATCHES_MAX + 1) {
        let (kind, which, place, how) = (input.u8(), input.u8(), input.u8(), input.u8());
        let value = input.u16();
        let (start, size) = cell(kind, which);
        let at = start + usize::from(place) % size.min(PLACES);
        let [low, high] = value.to_le_bytes();
        let other = (cell(high, low).0 - BINS) as u32;
        let number = match how % 6 {
            0 => u32::from(value),
            1 => other,
            2 => u32_at(&bytes, at).wrapping_add(u32::from(value)),
            3 => u32_at(&bytes, at).wrapping_sub(u32::from(value)),
            4 => u32::MAX - u32::from(value),
            _ => u32::from(value) << 16,
        };
        let width = [4, 4, 2, 1][usize::from(how >> 6)];
        put(&mut bytes, at, &number.to_le_bytes()[..width]);
    }
    exercise(bytes, form, &mut input);
}

/// Each kind of cell with its first fields damaged, and references to cells of other kinds.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let operations: Vec<u8> = (0..24u8).flat_map(|at| [at % 9, at * 5, at * 11]).collect();
    let mut seeds =
        vec![[&[0], &operations[..24]].concat(), [&[0xc0], &operations[24..48]].concat()];
    for kind in 0..=KINDS.len() as u8 {
        for place in (0..48u8).step_by(4) {
            let form = 1 | (place & 0xc) << 4;
            let how = (place / 4 + kind) % 6;
            let from = usize::from(place % 12) * 4;
            let patch = [form, kind, place / 8, place, how, place, kind + 1];
            seeds.push([&patch[..], &operations[from..from + 12]].concat());
        }
    }
    seeds
}
