//! Each operation by itself: repeated when it was committed, taken back when it was not, whether it had reached the disk or not.

use winkiln_ntfs::{Error, log::LogError};

use super::{
    replay::{KEPT, OPEN, other_plan, plan},
    small_volume::{
        OPENED, Target, empty, entry, index_block, nonresident, on_disk, record, resident, root,
        view_entry,
    },
    volume_bytes::essence,
    writer::{Operation, Writer, open_entry, open_size},
};

/// An operation and what it makes.
struct Case {
    name: &'static str,
    target: Target,
    before: Vec<u8>,
    operation: Operation,
    after: Vec<u8>,
    /// After it was taken back.
    undone: Vec<u8>,
}

impl Case {
    fn new(
        name: &'static str,
        (target, before, after): (Target, Vec<u8>, Vec<u8>),
        codes: (u16, u16),
        places: (usize, usize),
        data: (Vec<u8>, Vec<u8>),
    ) -> Self {
        let mut operation = target.operation(codes, data);
        (operation.record_offset, operation.attribute_offset) = (places.0 as u16, places.1 as u16);
        Self { name, target, undone: before.clone(), before, operation, after }
    }

    /// The operation backwards.
    fn reversed(&self, name: &'static str) -> Self {
        let Operation { redo, undo, redo_data, undo_data, .. } = self.operation.clone();
        let mut operation = self.target.operation((undo, redo), (undo_data, redo_data));
        operation.record_offset = self.operation.record_offset;
        operation.attribute_offset = self.operation.attribute_offset;
        let (before, after) = (self.after.clone(), self.before.clone());
        Self { name, target: self.target, undone: before.clone(), before, operation, after }
    }
}

const RECORD: Target = Target::Record;
const INDEX: Target = Target::Index;
/// Where the first attribute stands.
const FIRST: usize = 0x38;

