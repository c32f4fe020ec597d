//! Reading device elements.

use super::{
    Device, DiskRef, FilePlace, HEAD, LocateBy, NESTING_MAX, OPTIONS, PartitionRef, Place,
};
use crate::bcd::value::first_text;

/// Decodes a device element; what is not understood is [`Place::Unknown`], and kept.
pub(in crate::bcd) fn decode(raw: &[u8]) -> Device {
    let options = raw.first_chunk::<16>().copied().filter(|options| *options != [0; 16]);
    let place = raw.get(OPTIONS..).and_then(|bytes| descriptor(bytes, NESTING_MAX));
    let place = place.map_or(Place::Unknown, |(place, _)| place);
    let mut device = Device { options, place, stored: None };
    if device.encode() != raw {
        device.stored = Some(raw.to_vec());
    }
    device
}

/// Reads the descriptor at the start of `bytes` and its size, looking through at most `nesting` devices.
fn descriptor(bytes: &[u8], nesting: usize) -> Option<(Place, usize)> {
    let nesting = nesting.checked_sub(1)?;
    let size = usize::try_from(word(bytes, 8)?).ok()?;
    let body = bytes.get(HEAD..size)?;
    let place = match word(bytes, 0)? {
        0 => local(body, nesting)?,
        2 => Place::LegacyPartition { number: word(body, 0)?, disk: disk(body.get(20..)?)? },
        3 => Place::Serial,
        4 => Place::Udp,
        5 => Place::Boot,
        6 => partition(body, nesting)?,
        7 => Place::VmBus,
        8 => locate(bytes.get(..size)?, nesting)?,
        _ => return None,
    };
    Some((place, size))
}

/// A local device: its type, then 20 bytes or the path of a file, by type.
fn local(body: &[u8], nesting: usize) -> Option<Place> {
    let after = || body.get(4..24)?.first_chunk::<20>().copied();
    Some(match word(body, 0)? {
        0 => Place::Disk(disk(body.get(4..)?)?),
        1 => Place::Floppy(word(body, 4)?),
        2 => Place::Cdrom(word(body, 4)?),
        3 => Place::Ramdisk { image: after()?, file: Box::new(file(body.get(24..)?, nesting)?) },
        5 => Place::File(Box::new(file(body.get(4..)?, nesting)?)),
        6 => Place::Vhd { disk: after()?, file: Box::new(descriptor(body.get(24..)?, nesting)?.0) },
        _ => return None,
    })
}

/// A file: version 1, size, type 5 (a path on a device), the device's descriptor, the path.
fn file(path: &[u8], nesting: usize) -> Option<FilePlace> {
    let size = usize::try_from(word(path, 4)?).ok()?;
    let path = path.get(..size)?;
    if word(path, 0)? != 1 || word(path, 8)? != 5 {
        return None;
    }
    let device = path.get(12..)?;
    let (place, size) = descriptor(device, nesting)?;
    Some(FilePlace { device: place, path: first_text(device.get(size..)?)? })
}

/// A partition: its identity, then the disk it is on: a local device of type 0, or 6 for a virtual disk.
fn partition(body: &[u8], nesting: usize) -> Option<Place> {
    let partition = match disk(body.get(20..)?)? {
        DiskRef::Gpt(disk) => PartitionRef::Gpt { disk, partition: *body.first_chunk()? },
        DiskRef::Mbr(signature) => {
            PartitionRef::Mbr { signature, offset: u64::from_le_bytes(*body.first_chunk::<8>()?) }
        }
        DiskRef::Raw(_) => return None,
    };
    match word(body, 16)? {
        0 => Some(Place::Partition(partition)),
        6 => {
            let file = Box::new(descriptor(body.get(40..)?, nesting)?.0);
            Some(Place::VirtualPartition { partition, file })
        }
        _ => None,
    }
}

/// The kind of a partition table, and the disk's identity by it.
fn disk(bytes: &[u8]) -> Option<DiskRef> {
    Some(match word(bytes, 0)? {
        0 => DiskRef::Gpt(*bytes.get(4..)?.first_chunk()?),
        1 => DiskRef::Mbr(word(bytes, 4)?),
        2 => DiskRef::Raw(word(bytes, 4)?),
        _ => return None,
    })
}

/// A device that is searched for: by an element or a path, in a device whose descriptor is at an offset from this one's start.
fn locate(descriptor_bytes: &[u8], nesting: usize) -> Option<Place> {
    let body = descriptor_bytes.get(HEAD..)?;
    let parent = match usize::try_from(word(body, 8)?).ok()? {
        0 => None,
        at => Some(Box::new(descriptor(descriptor_bytes.get(at..)?, nesting)?.0)),
    };
    let by = match word(body, 0)? {
        0 => LocateBy::Element(word(body, 4)?),
        1 => LocateBy::Path(first_text(body.get(12..)?)?),
        _ => return None,
    };
    Some(Place::Locate { by, parent })
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_le_bytes(*word))
}
