//! A new, empty hive.

use crate::base_block::{BASE_BLOCK_SIZE, BaseBlock, PAGE};
use crate::bin::{BIN_HEADER, BinHeader};
use crate::cell::{CELL_HEADER, CELL_UNIT, CellOffset};
use crate::descriptor;
use crate::key_node::{self, KEY_NAME_MAX, KeyNode};
use crate::name::NewName;
use crate::security::SecurityCell;
use zerocopy::IntoBytes;
use zerocopy::little_endian::{U16, U32, U64};

/// The bytes of a hive of format 1.`minor` that has only a root key. The checksum is not yet there.
pub(crate) fn empty(root_name: &str, minor: u32, now: u64) -> Vec<u8> {
    let name: String =
        String::from_utf16_lossy(&root_name.encode_utf16().take(KEY_NAME_MAX).collect::<Vec<_>>());
    let name = NewName::new(&name);
    let root = BIN_HEADER;
    let root_size = cell_size(size_of::<KeyNode>() + name.bytes.len());
    let security = CellOffset(root + root_size);
    let descriptor = descriptor::for_new_hive();
    let security_size = cell_size(size_of::<SecurityCell>() + descriptor.len());

    let mut node = KeyNode::new(CellOffset::NONE, security, now);
    let mut flags = key_node::HIVE_ENTRY | key_node::NO_DELETE;
    if name.compressed {
        flags |= key_node::COMP_NAME;
    }
    node.flags.set(flags);
    node.name_length = U16::new(u16::try_from(name.bytes.len()).unwrap_or(u16::MAX));
    let cell = SecurityCell {
        signature: *b"sk",
        reserved: [0; 2],
        next: U32::new(security.0),
        previous: U32::new(security.0),
        references: U32::new(1),
        length: U32::new(u32::try_from(descriptor.len()).unwrap_or(u32::MAX)),
    };
    let base = BaseBlock {
        signature: *b"regf",
        primary_sequence: U32::new(1),
        secondary_sequence: U32::new(1),
        last_write: U64::new(now),
        major: U32::new(1),
        minor: U32::new(minor),
        file_type: U32::new(0),
        format: U32::new(1),
        root: U32::new(root),
        length: U32::new(PAGE),
        cluster: U32::new(1),
    };
    let bin = BinHeader {
        signature: *b"hbin",
        offset: U32::new(0),
        size: U32::new(PAGE),
        reserved: [0; 8],
        last_write: U64::new(now),
        spare: U32::new(0),
    };
    let free = PAGE - BIN_HEADER - root_size - security_size;

    let mut bytes = base.as_bytes().to_vec();
    bytes.resize(BASE_BLOCK_SIZE as usize, 0);
    bytes.extend(bin.as_bytes());
    for (size, parts) in [
        (root_size, [node.as_bytes(), &name.bytes]),
        (security_size, [cell.as_bytes(), &descriptor]),
    ] {
        let end = bytes.len() + size as usize;
        bytes.extend(size.wrapping_neg().to_le_bytes());
        bytes.extend(parts.concat());
        bytes.resize(end, 0);
    }
    bytes.extend(free.to_le_bytes());
    bytes.resize((BASE_BLOCK_SIZE + PAGE) as usize, 0);
    bytes
}

fn cell_size(payload: usize) -> u32 {
    let payload = u32::try_from(payload).unwrap_or(0);
    (payload + CELL_HEADER).next_multiple_of(CELL_UNIT)
}
