//! A volume of 64 clusters with one file record, one index block and one bitmap, made byte by byte.

use super::{
    volume_bytes::{CLUSTER, RECORD},
    writer::{Operation, protect, put},
};

/// The attributes that the records are about: type, file, bytes of an index block.
pub(super) const OPENED: [(u32, u64, u32); 3] = [(0x80, 0, 0), (0xa0, 5, 4096), (0xb0, 0, 0)];
/// The bitmap's clusters, which do not follow each other.
pub(super) const BITMAP: [u64; 2] = [10, 20];

/// What an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// File record 1.
    Record,
    Index,
    /// Two clusters.
    Bitmap,
}

impl Target {
    /// Its place among [`OPENED`].
    pub(super) fn index(self) -> usize {
        self as usize
    }

    /// Offset and length of each of its pieces on the volume.
    fn pieces(self) -> Vec<(usize, usize)> {
        match self {
            Self::Record => vec![(4 * CLUSTER + RECORD, RECORD)],
            Self::Index => vec![(8 * CLUSTER, CLUSTER)],
            Self::Bitmap => BITMAP.map(|lcn| (lcn as usize * CLUSTER, CLUSTER)).to_vec(),
        }
    }

    pub(super) fn read(self, image: &[u8]) -> Vec<u8> {
        let pieces = self.pieces().into_iter();
        pieces.flat_map(|(at, length)| &image[at..at + length]).copied().collect()
    }

    pub(super) fn write(self, image: &mut [u8], bytes: &[u8]) {
        let mut done = 0;
        for (at, length) in self.pieces() {
            image[at..at + length].copy_from_slice(&bytes[done..done + length]);
            done += length;
        }
    }

    /// An operation on it.
    pub(super) fn operation(self, codes: (u16, u16), data: (Vec<u8>, Vec<u8>)) -> Operation {
        let (block_offset, block_size, lcns) = match self {
            Self::Record => (2, 2, vec![4]),
            Self::Index => (0, 8, vec![8]),
            Self::Bitmap => (0, 8, BITMAP.to_vec()),
        };
        Operation {
            redo: codes.0,
            undo: codes.1,
            redo_data: data.0,
            undo_data: data.1,
            block_offset,
            block_size,
            lcns,
            ..Operation::default()
        }
    }
}

/// The volume with nothing but its boot sector.
pub(super) fn empty() -> Vec<u8> {
    let mut image = vec![0; 64 * CLUSTER];
    image[3..11].copy_from_slice(b"NTFS    ");
    let fields = [(0x0b, 512, 2), (0x0d, 8, 1), (0x28, 512, 8), (0x30, 4, 8), (0x38, 30, 8)];
    for (at, number, length) in fields {
        put(&mut image, at, number, length);
    }
    (image[0x40], image[0x44]) = (0xf6, 1);
    image
}

/// A block with its LSN, as it stands on the disk.
pub(super) fn on_disk(block: &[u8], lsn: u64) -> Vec<u8> {
    let mut bytes = block.to_vec();
    let usa = match bytes.get(..4) {
        Some(b"FILE") => 0x30,
        Some(b"INDX") => 0x28,
        _ => return bytes,
    };
    put(&mut bytes, 8, lsn, 8);
    protect(&mut bytes, usa);
    bytes
}

/// File record 1 with its attributes.
pub(super) fn record(next_id: u16, attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0; RECORD];
    bytes[..4].copy_from_slice(b"FILE");
    let used = 0x38 + attributes.concat().len() + 8;
    let fields = [
        (0x04, 0x30, 2),
        (0x06, 3, 2),
        (0x10, 5, 2),
        (0x12, 1, 2),
        (0x14, 0x38, 2),
        (0x16, 1, 2),
        (0x18, used as u64, 4),
        (0x1c, RECORD as u64, 4),
        (0x28, next_id.into(), 2),
        (0x2c, 1, 4),
        (used - 8, 0xffff_ffff, 4),
    ];
    for (at, number, length) in fields {
        put(&mut bytes, at, number, length);
    }
    bytes[0x38..used - 8].copy_from_slice(&attributes.concat());
    bytes
}

