//! Attribute lists. An input is a value of one.

use winkiln_ntfs::fuzz;

use crate::bytes::{put, utf16};

/// Parses and encodes a list.
pub fn run(data: &[u8]) {
    match fuzz::attribute_list(data) {
        Ok(entries) => assert!(entries <= data.len() / 32, "an entry has 32 bytes or more"),
        Err(broken) => panic!("{broken}"),
    }
}

/// An entry of a list.
#[must_use]
pub fn entry(kind: u32, name: &str, lowest: u64, record: u64, id: u16) -> Vec<u8> {
    let name = utf16(name);
    let mut entry = vec![0; (0x1a + name.len()).next_multiple_of(8)];
    let length = entry.len() as u16;
    put(&mut entry, 0, &kind.to_le_bytes());
    put(&mut entry, 4, &length.to_le_bytes());
    put(&mut entry, 6, &[(name.len() / 2) as u8, 0x1a]);
    put(&mut entry, 8, &lowest.to_le_bytes());
    put(&mut entry, 0x10, &(record | 1 << 48).to_le_bytes());
    put(&mut entry, 0x18, &id.to_le_bytes());
    put(&mut entry, 0x1a, &name);
    entry
}

/// Lists of a fragmented file and of a folder.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let file = [
        entry(0x10, "", 0, 30, 0),
        entry(0x30, "", 0, 30, 2),
        entry(0x80, "", 0, 31, 0),
        entry(0x80, "", 0x40, 32, 0),
        entry(0x80, "a stream", 0, 30, 4),
    ];
    let folder = [
        entry(0x90, "$I30", 0, 30, 1),
        entry(0xa0, "$I30", 0, 31, 0),
        entry(0xb0, "$I30", 0, 30, 3),
    ];
    vec![file.concat(), folder.concat(), Vec::new()]
}
