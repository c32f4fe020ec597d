//! File records. An input is two bytes, then a record: with bit 0 of the first byte it is taken as it lies on disk, else header fields that
//! a parser refuses at once are put right and fixups applied. The second byte gives the record's size.

use winkiln_ntfs::fuzz;

use crate::bytes::{Input, apply_fixups, put, u16_at, utf16};

/// Parses a record, changes it in several ways, and reads it back.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let (mode, size) = (input.u8(), 512 << (input.u8() % 4));
    let mut raw = vec![0; size];
    put(&mut raw, 0, input.take(size));
    if mode & 1 == 0 {
        put(&mut raw, 0, b"FILE");
        put(&mut raw, 0x1c, &(size as u32).to_le_bytes());
        if u16_at(&raw, 0x18) as usize > size {
            put(&mut raw, 0x18, &(size as u32).to_le_bytes());
        }
        put(&mut raw, 0x1a, &[0, 0]);
        apply_fixups(&mut raw, if mode & 2 == 0 { 0x30 } else { 0x2a }, 7);
    }
    if let Err(broken) = fuzz::record(&raw) {
        panic!("{broken}");
    }
}

/// A resident attribute.
#[must_use]
pub fn resident(kind: u32, id: u16, name: &str, value: &[u8]) -> Vec<u8> {
    let name = utf16(name);
    let value_at = (0x18 + name.len()).next_multiple_of(8);
    let mut raw = vec![0; (value_at + value.len()).next_multiple_of(8)];
    let length = raw.len() as u32;
    put(&mut raw, 0, &kind.to_le_bytes());
    put(&mut raw, 4, &length.to_le_bytes());
    put(&mut raw, 9, &[(name.len() / 2) as u8, 0x18]);
    put(&mut raw, 0x0e, &id.to_le_bytes());
    put(&mut raw, 0x10, &(value.len() as u32).to_le_bytes());
    put(&mut raw, 0x14, &(value_at as u16).to_le_bytes());
    put(&mut raw, 0x16, &[u8::from(kind == 0x30)]);
    put(&mut raw, 0x18, &name);
    put(&mut raw, value_at, value);
    raw
}

/// Where the value of a non-resident attribute is, and how long it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extent<'a> {
    /// First VCN.
    pub lowest: u64,
    /// Number of clusters.
    pub clusters: u64,
    /// Bytes per cluster.
    pub cluster: u64,
    /// Length in bytes.
    pub size: u64,
    /// Attribute flags: 1 compressed, 0x8000 sparse.
    pub flags: u16,
    /// Bytes really allocated, for compressed and sparse values.
    pub packed: u64,
    /// Mapping pairs.
    pub pairs: &'a [u8],
}

/// A non-resident attribute.
#[must_use]
pub fn non_resident(kind: u32, id: u16, name: &str, extent: Extent<'_>) -> Vec<u8> {
    let name = utf16(name);
    let head = if extent.flags == 0 { 0x40 } else { 0x48 };
    let pairs_at = (head + name.len()).next_multiple_of(8);
    let mut raw = vec![0; (pairs_at + extent.pairs.len()).next_multiple_of(8)];
    let length = raw.len() as u32;
    put(&mut raw, 0, &kind.to_le_bytes());
    put(&mut raw, 4, &length.to_le_bytes());
    put(&mut raw, 8, &[1, (name.len() / 2) as u8, head as u8]);
    put(&mut raw, 0x0c, &extent.flags.to_le_bytes());
    put(&mut raw, 0x0e, &id.to_le_bytes());
    put(&mut raw, 0x10, &extent.lowest.to_le_bytes());
    put(&mut raw, 0x18, &(extent.lowest + extent.clusters).wrapping_sub(1).to_le_bytes());
    put(&mut raw, 0x20, &(pairs_at as u16).to_le_bytes());
    put(&mut raw, 0x22, &[if extent.flags == 0 { 0 } else { 4 }]);
    if extent.lowest == 0 {
        put(&mut raw, 0x28, &(extent.clusters * extent.cluster).to_le_bytes());
        put(&mut raw, 0x30, &extent.size.to_le_bytes());
        put(&mut raw, 0x38, &extent.size.to_le_bytes());
        if extent.flags != 0 {
            put(&mut raw, 0x40, &extent.packed.to_le_bytes());
        }
    }
    put(&mut raw, head, &name);
    put(&mut raw, pairs_at, extent.pairs);
    raw
}