pub(super) fn resident(kind: u32, id: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 0x18];
    let length = (0x18 + value.len()).next_multiple_of(8);
    let fields = [
        (0, u64::from(kind), 4),
        (4, length as u64, 4),
        (0x0e, id.into(), 2),
        (0x10, value.len() as u64, 4),
        (0x14, 0x18, 2),
    ];
    for (at, number, length) in fields {
        put(&mut bytes, at, number, length);
    }
    bytes.extend_from_slice(value);
    bytes.resize(length, 0);
    bytes
}

/// An attribute of `clusters` by its runs; four sizes (allocated, valid, real, total) when it is compressed.
pub(super) fn nonresident(id: u16, clusters: u64, sizes: &[u64], pairs: &[u8]) -> Vec<u8> {
    let pairs_at = if sizes.len() == 4 { 0x48 } else { 0x40 };
    let mut bytes = vec![0; pairs_at];
    let length = (pairs_at + pairs.len()).next_multiple_of(8);
    let fields = [
        (0x00, 0x80, 4),
        (0x04, length as u64, 4),
        (0x08, 1, 1),
        (0x0c, u64::from(sizes.len() == 4), 2),
        (0x0e, id.into(), 2),
        (0x18, clusters - 1, 8),
        (0x20, pairs_at as u64, 2),
        (0x28, sizes[0], 8),
        (0x38, sizes[1], 8),
        (0x30, sizes[2], 8),
    ];
    for (at, number, length) in fields {
        put(&mut bytes, at, number, length);
    }
    if let Some(total) = sizes.get(3) {
        put(&mut bytes, 0x40, *total, 8);
    }
    bytes.extend_from_slice(pairs);
    bytes.resize(length, 0);
    bytes
}

/// An index entry with its key, and the block below it.
pub(super) fn entry(file: u64, key: &[u8], child: Option<u64>) -> Vec<u8> {
    let mut bytes = vec![0; (0x10 + key.len()).next_multiple_of(8)];
    bytes[0x10..0x10 + key.len()].copy_from_slice(key);
    bytes.extend(child.into_iter().flat_map(u64::to_le_bytes));
    let length = bytes.len() as u64;
    // The last one has no key.
    let flags = u64::from(child.is_some()) | u64::from(key.is_empty()) << 1;
    let fields = [(0, file, 8), (8, length, 2), (0xa, key.len() as u64, 2), (0xc, flags, 2)];
    for (at, number, length) in fields {
        put(&mut bytes, at, number, length);
    }
    bytes
}

/// An entry of a view index: its data behind its key of four bytes.
pub(super) fn view_entry(key: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; (0x14 + data.len()).next_multiple_of(8)];
    bytes[0x14..0x14 + data.len()].copy_from_slice(data);
    let length = bytes.len() as u64;
    let fields = [(0, 0x14, 2), (2, data.len() as u64, 2), (8, length, 2), (0xa, 4, 2)];
    for (at, number, length) in fields {
        put(&mut bytes, at, number, length);
    }
    put(&mut bytes, 0x10, key.into(), 4);
    bytes
}

/// The index header, whose entries begin `first` bytes behind it.
fn index_header(first: usize, used: usize, total: usize) -> Vec<u8> {
    let mut bytes = vec![0; 0x10];
    for (at, number) in [(0, first), (4, used), (8, total)] {
        put(&mut bytes, at, number as u64, 4);
    }
    bytes
}

/// The value of an index root; its first entry stands at byte 0x20 of it.
pub(super) fn root(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0; 0x10];
    for (at, number) in [(0, 0x30), (4, 1), (8, 4096), (12, 1)] {
        put(&mut bytes, at, number, 4);
    }
    let used = 0x10 + entries.concat().len();
    bytes.extend(index_header(0x10, used, used));
    bytes.extend(entries.concat());
    bytes
}

/// An index block; its first entry stands at byte 0x40 of it.
pub(super) fn index_block(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0; 0x18];
    bytes[..4].copy_from_slice(b"INDX");
    put(&mut bytes, 4, 0x28, 2);
    put(&mut bytes, 6, 9, 2);
    bytes.extend(index_header(0x28, 0x28 + entries.concat().len(), CLUSTER - 0x18));
    bytes.resize(0x40, 0);
    bytes.extend(entries.concat());
    bytes.resize(CLUSTER, 0);
    bytes
}