fn record_cases() -> Vec<Case> {
    let first = resident(0x10, 0, &[0x11; 48]);
    let last = resident(0x100, 2, &[0x33; 16]);
    let middle = |attribute: Vec<u8>| record(9, &[first.clone(), attribute, last.clone()]);
    let at = FIRST + first.len();
    let value = |value: &[u8]| middle(resident(0x80, 1, value));
    let mut cases = Vec::new();

    let added = resident(0x80, 8, &[0x22; 24]);
    let without = record(8, &[first.clone(), last.clone()]);
    let with = record(9, &[first.clone(), added.clone(), last.clone()]);
    let mut create = Case::new("create", (RECORD, without, with), (5, 6), (at, 0), (added, vec![]));
    // An attribute's number is not given back.
    create.undone = record(9, &[first.clone(), last.clone()]);
    let mut delete = create.reversed("delete");
    delete.after = create.undone.clone();
    cases.extend([create, delete]);

    for (name, was, is, place) in [
        ("a value of the same length", vec![1; 16], vec![2; 16], 0),
        ("a value that grows", vec![1; 8], vec![2; 29], 0),
        ("a value that is appended to", vec![1; 8], [[1; 8], [2; 8]].concat(), 8),
        ("a value from nothing", vec![], vec![2; 24], 0),
    ] {
        let data = (is[place..].to_vec(), was[place..].to_vec());
        let states = (RECORD, value(&was), value(&is));
        let case = Case::new(name, states, (7, 7), (at, 0x18 + place), data);
        if is.len() % 8 == 0 {
            cases.push(case.reversed("a value, backwards"));
        }
        cases.push(case);
    }
    let mut zeros = Case::new(
        "zeros",
        (RECORD, value(&[]), value(&[0; 96])),
        (7, 7),
        (at, 0x18),
        Default::default(),
    );
    zeros.operation.zeros = 96;
    cases.push(zeros);

    // 8 clusters; then 3 more elsewhere.
    let short = [0x11, 8, 0x20, 0];
    let long = [0x11, 8, 0x20, 0x21, 3, 0x00, 0x01, 0x11, 1, 0x40, 0];
    let sizes = [0x8000; 3];
    let pairs = Case::new(
        "runs",
        (
            RECORD,
            middle(nonresident(1, 8, &sizes, &short)),
            middle(nonresident(1, 12, &sizes, &long)),
        ),
        (9, 9),
        (at, 0x40),
        (long.to_vec(), [&short[..], &[0; 4]].concat()),
    );
    cases.extend([pairs.reversed("runs that end sooner"), pairs]);
    for (name, was, is) in [
        ("three sizes", vec![0x8000, 0x7000, 0x7ffe], vec![0x8000, 0x10, 0x20]),
        ("four sizes", vec![0x8000, 0x7000, 0x7ffe, 0x3000], vec![0x8000, 0x10, 0x20, 0x1000]),
    ] {
        let bytes = |sizes: &[u64]| sizes.iter().flat_map(|size| size.to_le_bytes()).collect();
        let data = (bytes(&is), bytes(&was));
        let states = (
            RECORD,
            middle(nonresident(1, 8, &was, &short)),
            middle(nonresident(1, 8, &is, &short)),
        );
        cases.push(Case::new(name, states, (11, 11), (at, 0), data));
    }

    let rooted = |entries: &[Vec<u8>]| middle(resident(0x90, 1, &root(entries)));
    let (a, end) = (entry(40, &[b'a'; 0x52], None), entry(0, &[], None));
    let b = entry(41, &[b'b'; 0x4a], None);
    let root_at = 0x18 + 0x20;
    let states =
        (RECORD, rooted(&[a.clone(), end.clone()]), rooted(&[a.clone(), b.clone(), end.clone()]));
    let add = Case::new("add to root", states, (12, 13), (at, root_at + a.len()), (b, vec![]));
    cases.extend([add.reversed("delete from root"), add]);
    let child = |vcn| rooted(&[entry(40, &[b'a'; 0x52], Some(vcn)), entry(0, &[], Some(1))]);
    let vcns = |vcn: u64| vcn.to_le_bytes().to_vec();
    let states = (RECORD, child(3), child(0x0102_0304));
    let data = (vcns(0x0102_0304), vcns(3));
    cases.push(Case::new("child in root", states, (17, 17), (at, root_at), data));
    let named = |dates: u8| rooted(&[entry(40, &name_key(dates), None), end.clone()]);
    let data = (vec![7; 0x38], vec![3; 0x38]);
    let states = (RECORD, named(3), named(7));
    cases.push(Case::new("file name in root", states, (19, 19), (at, root_at), data));
    let viewed = |data: &[u8]| rooted(&[view_entry(9, data), end.clone()]);
    let states = (RECORD, viewed(&[3; 0x30]), viewed(&[[7; 0x18], [3; 0x18]].concat()));
    let data = (vec![7; 0x18], vec![3; 0x18]);
    cases.push(Case::new("data in root", states, (0x21, 0x21), (at, root_at), data));

    let old = value(&[1; 16]);
    let mut gone = old.clone();
    (gone[0x16], gone[0x10]) = (0, 6);
    let states = (RECORD, old.clone(), gone);
    let free = Case::new("deallocate", states, (3, 2), (0, 0), (vec![], old[..0x18].to_vec()));
    let mut initialize = free.reversed("initialize again");
    initialize.undone = free.after.clone();
    // One more sequence number.
    initialize.undone[0x10] = 6;
    cases.extend([free, initialize]);
    let cut = record(9, std::slice::from_ref(&first));
    let ends = |attributes: &[u8]| [attributes, &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]].concat();
    let data = (ends(&[]), ends(&last));
    let states = (RECORD, record(9, &[first.clone(), last.clone()]), cut);
    cases.push(Case::new("end of record", states, (4, 4), (at, 0), data));
    cases
}

/// The key of a file name whose dates and sizes are one byte repeated.
fn name_key(dates: u8) -> Vec<u8> {
    [&[5; 8][..], &[dates; 0x38], &[1, 1, b'x', 0]].concat()
}

