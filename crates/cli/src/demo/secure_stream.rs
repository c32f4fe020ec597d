//! `$Secure:$SDS` as Windows lays it out.
//!
//! The formatter makes the stream of security descriptors sparse, with a hole between its two copies. Windows fills
//! the stream from its start as descriptors come in, and never makes it sparse: here the hole gets clusters.

use fs_ntfs::attr_io::{AttrType, find_attribute};
use fs_ntfs::bitmap::{allocate_io, find_free_run_io, locate_bitmap_io};
use fs_ntfs::block_io::BlockIo;
use fs_ntfs::data_runs::{DataRun, decode_runs, encode_runs};
use fs_ntfs::error::Error;
use fs_ntfs::mft_io::{read_mft_record_io, update_mft_record_io};
use fs_ntfs::record_build::build_nonresident_attribute;

const SECURE: u64 = 9;
const SDS: &str = "$SDS";
/// Offset in a file record of the number of its bytes in use.
const BYTES_USED: usize = 0x18;
/// Offsets in a non-resident attribute: its id, where its runs are, and its lengths.
const ATTRIBUTE_ID: usize = 0x0e;
const RUNS_AT: usize = 0x20;
const DATA_LENGTH: usize = 0x30;
const INITIALIZED_LENGTH: usize = 0x38;

/// Gives the hole its clusters. They read as zeros: nothing was ever written there.
pub(super) fn fill(io: &mut dyn BlockIo, cluster: u32) -> Result<(), Error> {
    let (_, record) = read_mft_record_io(io, SECURE)?;
    let place = find_attribute(&record, AttrType::Data, Some(SDS))
        .ok_or_else(|| Error::io("$Secure has no $SDS"))?;
    let (start, end) = (place.attr_offset, place.attr_offset + place.attr_length);
    let old = record.get(start..end).ok_or_else(|| Error::io("$SDS passes its record"))?;
    let runs_at = usize::from(u16::from_le_bytes(bytes(old, RUNS_AT)?));
    let runs = decode_runs(old.get(runs_at..).unwrap_or_default())?;
    let bitmap = locate_bitmap_io(io)?;
    let mut filled = Vec::with_capacity(runs.len());
    for run in runs {
        let lcn = match run.lcn {
            Some(lcn) => lcn,
            None => {
                let lcn = find_free_run_io(io, &bitmap, run.length, 0)?
                    .ok_or_else(|| Error::io("no room for $SDS"))?;
                allocate_io(io, &bitmap, lcn, run.length)?;
                lcn
            }
        };
        filled.push(DataRun { lcn: Some(lcn), ..run });
    }
    let clusters: u64 = filled.iter().map(|run| run.length).sum();
    let new = build_nonresident_attribute(
        AttrType::Data as u32,
        Some(SDS),
        u16::from_le_bytes(bytes(old, ATTRIBUTE_ID)?),
        u64::from_le_bytes(bytes(old, DATA_LENGTH)?),
        clusters * u64::from(cluster),
        u64::from_le_bytes(bytes(old, INITIALIZED_LENGTH)?),
        clusters as i64 - 1,
        &encode_runs(&filled)?,
    )?;
    update_mft_record_io(io, SECURE, |record| replace(record, start, end, &new))
}

/// Puts an attribute in the place of another; those after it move up or down.
fn replace(record: &mut [u8], start: usize, end: usize, new: &[u8]) -> Result<(), Error> {
    let used = u32::from_le_bytes(bytes(record, BYTES_USED)?) as usize;
    let rest = record.get(end..used).ok_or_else(|| Error::io("$Secure is cut short"))?.to_vec();
    let new_used = start + new.len() + rest.len();
    if new_used > record.len() {
        return Err(Error::io("$Secure does not fit its record"));
    }
    record[start..start + new.len()].copy_from_slice(new);
    record[start + new.len()..new_used].copy_from_slice(&rest);
    // Nothing of the old record stays behind the new end, save the last bytes of sectors, which fixups own.
    if new_used < used {
        record[new_used..used].fill(0);
    }
    record[BYTES_USED..BYTES_USED + 4].copy_from_slice(&(new_used as u32).to_le_bytes());
    Ok(())
}

fn bytes<const N: usize>(from: &[u8], at: usize) -> Result<[u8; N], Error> {
    from.get(at..)
        .and_then(|rest| rest.first_chunk().copied())
        .ok_or_else(|| Error::io("$Secure is cut short"))
}
