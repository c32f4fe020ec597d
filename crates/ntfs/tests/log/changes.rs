//! Log records of the differences between a volume before and after an edit.

use super::{
    volume_bytes::{CLUSTER, RECORD, block, essence, number, runs},
    writer::Operation,
};

/// The streams of the file system: record, type, name, bytes of an index block.
const STREAMS: [(u64, u32, &str, u32); 7] = [
    (0, 0x80, "", 0),
    (0, 0xb0, "", 0),
    (6, 0x80, "", 0),
    (5, 0xa0, "$I30", 4096),
    (9, 0x80, "$SDS", 0),
    (9, 0xa0, "$SII", 4096),
    (9, 0xa0, "$SDH", 4096),
];

/// The table of open attributes that the records count on: type, file, bytes of an index block.
pub(super) fn attributes() -> Vec<(u32, u64, u32)> {
    STREAMS.iter().map(|(record, kind, _, block)| (*kind, *record, *block)).collect()
}

/// The place of a stream in that table.
fn target(index: usize) -> u16 {
    (0x18 + 0x28 * index) as u16
}

/// A change of one block or cluster: where it lies on the volume, its length, and the operations that make it.
pub(super) struct Change {
    pub(super) offset: usize,
    pub(super) length: usize,
    /// It carries an LSN.
    pub(super) is_block: bool,
    pub(super) operations: Vec<Operation>,
}

/// What is to be logged so that `before` becomes `after`, for the streams of the file system. The rest of the bytes are file
/// contents, which are not logged.
pub(super) fn between(before: &[u8], after: &[u8]) -> Vec<Change> {
    let mut changes = Vec::new();
    for (index, (record, kind, name, _)) in STREAMS.into_iter().enumerate() {
        for (first, lcn, clusters) in runs(after, record, kind.into(), name) {
            for cluster in 0..clusters {
                let offset = (lcn + cluster) as usize * CLUSTER;
                let place = Place { index, vcn: first + cluster, lcn: lcn + cluster };
                let (was, is) =
                    (&before[offset..offset + CLUSTER], &after[offset..offset + CLUSTER]);
                if was == is {
                    continue;
                }
                match kind {
                    0x80 if record == 0 => {
                        for at in (0..CLUSTER).step_by(RECORD) {
                            let (was, is) = (&was[at..at + RECORD], &is[at..at + RECORD]);
                            if essence(was) != essence(is) {
                                let operations = place.file_record(at, was, is);
                                let offset = offset + at;
                                changes.push(Change {
                                    offset,
                                    length: RECORD,
                                    is_block: true,
                                    operations,
                                });
                            }
                        }
                    }
                    0xa0 => {
                        let operations = vec![place.index_block(was, is)];
                        changes.push(Change {
                            offset,
                            length: CLUSTER,
                            is_block: true,
                            operations,
                        });
                    }
                    _ => {
                        let operations = if record == 6 {
                            place.bits(was, is)
                        } else {
                            vec![place.bytes(was, is)]
                        };
                        changes.push(Change {
                            offset,
                            length: CLUSTER,
                            is_block: false,
                            operations,
                        });
                    }
                }
            }
        }
    }
    changes
}

struct Place {
    index: usize,
    vcn: u64,
    lcn: u64,
}

impl Place {
    fn operation(&self, codes: (u16, u16), redo_data: Vec<u8>, undo_data: Vec<u8>) -> Operation {
        Operation {
            redo: codes.0,
            undo: codes.1,
            redo_data,
            undo_data,
            target: target(self.index),
            vcn: self.vcn,
            lcns: vec![self.lcn],
            block_size: 8,
            ..Operation::default()
        }
    }

