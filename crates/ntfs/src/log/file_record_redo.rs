//! Operations on file records, with fixups undone.
//!
//! Source: the documentation of `rust-fs-ntfs`, which compared them with Windows' own restart; linux-ntfs, "$LogFile".

use crate::{
    bytes,
    log::{
        Operation,
        splice::{Misfit, add_u32, insert, put, put_u32, remove, u16_at, u32_at},
    },
};

/// Fields of a record's header.
const SEQUENCE: usize = 0x10;
const FLAGS: usize = 0x16;
const USED: usize = 0x18;
const NEXT_ID: usize = 0x28;
const IN_USE: u16 = 0x0001;
/// Fields of an attribute.
const LENGTH: usize = 0x04;
const ID: usize = 0x0e;
const VALUE_LENGTH: usize = 0x10;
const VALUE_OFFSET: usize = 0x14;
const HIGHEST_VCN: usize = 0x18;
const PAIRS_OFFSET: usize = 0x20;
/// The index header in the value of `$INDEX_ROOT`, and in it the bytes in use and allocated.
const INDEX_HEADER: usize = 0x10;
/// The duplicated information in an index entry of a file name, and its length.
const DUPLICATED: usize = 0x18;
const DUPLICATED_LENGTH: usize = 0x38;

/// What is done to a record.
pub(super) struct Change<'a> {
    pub(super) operation: Operation,
    /// The attribute's place in the record.
    pub(super) attribute: usize,
    /// The place in the attribute.
    pub(super) offset: usize,
    pub(super) data: &'a [u8],
    /// Bytes that the data replaces.
    pub(super) replaced: usize,
}

/// Applies a change to a record.
pub(super) fn apply(record: &mut [u8], change: &Change<'_>) -> Result<(), Misfit> {
    let Change { operation, attribute, offset, data, replaced } = *change;
    let at = attribute + offset;
    let used = u32_at(record, USED)?;
    if used > record.len() && operation != Operation::InitializeFileRecordSegment {
        return Err("more bytes in use than it has");
    }
    match operation {
        // The header alone, when a deallocation is taken back: the attributes are still there.
        Operation::InitializeFileRecordSegment => put(record, 0, data),
        Operation::DeallocateFileRecordSegment => {
            let flags = u16_at(record, FLAGS)? as u16 & !IN_USE;
            put(record, FLAGS, &flags.to_le_bytes())?;
            // A reference to the file that was here matches no more; 0 is passed over.
            let sequence = (u16_at(record, SEQUENCE)? as u16).wrapping_add(1).max(1);
            put(record, SEQUENCE, &sequence.to_le_bytes())
        }
        Operation::WriteEndOfFileRecordSegment => {
            put(record, at, data)?;
            put_u32(record, USED, (at + data.len()).next_multiple_of(8))
        }
        Operation::CreateAttribute => {
            if u32_at(data, LENGTH)? != data.len() {
                return Err("an attribute of another length than it says");
            }
            insert(record, attribute, used, data)?;
            put_u32(record, USED, used + data.len())?;
            let id = u16_at(record, attribute + ID)?;
            if id >= u16_at(record, NEXT_ID)? {
                put(record, NEXT_ID, &(id as u16).wrapping_add(1).to_le_bytes())?;
            }
            Ok(())
        }
        Operation::DeleteAttribute => {
            let length = u32_at(record, attribute + LENGTH)?;
            take_out(record, attribute, used, length)?;
            put_u32(record, USED, used - length)
        }
        Operation::UpdateResidentValue => update_value(record, change, used, replaced),
        Operation::UpdateMappingPairs => {
            resize(record, attribute, used, (offset + data.len()).next_multiple_of(8))?;
            put(record, at, data)?;
            set_highest_vcn(record, attribute)
        }
        Operation::SetNewAttributeSizes => set_sizes(record, attribute, data),
        Operation::AddIndexEntryRoot => {
            check_entry(data)?;
            insert(record, at, used, data)?;
            grow_root(record, attribute, data.len() as isize)
        }
        Operation::DeleteIndexEntryRoot => {
            let length = u16_at(record, at + 8)?;
            take_out(record, at, used, length)?;
            grow_root(record, attribute, -(length as isize))
        }
        Operation::SetIndexEntryVcnRoot => set_child(record, at, data),
        Operation::UpdateFileNameRoot => set_duplicated(record, at, data),
        Operation::UpdateRecordDataRoot => set_entry_data(record, at, data),
        Operation::ZeroEndOfFileRecord => put(record, at, data),
        _ => Err("not an operation on file records"),
    }
}

/// Removes bytes and zeroes what that leaves behind.
fn take_out(record: &mut [u8], at: usize, used: usize, length: usize) -> Result<(), Misfit> {
    remove(record, at, used, length)?;
    record[used - length..used].fill(0);
    Ok(())
}