fn index_cases() -> Vec<Case> {
    let (a, b, end) =
        (entry(40, &[b'a'; 0x52], None), entry(41, &[b'b'; 0x4a], None), entry(0, &[], None));
    let two = index_block(&[a.clone(), end.clone()]);
    let three = index_block(&[a.clone(), b.clone(), end.clone()]);
    let first = 0x40;
    let add = Case::new(
        "add",
        (INDEX, two.clone(), three.clone()),
        (14, 15),
        (0, first + a.len()),
        (b.clone(), vec![]),
    );
    let one = index_block(std::slice::from_ref(&end));
    let data = (end.clone(), [a.clone(), b, end.clone()].concat());
    let cut = Case::new("end of block", (INDEX, three.clone(), one), (16, 16), (0, first), data);
    let child = |vcn| index_block(&[entry(40, &[b'a'; 0x52], Some(vcn)), entry(0, &[], Some(1))]);
    let vcns = |vcn: u64| vcn.to_le_bytes().to_vec();
    let data = (vcns(0x0102_0304), vcns(3));
    let below =
        Case::new("child", (INDEX, child(3), child(0x0102_0304)), (18, 18), (0, first), data);
    let named =
        |dates: u8| index_block(&[a.clone(), entry(40, &name_key(dates), None), end.clone()]);
    let data = (vec![7; 0x38], vec![3; 0x38]);
    let name =
        Case::new("file name", (INDEX, named(3), named(7)), (20, 20), (0, first + a.len()), data);
    let viewed = |data: &[u8]| index_block(&[view_entry(9, data), end.clone()]);
    let states = (INDEX, viewed(&[3; 0x30]), viewed(&[[7; 0x18], [3; 0x18]].concat()));
    let view = Case::new("data", states, (0x22, 0x22), (0, first), (vec![7; 0x18], vec![3; 0x18]));
    let part = |bytes: &[u8]| bytes[0x18..0x180].to_vec();
    let data = (part(&three), part(&two));
    let bytes = Case::new("part of a block", (INDEX, two, three.clone()), (8, 8), (0x10, 8), data);
    vec![add.reversed("delete"), add, cut, below, name, view, bytes]
}

fn bitmap_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    // Inside a byte, over bytes, over the border of the two clusters.
    for (first, count) in [(3u32, 2u32), (13, 40), (8, 8), (4096 * 8 - 5, 19)] {
        let bits = |set: bool| {
            let mut bytes = vec![0xa5u8; 2 * 4096];
            for bit in first..first + count {
                let byte = &mut bytes[bit as usize / 8];
                let mask = 1 << (bit % 8);
                *byte = if set { *byte | mask } else { *byte & !mask };
            }
            bytes
        };
        let data = [first.to_le_bytes(), count.to_le_bytes()].concat();
        let states = (Target::Bitmap, bits(false), bits(true));
        let set = Case::new("set bits", states, (21, 22), (0, 0), (data.clone(), data));
        cases.extend([set.reversed("clear bits"), set]);
    }
    cases
}

/// How the log tells what is open and dirty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// In the tables of a checkpoint before the operation.
    Before,
    /// In the tables of a checkpoint after it.
    After,
    /// The attribute by a record of its own.
    Record,
}

/// A log with the operation alone; the operation's LSN.
fn log(case: &Case, (major, tables): (u16, u32), told: Told, committed: bool) -> (Vec<u8>, u64) {
    let mut writer = Writer::new(64 * 4096, major, 0);
    writer.tables = tables;
    let place = |index: usize| 0x18 + open_size(tables) * index;
    let index = case.target.index();
    let opened = if told == Told::Record { &OPENED[..0] } else { &OPENED };
    let (transaction, target) = (if committed { KEPT } else { OPEN }, place(index) as u16);
    let noop = |writer: &mut Writer| writer.operation(KEPT, (0, 0), &Operation::default());
    let forget = |writer: &mut Writer, id, last| {
        let forget = Operation { redo: 0x1b, undo: 1, target: 0x18, ..Operation::default() };
        writer.operation(id, (last, 0), &forget)
    };
    noop(&mut writer);
    if told != Told::After {
        writer.checkpoint(0, opened, &[], &[]);
    }
    let mut last = 0;
    if told == Told::Record {
        let redo_data = open_entry(tables, OPENED[index]);
        let open = Operation { redo: 0x1c, redo_data, target, ..Operation::default() };
        last = writer.operation(transaction, (0, 0), &open);
    }
    let operation = Operation { target, ..case.operation.clone() };
    let lsn = writer.operation(transaction, (last, last), &operation);
    if committed {
        forget(&mut writer, transaction, lsn);
    }
    if told == Told::After {
        let other = noop(&mut writer);
        let start = forget(&mut writer, KEPT, other);
        let page = |(vcn, lcn): (usize, &u64)| (u32::from(target), vcn as u64, *lcn, lsn);
        let pages: Vec<_> = operation.lcns.iter().enumerate().map(page).collect();
        let running = if committed { vec![] } else { vec![(OPEN, lsn)] };
        writer.checkpoint(start, opened, &pages, &running);
        let other = noop(&mut writer);
        forget(&mut writer, KEPT, other);
    }
    (writer.finish(false), lsn)
}

