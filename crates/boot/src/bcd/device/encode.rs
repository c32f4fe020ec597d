//! Writing device elements as Windows does.

use super::{Device, DiskRef, FilePlace, HEAD, LocateBy, PartitionRef, Place};
use crate::bcd::value::terminated;

/// Bytes of a descriptor without anything nested in it: the largest of its kinds.
const PLAIN: usize = 0x48;

impl Device {
    /// The element's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        if let Some(stored) = &self.stored {
            return stored.clone();
        }
        let mut raw = self.options.unwrap_or_default().to_vec();
        raw.extend(descriptor(&self.place));
        raw
    }
}

fn descriptor(place: &Place) -> Vec<u8> {
    let plain = |kind| wrapped(kind, 0, vec![0; PLAIN - HEAD]);
    match place {
        Place::Boot => plain(5),
        Place::Serial => plain(3),
        Place::Udp => plain(4),
        Place::VmBus => plain(7),
        Place::Partition(partition) => {
            let mut body = partition_body(partition, 0);
            body.resize(PLAIN - HEAD, 0);
            wrapped(6, 0, body)
        }
        Place::VirtualPartition { partition, file } => {
            let mut body = partition_body(partition, 6);
            body.extend(descriptor(file));
            wrapped(6, 0, body)
        }
        Place::LegacyPartition { number, disk } => {
            let mut body = number.to_le_bytes().to_vec();
            body.resize(20, 0);
            body.extend(disk_bytes(disk));
            body.resize(PLAIN - HEAD, 0);
            wrapped(2, 0, body)
        }
        Place::Disk(disk) => padded_local(0, &disk_bytes(disk)),
        Place::Floppy(number) => padded_local(1, &number.to_le_bytes()),
        Place::Cdrom(number) => padded_local(2, &number.to_le_bytes()),
        Place::Ramdisk { image, file } => wrapped(0, 1, local(3, &[image, &path(file)])),
        Place::File(file) => wrapped(0, 0, local(5, &[&path(file)])),
        Place::Vhd { disk, file } => wrapped(0, 0, local(6, &[disk, &descriptor(file)])),
        Place::Locate { by, parent } => locate(by, parent.as_deref()),
        Place::Unknown => Vec::new(),
    }
}

/// A descriptor with its head.
fn wrapped(kind: u32, flags: u32, body: Vec<u8>) -> Vec<u8> {
    let mut bytes = words(&[kind, flags, length(HEAD + body.len()), 0]);
    bytes.extend(body);
    bytes
}

fn local(kind: u32, parts: &[&[u8]]) -> Vec<u8> {
    let mut body = words(&[kind]);
    parts.iter().for_each(|part| body.extend_from_slice(part));
    body
}

fn padded_local(kind: u32, part: &[u8]) -> Vec<u8> {
    let mut body = local(kind, &[part]);
    body.resize(PLAIN - HEAD, 0);
    wrapped(0, 0, body)
}

/// A partition's identity and the disk it is on, which is a local device of `disk_kind`.
fn partition_body(partition: &PartitionRef, disk_kind: u32) -> Vec<u8> {
    let (mut body, disk) = match partition {
        PartitionRef::Gpt { disk, partition } => (partition.to_vec(), DiskRef::Gpt(*disk)),
        PartitionRef::Mbr { signature, offset } => {
            (offset.to_le_bytes().to_vec(), DiskRef::Mbr(*signature))
        }
    };
    body.resize(16, 0);
    body.extend(words(&[disk_kind]));
    body.extend(disk_bytes(&disk));
    body
}

fn disk_bytes(disk: &DiskRef) -> Vec<u8> {
    let mut bytes = match disk {
        DiskRef::Gpt(guid) => [&words(&[0])[..], guid].concat(),
        DiskRef::Mbr(signature) => words(&[1, *signature]),
        DiskRef::Raw(number) => words(&[2, *number]),
    };
    bytes.resize(20, 0);
    bytes
}

fn path(file: &FilePlace) -> Vec<u8> {
    let device = descriptor(&file.device);
    let text = terminated(&file.path);
    let mut bytes = words(&[1, length(12 + device.len() + text.len()), 5]);
    bytes.extend(device);
    bytes.extend(text);
    bytes
}

fn locate(by: &LocateBy, parent: Option<&Place>) -> Vec<u8> {
    let (kind, element, text) = match by {
        LocateBy::Element(element) => (0, *element, ""),
        LocateBy::Path(path) => (1, 0, path.as_str()),
    };
    let text = terminated(text);
    let at = parent.map_or(0, |_| length(HEAD + 12 + text.len()));
    let mut body = words(&[kind, element, at]);
    body.extend(text);
    body.extend(parent.map(descriptor).unwrap_or_default());
    wrapped(8, 0, body)
}

/// Lengths come from decoded elements and paths of command lines, far below 4 GiB.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