    /// One bit range after the other, as Windows logs them.
    fn bits(&self, was: &[u8], is: &[u8]) -> Vec<Operation> {
        let bit = |bytes: &[u8], at: usize| bytes[at / 8] >> (at % 8) & 1;
        let mut found = Vec::new();
        let mut at = 0;
        while at < CLUSTER * 8 {
            let first = at;
            while at < CLUSTER * 8 && bit(was, at) != bit(is, at) && bit(is, at) == bit(is, first) {
                at += 1;
            }
            if at == first {
                at += 1;
                continue;
            }
            let data = [(first as u32).to_le_bytes(), ((at - first) as u32).to_le_bytes()].concat();
            let codes = if bit(is, first) == 1 { (0x15, 0x16) } else { (0x16, 0x15) };
            found.push(self.operation(codes, data.clone(), data));
        }
        found
    }

    fn bytes(&self, was: &[u8], is: &[u8]) -> Operation {
        let first = (0..CLUSTER).find(|at| was[*at] != is[*at]).expect("a difference");
        let last = (0..CLUSTER).rfind(|at| was[*at] != is[*at]).expect("a difference");
        let range = first..last + 1;
        let mut operation = self.operation((8, 8), is[range.clone()].to_vec(), was[range].to_vec());
        operation.attribute_offset = first as u16;
        operation
    }

    fn index_block(&self, was: &[u8], is: &[u8]) -> Operation {
        let used = |bytes: &Vec<u8>| 0x18 + number(bytes, 0x1c, 4) as usize;
        let is = block(is, b"INDX").expect("an index block");
        let was = block(was, b"INDX").unwrap_or_default();
        let undo = if was.is_empty() { 0 } else { 8 };
        let was = if was.is_empty() { was } else { was[..used(&was)].to_vec() };
        self.operation((8, undo), is[..used(&is)].to_vec(), was)
    }

    /// Attributes that went, came or changed, one by one; a record that was not in use, as a whole.
    fn file_record(&self, at: usize, was: &[u8], is: &[u8]) -> Vec<Operation> {
        let used = |bytes: &[u8]| number(bytes, 0x18, 4) as usize;
        let (was, is) =
            (block(was, b"FILE").expect("a record"), block(is, b"FILE").expect("a record"));
        let place = |mut operation: Operation| {
            operation.block_offset = (at / 512) as u16;
            operation.block_size = (RECORD / 512) as u16;
            operation
        };
        let whole = self.operation((2, 2), is[..used(&is)].to_vec(), was[..used(&was)].to_vec());
        if was[0x10..0x18] != is[0x10..0x18] || was[0x28..0x2a] != is[0x28..0x2a] {
            return vec![place(whole)];
        }
        let mut operations = Vec::new();
        let mut now = attributes_of(&was);
        let wanted = attributes_of(&is);
        let offset = |list: &[Vec<u8>], index: usize| {
            0x38 + list[..index].iter().map(Vec::len).sum::<usize>()
        };
        let first = number(&was, 0x14, 2) as usize;
        assert_eq!(first, 0x38, "records of NTFS 3.1");
        while let Some(index) = now.iter().position(|attribute| !wanted.contains(attribute)) {
            let mut operation = self.operation((6, 5), Vec::new(), now[index].clone());
            operation.record_offset = offset(&now, index) as u16;
            now.remove(index);
            operations.push(place(operation));
        }
        for (index, attribute) in wanted.iter().enumerate() {
            if now.get(index) != Some(attribute) {
                let mut operation = self.operation((5, 6), attribute.clone(), Vec::new());
                operation.record_offset = offset(&now, index) as u16;
                now.insert(index, attribute.clone());
                operations.push(place(operation));
            }
        }
        operations
    }
}

fn attributes_of(record: &[u8]) -> Vec<Vec<u8>> {
    let mut at = number(record, 0x14, 2) as usize;
    let mut found = Vec::new();
    while number(record, at, 4) != 0xffff_ffff {
        let length = number(record, at + 4, 4) as usize;
        found.push(record[at..at + length].to_vec());
        at += length;
    }
    found
}