/// Gives an attribute another length; what follows it moves.
fn resize(record: &mut [u8], at: usize, used: usize, length: usize) -> Result<(), Misfit> {
    let old = u32_at(record, at + LENGTH)?;
    if at.checked_add(old.max(length)).is_none_or(|end| end > record.len()) {
        return Err("an attribute past its end");
    }
    if length > old {
        insert(record, at + old, used, &vec![0; length - old])?;
    } else {
        take_out(record, at + length, used, old - length)?;
    }
    put_u32(record, at + LENGTH, length)?;
    put_u32(record, USED, (used + length).checked_sub(old).ok_or("a length below zero")?)
}

/// Writes into a resident value. It grows with a write past its end, and ends with a write that replaces its end by fewer bytes.
fn update_value(
    record: &mut [u8],
    change: &Change<'_>,
    used: usize,
    replaced: usize,
) -> Result<(), Misfit> {
    let Change { attribute, offset, data, .. } = *change;
    let value = u16_at(record, attribute + VALUE_OFFSET)?;
    let value_end = value + u32_at(record, attribute + VALUE_LENGTH)?;
    let end = offset + data.len();
    let shrinks = end <= value_end && data.len() < replaced;
    if shrinks && offset + replaced != value_end {
        return Err("fewer bytes, but not at the end of the value");
    }
    if end > value_end || shrinks {
        let length = end.checked_sub(value).ok_or("a write before the value")?;
        resize(record, attribute, used, end.next_multiple_of(8))?;
        put_u32(record, attribute + VALUE_LENGTH, length)?;
    }
    put(record, attribute + offset, data)
}

/// Tells the highest VCN from the runs.
fn set_highest_vcn(record: &mut [u8], attribute: usize) -> Result<(), Misfit> {
    let end = attribute + u32_at(record, attribute + LENGTH)?;
    let pairs = attribute + u16_at(record, attribute + PAIRS_OFFSET)?;
    let pairs = record.get(pairs..end).ok_or("runs past its end")?;
    let mut clusters = 0u64;
    let mut at = 0;
    while let Some(head) = pairs.get(at).filter(|head| **head != 0) {
        let (length, place) = (usize::from(head & 15), usize::from(head >> 4));
        let number = pairs.get(at + 1..at + 1 + length).filter(|number| number.len() <= 8);
        let number = number.ok_or("runs past its end")?;
        let run = number.iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        clusters = clusters.checked_add(run).ok_or("more clusters than can be")?;
        at += 1 + length + place;
    }
    let lowest = bytes::u64_at(record, attribute + 0x10).ok_or("a field past its end")?;
    let highest = lowest.wrapping_add(clusters).wrapping_sub(1);
    put(record, attribute + HIGHEST_VCN, &highest.to_le_bytes())
}

/// Allocated, valid and real size, and the total allocated one of sparse and compressed attributes.
fn set_sizes(record: &mut [u8], attribute: usize, data: &[u8]) -> Result<(), Misfit> {
    let (pairs, length) = (u16_at(record, attribute + PAIRS_OFFSET)?, data.len());
    if !matches!(length, 24 | 32) || (length == 32 && pairs < 0x48) {
        return Err("sizes that the attribute does not have");
    }
    for (from, to) in [(0, 0x28), (8, 0x38), (16, 0x30), (24, 0x40)] {
        if let Some(size) = data.get(from..from + 8) {
            put(record, attribute + to, size)?;
        }
    }
    Ok(())
}

/// An index root, its value, its attribute and its record change their lengths together.
fn grow_root(record: &mut [u8], attribute: usize, by: isize) -> Result<(), Misfit> {
    let header = attribute + u16_at(record, attribute + VALUE_OFFSET)? + INDEX_HEADER;
    for at in [attribute + LENGTH, attribute + VALUE_LENGTH, header + 4, header + 8, USED] {
        add_u32(record, at, by)?;
    }
    Ok(())
}

/// An index entry that is added must be as long as it says.
pub(super) fn check_entry(entry: &[u8]) -> Result<(), Misfit> {
    if u16_at(entry, 8)? == entry.len() {
        Ok(())
    } else {
        Err("an index entry of another length than it says")
    }
}

/// Dates and sizes that an index entry repeats of a file.
pub(super) fn set_duplicated(block: &mut [u8], entry: usize, data: &[u8]) -> Result<(), Misfit> {
    if data.len() > DUPLICATED_LENGTH || u16_at(block, entry + 8)? < DUPLICATED + data.len() {
        return Err("more than an index entry repeats of a file");
    }
    put(block, entry + DUPLICATED, data)
}

/// The block below an index entry: its last eight bytes.
pub(super) fn set_child(block: &mut [u8], entry: usize, data: &[u8]) -> Result<(), Misfit> {
    let length = u16_at(block, entry + 8)?;
    if length < 0x18 || data.len() != 8 {
        return Err("an index entry without a block below it");
    }
    put(block, entry + length - 8, data)
}

/// The data of an entry of a view index: its place and length stand first in the entry.
pub(super) fn set_entry_data(block: &mut [u8], entry: usize, data: &[u8]) -> Result<(), Misfit> {
    let (at, length) = (u16_at(block, entry)?, u16_at(block, entry + 2)?);
    if data.len() > length || at + data.len() > u16_at(block, entry + 8)? {
        return Err("more data than the index entry has");
    }
    put(block, entry + at, data)
}
