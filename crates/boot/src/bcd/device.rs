//! Device elements: where a boot program or a Windows lies.
//!
//! ```text
//! 0x00  16  GUID of the object with the device's options; zero when there are none
//! 0x10   4  device type: 0 local, 2 legacy partition, 3 serial, 4 UDP, 5 boot, 6 partition, 7 VMBus, 8 locate
//! 0x14   4  flags
//! 0x18   4  size of the descriptor from 0x10 on
//! 0x1c   4  zero
//! 0x20      by type
//! ```
//!
//! Source: observed on stores of Windows 7 to 11; ReactOS `boot/environ`, `BL_DEVICE_DESCRIPTOR`.

use super::value::{ElementValue, first_text};

/// The partition that a device element names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionRef {
    /// MBR.
    Mbr {
        /// Disk signature.
        signature: u32,
        /// Bytes from the start of the disk.
        offset: u64,
    },
    /// GPT; on-disk byte order.
    Gpt {
        /// Disk GUID.
        disk: [u8; 16],
        /// Partition GUID.
        partition: [u8; 16],
    },
}

/// Bytes of the options GUID before a descriptor.
const OPTIONS: usize = 16;
/// Bytes of a descriptor's type, flags, size and padding.
const HEAD: usize = 16;
/// Bytes of a boot or partition descriptor, its head included.
const PARTITION_DESCRIPTOR: u32 = 0x48;
/// Devices nested in each other that are looked through: a ramdisk on a VHD on a partition is 3.
const NESTING_MAX: usize = 4;

/// Encodes the device `boot`: the one the boot program was loaded from.
pub(super) fn boot_device() -> ElementValue {
    let mut raw = vec![0; OPTIONS];
    raw.extend(head(5));
    raw.resize(OPTIONS + PARTITION_DESCRIPTOR as usize, 0);
    decode(&raw)
}

/// Encodes a partition as a device element.
#[must_use]
pub fn partition_device(partition: &PartitionRef) -> ElementValue {
    let mut raw = vec![0; OPTIONS];
    raw.extend(head(6));
    match partition {
        PartitionRef::Gpt { disk, partition } => {
            raw.extend(partition);
            raw.extend([0; 8]);
            raw.extend(disk);
        }
        PartitionRef::Mbr { signature, offset } => {
            raw.extend(offset.to_le_bytes());
            raw.extend([0; 12]);
            raw.extend(1_u32.to_le_bytes());
            raw.extend(signature.to_le_bytes());
            raw.extend([0; 12]);
        }
    }
    raw.extend([0; 16]);
    decode(&raw)
}

