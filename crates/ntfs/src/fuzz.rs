//! Private parsers for the fuzz targets in `fuzz/`. Not a part of the interface: it changes without notice.
//!
//! Each function runs one parser over hostile bytes and says which promise of the parser is broken, if one is.

use crate::{
    attribute::{Attribute, Form, kind},
    attribute_list, fixup,
    log::{LogError, replay},
    lznt1,
    record::FileRecord,
    upcase::UpCase,
    wof,
};

/// A promise that was broken.
type Broken = &'static str;

fn promise(kept: bool, broken: Broken) -> Result<(), Broken> {
    if kept { Ok(()) } else { Err(broken) }
}

/// A file record as it lies on disk: fixups, attributes, and changes of them. Returns whether it was a record.
pub fn record(raw: &[u8]) -> Result<bool, Broken> {
    let mut bytes = raw.to_vec();
    if fixup::undo(&mut bytes, "file record", 0).is_err() {
        return Ok(false);
    }
    let Ok(record) = FileRecord::parse(0, bytes) else { return Ok(false) };
    on_disk(&record)?;
    let upcase = UpCase::from_bytes(&[]);
    for index in 0..record.slots().len() {
        let slot = record.slots()[index];
        let Ok(attribute) = record.attribute(slot) else { continue };
        attribute_again(&attribute)?;
        let mut changed = record.clone();
        match changed.replace(slot, &attribute) {
            Ok(()) => on_disk(&changed)?,
            Err(_) => promise(changed == record, "a replacement that fails changes the record")?,
        }
        let mut changed = record.clone();
        if changed.remove(slot).is_ok() {
            promise(
                changed.slots().len() + 1 == record.slots().len(),
                "not one attribute was removed",
            )?;
            on_disk(&changed)?;
            if let Ok(id) = changed.insert(&attribute, &upcase) {
                promise(changed.find(attribute.kind, id).is_some(), "an attribute got lost")?;
                on_disk(&changed)?;
            }
        }
    }
    let mut changed = record.clone();
    let longest = Attribute::resident(kind::DATA, &[], vec![0x55; record.room().min(0xff00)]);
    match changed.insert(&longest, &upcase) {
        Ok(_) => on_disk(&changed)?,
        Err(_) => promise(changed.slots() == record.slots(), "an insertion that fails changes")?,
    }
    Ok(true)
}

/// What goes to the disk reads back as it was.
fn on_disk(record: &FileRecord) -> Result<(), Broken> {
    let mut bytes = record.bytes().to_vec();
    fixup::apply(&mut bytes, "file record", 0).map_err(|_| "a record's fixups do not apply")?;
    fixup::undo(&mut bytes, "file record", 0).map_err(|_| "applied fixups do not undo")?;
    let again = FileRecord::parse(0, bytes).map_err(|_| "a written record does not parse")?;
    promise(again.slots() == record.slots(), "a written record has other attributes")?;
    for slot in record.slots() {
        promise(
            again.attribute(*slot).ok() == record.attribute(*slot).ok(),
            "fixups changed an attribute",
        )?;
    }
    Ok(())
}

/// An attribute encodes to what it was parsed from.
fn attribute_again(attribute: &Attribute) -> Result<(), Broken> {
    let raw = attribute.to_bytes();
    promise(raw.len() == attribute.length(), "an attribute has another length than it says")?;
    let mut again = Attribute::parse(&raw)?;
    if let (Form::NonResident { pairs: again, .. }, Form::NonResident { pairs, .. }) =
        (&mut again.form, &attribute.form)
    {
        // Mapping pairs reach to the end of the attribute, its padding included.
        again.truncate(pairs.len());
    }
    promise(again == *attribute, "an attribute changes as it is encoded")
}

/// The value of an attribute list. Returns the number of entries.
pub fn attribute_list(value: &[u8]) -> Result<usize, Broken> {
    let Ok(entries) = attribute_list::parse(value) else { return Ok(0) };
    let again = attribute_list::parse(&attribute_list::encode(&entries));
    promise(again.as_ref() == Ok(&entries), "an attribute list changes as it is encoded")?;
    Ok(entries.len())
}

/// A compression unit of LZNT1. Returns the unpacked bytes.
pub fn lznt1(data: &[u8], unit: usize) -> Result<Option<Vec<u8>>, Broken> {
    let unpacked = lznt1::decompress(data, unit).ok();
    promise(
        unpacked.as_ref().is_none_or(|bytes| bytes.len() == unit),
        "a compression unit has another length",
    )?;
    Ok(unpacked)
}

/// A chunk of a file that the overlay filter compressed, with Huffman codes over LZ77. Returns whether it unpacks.
pub fn xpress(chunk: &[u8], out: &mut [u8]) -> bool {
    wof::xpress_chunk(chunk, out)
}

/// As [`xpress`], for LZX.
pub fn lzx(chunk: &[u8], out: &mut [u8]) -> bool {
    wof::lzx_chunk(chunk, out)
}

/// A log, replayed over a volume of 64 MiB that is full of free file records. Returns whether there is a plan.
pub fn log(log: &[u8]) -> Result<bool, Broken> {
    let mut record = FileRecord::format(0, 1024, 1).bytes().to_vec();
    fixup::apply(&mut record, "file record", 0).map_err(|_| "a fresh record is none")?;
    let geometry = crate::boot_sector::Geometry {
        sector_size: 512,
        cluster_size: 4096,
        total_sectors: (64 << 20) / 512,
        mft: crate::run_list::Lcn(4),
        mft_mirror: crate::run_list::Lcn(2),
        record_size: 1024,
        index_block_size: 4096,
        serial: 1,
    };
    let plan = replay::plan(log, &geometry, &mut |_, buf: &mut [u8]| {
        for part in buf.chunks_mut(record.len()) {
            part.copy_from_slice(&record[..part.len()]);
        }
        Ok::<_, LogError>(())
    });
    let Ok(plan) = plan else { return Ok(false) };
    let inside = |(at, bytes): (&u64, &Vec<u8>)| {
        at.checked_add(bytes.len() as u64).is_some_and(|end| end <= 64 << 20)
    };
    promise(plan.writes.iter().all(inside), "a write past the volume")?;
    Ok(true)
}