/// A record of these attributes, fixups not applied. Flags: 1 in use, 2 folder.
#[must_use]
pub fn record(number: u32, size: usize, flags: u16, attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut raw = vec![0; size];
    let first = (0x30 + 2 * (size / 512 + 1)).next_multiple_of(8);
    put(&mut raw, 0, b"FILE");
    put(&mut raw, 0x10, &[1, 0, 1, 0]);
    put(&mut raw, 0x14, &(first as u16).to_le_bytes());
    put(&mut raw, 0x16, &flags.to_le_bytes());
    put(&mut raw, 0x1c, &(size as u32).to_le_bytes());
    put(&mut raw, 0x28, &(attributes.len() as u16).to_le_bytes());
    put(&mut raw, 0x2c, &number.to_le_bytes());
    let mut at = first;
    for attribute in attributes {
        put(&mut raw, at, attribute);
        at += attribute.len();
    }
    assert!(at + 8 <= size, "the attributes fit the record");
    put(&mut raw, at, &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    put(&mut raw, 0x18, &(at as u32 + 8).to_le_bytes());
    raw
}

/// The value of a `$FILE_NAME`.
#[must_use]
pub fn file_name(parent: u64, name: &str, namespace: u8, attributes: u32) -> Vec<u8> {
    let mut value = vec![0; 0x42];
    put(&mut value, 0, &(parent | 1 << 48).to_le_bytes());
    put(&mut value, 0x38, &attributes.to_le_bytes());
    value[0x40] = name.encode_utf16().count() as u8;
    value[0x41] = namespace;
    value.extend(utf16(name));
    value
}

/// Records of a plain file, a folder, a fragmented file and one with an attribute list.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let information = resident(0x10, 0, "", &[0; 0x48]);
    let name = resident(0x30, 1, "", &file_name(5, "Datei.txt", 1, 0x20));
    let extent = Extent {
        clusters: 0x18,
        cluster: 512,
        size: 0x2ff0,
        pairs: &[0x21, 0x10, 0x34, 0x12, 0x11, 8, 0xf0, 0],
        ..Extent::default()
    };
    let sparse = Extent { flags: 0x8000, pairs: &[0x11, 0x10, 0x20, 0x01, 8, 0], ..extent };
    let plain = [
        information.clone(),
        name.clone(),
        resident(0x80, 2, "", b"contents"),
        resident(0x80, 3, "stream", b"more"),
    ];
    let far = [
        information.clone(),
        name.clone(),
        non_resident(0x80, 2, "", extent),
        non_resident(0x80, 3, "sparse", sparse),
    ];
    let folder = [
        information.clone(),
        name.clone(),
        resident(0x90, 2, "$I30", &[0; 0x40]),
        non_resident(0xa0, 3, "$I30", extent),
        resident(0xb0, 4, "$I30", &[1, 0, 0, 0, 0, 0, 0, 0]),
    ];
    let listed = [information, resident(0x20, 5, "", &[0x10, 0, 0, 0, 0x20, 0]), name];
    let mut seeds = Vec::new();
    for (size, shift) in [(1024, 1), (4096, 3), (512, 0)] {
        for (attributes, flags) in [(&plain[..], 1), (&far, 1), (&folder, 3), (&listed, 1)] {
            let mut raw = record(30, size, flags, attributes);
            seeds.push([&[0, shift], &raw[..]].concat());
            apply_fixups(&mut raw, 0x30, 3);
            seeds.push([&[1, shift], &raw[..]].concat());
        }
    }
    seeds
}