fn head(kind: u32) -> Vec<u8> {
    [kind, 0, PARTITION_DESCRIPTOR, 0].iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Decodes a device element; what is not understood has the text `unknown`.
pub(super) fn decode(raw: &[u8]) -> ElementValue {
    let shown = raw.get(OPTIONS..).and_then(|descriptor| describe(descriptor, NESTING_MAX));
    let Some(Description { mut text, partition }) = shown else {
        return ElementValue::Device {
            text: "unknown".to_owned(),
            partition: None,
            raw: raw.to_vec(),
        };
    };
    if let Some(options) = raw.first_chunk::<16>().filter(|options| **options != [0; 16]) {
        text = format!("{text},{}", guid_text(options));
    }
    ElementValue::Device { text, partition, raw: raw.to_vec() }
}

struct Description {
    text: String,
    partition: Option<PartitionRef>,
}

/// Describes the descriptor at the start of `bytes`, looking through at most `nesting` devices.
fn describe(bytes: &[u8], nesting: usize) -> Option<Description> {
    let size = usize::try_from(word(bytes, 8)?).ok()?;
    let body = bytes.get(HEAD..size)?;
    let plain = |text: &str| Some(Description { text: text.to_owned(), partition: None });
    match word(bytes, 0)? {
        0 => local(body, nesting.checked_sub(1)?),
        3 => plain("serial"),
        4 => plain("udp"),
        5 => plain("boot"),
        2 | 6 => {
            let partition = partition(body)?;
            Some(Description { text: partition_text(&partition), partition: Some(partition) })
        }
        7 => plain("vmbus"),
        8 => locate(body),
        _ => None,
    }
}

/// A local device: type, 20 bytes by type, and for files and what is made of files the path they come from.
fn local(body: &[u8], nesting: usize) -> Option<Description> {
    let name = match word(body, 0)? {
        0 => return Some(Description { text: "harddisk".to_owned(), partition: None }),
        1 => return Some(Description { text: "floppy".to_owned(), partition: None }),
        2 => return Some(Description { text: "cdrom".to_owned(), partition: None }),
        3 => "ramdisk",
        5 => "file",
        6 => "vhd",
        _ => return None,
    };
    // A path: version 1, its size, type 5 (a path on a device), the device, the text.
    let path = body.get(24..)?;
    let size = usize::try_from(word(path, 4)?).ok()?;
    let path = path.get(..size)?;
    if word(path, 0)? != 1 || word(path, 8)? != 5 {
        return None;
    }
    let device = path.get(12..)?;
    let device_size = usize::try_from(word(device, 8)?).ok()?;
    let below = describe(device, nesting)?;
    let file = first_text(device.get(device_size..)?)?;
    let parent = below.text.strip_prefix("partition=").unwrap_or(&below.text).to_owned();
    // The file's partition is not the device's: a ramdisk is no partition.
    Some(Description { text: format!("{name}=[{parent}]{file}"), partition: None })
}

/// A device that is searched for: by a path, or by what an element of the same object names.
fn locate(body: &[u8]) -> Option<Description> {
    let text = match word(body, 0)? {
        0 => format!("locate=custom:{:08x}", word(body, 4)?),
        1 => format!("locate={}", first_text(body.get(12..)?)?),
        _ => return None,
    };
    Some(Description { text, partition: None })
}

fn partition(body: &[u8]) -> Option<PartitionRef> {
    let at = |offset: usize| body.get(offset..)?.first_chunk::<16>().copied();
    match word(body, 20)? {
        0 => Some(PartitionRef::Gpt { partition: at(0)?, disk: at(24)? }),
        1 => Some(PartitionRef::Mbr {
            signature: word(body, 24)?,
            offset: u64::from_le_bytes(*body.first_chunk::<8>()?),
        }),
        _ => None,
    }
}

/// `bcdedit` shows a drive letter or a device of the running system; here the partition's own identity stands.
fn partition_text(partition: &PartitionRef) -> String {
    match partition {
        PartitionRef::Gpt { partition, .. } => format!("partition={}", guid_text(partition)),
        PartitionRef::Mbr { signature, offset } => {
            format!("partition=mbr:{signature:08x}:{offset:#x}")
        }
    }
}

/// `{guid}` in lower case from its bytes on disk.
fn guid_text(bytes: &[u8; 16]) -> String {
    let [a0, a1, a2, a3, b0, b1, c0, c1, d @ ..] = bytes;
    let tail: String = d[2..].iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{{{:08x}-{:04x}-{:04x}-{:02x}{:02x}-{tail}}}",
        u32::from_le_bytes([*a0, *a1, *a2, *a3]),
        u16::from_le_bytes([*b0, *b1]),
        u16::from_le_bytes([*c0, *c1]),
        d[0],
        d[1],
    )
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_le_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_round_trip() {
        for partition in [
            PartitionRef::Mbr { signature: 0xC97A, offset: 0x10_0000 },
            PartitionRef::Gpt { disk: [7; 16], partition: [9; 16] },
        ] {
            let ElementValue::Device { partition: found, raw, .. } = partition_device(&partition)
            else {
                panic!("not a device");
            };
            assert_eq!(found, Some(partition));
            assert_eq!(raw.len(), 88);
        }
        let ElementValue::Device { text, raw, .. } = boot_device() else { panic!("not a device") };
        assert_eq!((text.as_str(), raw.len()), ("boot", 88));
    }

    /// A descriptor that holds itself, or lies about its size, ends.
    #[test]
    fn hostile_descriptors_are_unknown() {
        let mut nested = vec![0; 64];
        for _ in 0..64 {
            let inner = nested.split_off(16);
            let size = u32::try_from(inner.len() + 52).unwrap();
            nested = vec![0; 16];
            for word in [0, 0, size, 0, 3, 0, 0, 0, 0, 0, 1, size - 40, 5] {
                nested.extend(u32::to_le_bytes(word));
            }
            nested.extend(inner);
        }
        for raw in [&nested[..], &[0xFF; 88], &[0; 16], &[]] {
            let ElementValue::Device { text, .. } = decode(raw) else { panic!("not a device") };
            assert_eq!(text, "unknown");
        }
    }
}