/// Bytes of a block that count.
fn core_of(bytes: &[u8]) -> Vec<u8> {
    if bytes.starts_with(b"FILE") || bytes.starts_with(b"INDX") {
        essence(bytes)
    } else {
        bytes.to_vec()
    }
}

/// What a replay by another program makes of the image; `None` when it does not know the operation.
fn other(case: &Case, told: Told, log: &[u8], image: &[u8]) -> Option<Vec<u8>> {
    // It takes the clusters of a page from one entry.
    let apart = case.target == Target::Bitmap && told == Told::After;
    if matches!(case.operation.redo, 4 | 0x22) || apart {
        return None;
    }
    let plan = other_plan(log, image).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    let mut image = image.to_vec();
    for (at, bytes) in plan.writes {
        image[at as usize..at as usize + bytes.len()].copy_from_slice(&bytes);
    }
    Some(case.target.read(&image))
}

#[test]
fn each_operation_is_repeated_and_taken_back() {
    let mut compared = 0;
    for case in record_cases().into_iter().chain(index_cases()).chain(bitmap_cases()) {
        for version in [(1, 0), (1, 1), (2, 1)] {
            for told in [Told::Before, Told::After, Told::Record] {
                for (committed, reached) in
                    [(true, false), (true, true), (false, false), (false, true)]
                {
                    let what = format!(
                        "{} {:?}, tables {version:?} {told:?}, committed {committed}, on disk {reached}",
                        case.name, case.target
                    );
                    let (log, lsn) = log(&case, version, told, committed);
                    let mut image = empty();
                    let (on, at) = if reached { (&case.after, lsn) } else { (&case.before, 1) };
                    case.target.write(&mut image, &on_disk(on, at));
                    let plan = plan(&log, &image).unwrap_or_else(|error| panic!("{what}: {error}"));
                    let redo = !reached || case.target == Target::Bitmap;
                    assert_eq!(
                        (plan.redone, plan.undone),
                        (redo.into(), (!committed).into()),
                        "{what}"
                    );
                    let mut replayed = image.clone();
                    for (at, bytes) in &plan.writes {
                        replayed[*at as usize..*at as usize + bytes.len()].copy_from_slice(bytes);
                    }
                    let found = case.target.read(&replayed);
                    let wanted = if committed { &case.after } else { &case.undone };
                    assert!(
                        core_of(&found) == core_of(&on_disk(wanted, 0)),
                        "{what}:\n{:02x?}\n{:02x?}",
                        core_of(&found),
                        core_of(&on_disk(wanted, 0))
                    );
                    // Nothing else changes.
                    let mut rest = replayed;
                    case.target.write(&mut rest, &case.target.read(&image));
                    assert!(rest == image, "{what}");
                    if version.0 == 2
                        && let Some(other) = other(&case, told, &log, &image)
                    {
                        compared += 1;
                        assert!(core_of(&other) == core_of(&found), "{what}: the other program");
                    }
                }
            }
        }
    }
    assert!(compared > 200, "{compared} compared");
}

/// Every operation of which one byte too much or too little makes no sense.
#[test]
fn data_that_contradicts_itself_is_refused() {
    let names = [
        "create",
        "add to root",
        "add",
        "file name in root",
        "file name",
        "child",
        "child in root",
        "three sizes",
    ];
    let cases = record_cases().into_iter().chain(index_cases());
    for mut case in cases.filter(|case| names.contains(&case.name)) {
        case.operation.redo_data.extend([0; 8]);
        let (log, _) = log(&case, (2, 1), Told::Before, true);
        let mut image = empty();
        case.target.write(&mut image, &on_disk(&case.before, 1));
        let refused = plan(&log, &image);
        let misfit = matches!(&refused, Err(Error::Log(LogError::Misfit { .. })));
        // Three sizes with eight bytes more are four.
        assert!(misfit, "{}: {refused:?}", case.name);
    }
}
