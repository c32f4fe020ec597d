//! Operations on index blocks, with fixups undone.
//!
//! Source: as those on file records.

use crate::log::{
    Operation,
    file_record_redo::{check_entry, set_child, set_duplicated, set_entry_data},
    splice::{Misfit, insert, put, put_u32, remove, u16_at, u32_at},
};

/// The index header behind the block's own.
const HEADER: usize = 0x18;
/// In it, the bytes in use, counted from itself.
const USED: usize = HEADER + 4;

/// Applies an operation at byte `at` of a block.
pub(super) fn apply(
    block: &mut [u8],
    operation: Operation,
    at: usize,
    data: &[u8],
) -> Result<(), Misfit> {
    if operation == Operation::UpdateNonresidentValue {
        return put(block, at, data);
    }
    let total = u32_at(block, USED)?;
    let used = HEADER.checked_add(total).filter(|used| *used <= block.len());
    let used = used.ok_or("more bytes in use than it has")?;
    match operation {
        Operation::AddIndexEntryAllocation => {
            check_entry(data)?;
            insert(block, at, used, data)?;
            put_u32(block, USED, total + data.len())
        }
        Operation::DeleteIndexEntryAllocation => {
            let length = u16_at(block, at + 8)?;
            remove(block, at, used, length)?;
            put_u32(block, USED, total.checked_sub(length).ok_or("a length below zero")?)
        }
        Operation::WriteEndOfIndexBuffer => {
            put(block, at, data)?;
            let end = (at + data.len()).checked_sub(HEADER).ok_or("entries before the first")?;
            put_u32(block, USED, end)
        }
        Operation::SetIndexEntryVcnAllocation => set_child(block, at, data),
        Operation::UpdateFileNameAllocation => set_duplicated(block, at, data),
        Operation::UpdateRecordDataAllocation => set_entry_data(block, at, data),
        _ => Err("not an operation on index blocks"),
    }
}
