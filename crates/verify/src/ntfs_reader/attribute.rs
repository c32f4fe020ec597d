//! Where the attributes of a file are.

use std::cmp::Ordering;

use ntfs::structured_values::{NtfsAttributeList, NtfsStructuredValue};
use ntfs::{NtfsAttribute, NtfsAttributeType, NtfsFile, UpcaseOrd};

use super::{Cursor, Parts, record};
use crate::error::Trouble;

/// Entries in an attribute list: 256 KiB, its limit, by 26 bytes, the smallest entry, rounded up.
const LIST_ENTRIES_MAX: usize = 10_083;

/// One attribute, or one extent of an attribute that is split.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The file record it is in.
    pub(super) record: u64,
    /// Its number within that record.
    instance: u16,
    /// Cluster of the value where it begins.
    pub(super) lowest_vcn: i64,
}

/// Finds every extent of an attribute of a file, whose base record is `file`, in the order of the value; names are compared by `$UpCase`.
pub(super) fn locate(
    parts: &Parts,
    cursor: &mut Cursor,
    file: &NtfsFile<'_>,
    kind: NtfsAttributeType,
    name: &str,
) -> Result<Vec<Place>, Trouble> {
    let number = file.file_record_number();
    let mut list = None;
    let mut places = Vec::new();
    for attribute in file.attributes_raw() {
        let attribute = attribute?;
        // A kind that the crate does not know is none that is asked for.
        let Ok(found) = attribute.ty() else { continue };
        if found == NtfsAttributeType::AttributeList {
            list = Some(attribute);
        } else if found == kind
            && attribute.name()?.upcase_cmp(&parts.ntfs, &name) == Ordering::Equal
        {
            places.push(Place { record: number, instance: attribute.instance(), lowest_vcn: 0 });
        }
    }
    let Some(list) = list else { return Ok(places) };
    places.clear();
    let value = list.value(cursor)?;
    let mut entries = NtfsAttributeList::from_attribute_value(cursor, value)?.entries();
    for _ in 0..LIST_ENTRIES_MAX {
        let Some(entry) = entries.next(cursor) else {
            places.sort_by_key(|place| place.lowest_vcn);
            return Ok(places);
        };
        let entry = entry?;
        if entry.ty().is_ok_and(|found| found == kind)
            && entry.name().upcase_cmp(&parts.ntfs, &name) == Ordering::Equal
        {
            places.push(Place {
                record: entry.base_file_reference().file_record_number(),
                instance: entry.instance(),
                lowest_vcn: entry.lowest_vcn().value(),
            });
        }
    }
    Err(Trouble::Disagrees(format!("the attribute list of file record {number} does not end")))
}

/// The record that a place of `file` is in: its base record, or another one, which `other` then holds.
pub(super) fn holder<'n, 'f>(
    parts: &'n Parts,
    cursor: &mut Cursor,
    file: &'f NtfsFile<'n>,
    place: Place,
    other: &'f mut Option<NtfsFile<'n>>,
) -> Result<&'f NtfsFile<'n>, Trouble> {
    if place.record == file.file_record_number() {
        return Ok(file);
    }
    Ok(other.insert(record::open(parts, cursor, place.record)?))
}

/// The attribute at `place`, whose record is `file`.
pub(super) fn at<'n, 'f>(
    file: &'f NtfsFile<'n>,
    kind: NtfsAttributeType,
    place: Place,
) -> Result<NtfsAttribute<'n, 'f>, Trouble> {
    for attribute in file.attributes_raw() {
        let attribute = attribute?;
        if attribute.instance() == place.instance && attribute.ty().is_ok_and(|found| found == kind)
        {
            return Ok(attribute);
        }
    }
    Err(Trouble::Disagrees(format!(
        "file record {} has no attribute {:#x} with number {}, which an attribute list names",
        place.record, kind as u32, place.instance
    )))
}
