//! Folder indexes: `$INDEX_ROOT` and `$INDEX_ALLOCATION` named `$I30`.

use std::cmp::Ordering;
use std::io::SeekFrom;

use ntfs::indexes::NtfsFileNameIndex;
use ntfs::structured_values::{NtfsIndexAllocation, NtfsIndexRoot, NtfsStructuredValue};
use ntfs::types::Vcn;
use ntfs::{
    NtfsAttributeType, NtfsFile, NtfsFileReference, NtfsIndexNodeEntries, NtfsReadSeek, UpcaseOrd,
};

use super::{Cursor, Parts, attribute};
use crate::error::Trouble;

/// Name of a folder's index.
const INDEX: &str = "$I30";
/// Levels of an index: a block of 4 KiB holds at least 7 of the longest names, and 7^16 is above 2^44 files.
const DEPTH_MAX: usize = 16;
/// Bytes of an index block; real ones have 4 KiB.
const BLOCK_MAX: u32 = 1 << 16;
/// Entries in one block: 64 KiB by 16 bytes, the smallest entry.
const ENTRIES_MAX: usize = 4096;

/// Where the search for a name goes on.
enum Step {
    Found(NtfsFileReference),
    Absent,
    Below(Vcn),
}

/// Looks `name` up in the index of `folder`, from the root of the tree downwards. In a `sensitive` folder it is exact.
pub(super) fn lookup(
    parts: &Parts,
    cursor: &mut Cursor,
    folder: &NtfsFile<'_>,
    name: &str,
    sensitive: bool,
) -> Result<Option<NtfsFileReference>, Trouble> {
    let number = folder.file_record_number();
    let place = only(parts, cursor, folder, NtfsAttributeType::IndexRoot)?;
    let mut other = None;
    let file = attribute::holder(parts, cursor, folder, place, &mut other)?;
    let root = attribute::at(file, NtfsAttributeType::IndexRoot, place)?
        .resident_structured_value::<NtfsIndexRoot>()?;
    let block_size = root.index_record_size();
    if block_size == 0 || block_size > BLOCK_MAX {
        return Err(Trouble::Disagrees(format!(
            "folder {number} has index blocks of {block_size} bytes"
        )));
    }
    let vcn = match scan(parts, root.entries()?, name, sensitive)? {
        Step::Found(reference) => return Ok(Some(reference)),
        Step::Absent => return Ok(None),
        Step::Below(vcn) => vcn,
    };

    let place = only(parts, cursor, folder, NtfsAttributeType::IndexAllocation)?;
    let mut other = None;
    let file = attribute::holder(parts, cursor, folder, place, &mut other)?;
    let allocation = attribute::at(file, NtfsAttributeType::IndexAllocation, place)?;
    let value = allocation.value(cursor)?;
    // Source: linux-ntfs documentation, "Index Record": blocks smaller than a cluster are counted in 512 bytes.
    let cluster = parts.ntfs.cluster_size();
    let unit = if cluster > block_size { 512 } else { u64::from(cluster) };
    let mut vcn = vcn;
    for _ in 0..DEPTH_MAX {
        let outside = || Trouble::Disagrees(format!("folder {number} has no index block {vcn}"));
        let offset = u64::try_from(vcn.value()).ok().and_then(|vcn| vcn.checked_mul(unit));
        let offset = offset.filter(|offset| *offset < value.len()).ok_or_else(outside)?;
        let mut here = value.clone();
        here.seek(cursor, SeekFrom::Start(offset))?;
        let block = NtfsIndexAllocation::from_attribute_value(cursor, here)?
            .records(block_size)
            .next(cursor)
            .ok_or_else(outside)??;
        if block.vcn() != vcn {
            return Err(Trouble::Disagrees(format!(
                "index block {vcn} of folder {number} says it is block {}",
                block.vcn()
            )));
        }
        match scan(parts, block.entries()?, name, sensitive)? {
            Step::Found(reference) => return Ok(Some(reference)),
            Step::Absent => return Ok(None),
            Step::Below(below) => vcn = below,
        }
    }
    Err(Trouble::Disagrees(format!(
        "the index of folder {number} is deeper than {DEPTH_MAX} levels"
    )))
}

/// The one extent of an attribute of the index.
fn only(
    parts: &Parts,
    cursor: &mut Cursor,
    folder: &NtfsFile<'_>,
    kind: NtfsAttributeType,
) -> Result<attribute::Place, Trouble> {
    let number = folder.file_record_number();
    let places = attribute::locate(parts, cursor, folder, kind, INDEX)?;
    match places.as_slice() {
        [place] => Ok(*place),
        [] => {
            Err(Trouble::Disagrees(format!("folder {number} has no attribute {:#x}", kind as u32)))
        }
        _ => Err(Trouble::Unasked(format!(
            "the index of folder {number} is split over an attribute list"
        ))),
    }
}

/// Looks for `name` among the sorted entries of one node.
fn scan(
    parts: &Parts,
    entries: NtfsIndexNodeEntries<'_, NtfsFileNameIndex>,
    name: &str,
    sensitive: bool,
) -> Result<Step, Trouble> {
    for entry in entries.take(ENTRIES_MAX) {
        let entry = entry?;
        if let Some(key) = entry.key() {
            let key = key?;
            let there = key.name();
            // Names that differ in case alone are sorted by their units.
            let exact = || name.encode_utf16().cmp(there.u16_iter());
            let order = name.upcase_cmp(&parts.ntfs, &there);
            match if sensitive { order.then_with(exact) } else { order } {
                Ordering::Equal => return Ok(Step::Found(entry.file_reference())),
                Ordering::Greater => continue,
                Ordering::Less => {}
            }
        }
        return Ok(match entry.subnode_vcn() {
            Some(vcn) => Step::Below(vcn?),
            None => Step::Absent,
        });
    }
    Err(Trouble::Disagrees("an index node without a last entry".into()))
}
