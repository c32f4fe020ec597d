//! Boot entries: what the variables `Boot0000`, `Boot0001`... hold.
//!
//! ```text
//! 0x00  4  attributes: 1 active
//! 0x04  2  bytes of the device path
//! 0x06     description in UTF-16 with a NUL, device path, what the program is given
//! ```
//!
//! A device path is a row of nodes: type, subtype, length, then by type. Of a partition (4, 1): its number, first sector, sectors,
//! GUID or signature, kind of table, kind of signature; of a file (4, 4): its path; the end (7F, FF).
//!
//! Source: UEFI specification, "Load options", "Device path nodes".

use crate::bcd::{GuidBytes, PartitionRef, terminated};

const ACTIVE: u32 = 1;
const PARTITION: [u8; 2] = [4, 1];
const FILE: [u8; 2] = [4, 4];
const END: [u8; 4] = [0x7F, 0xFF, 4, 0];
/// Bytes of a partition's node.
const PARTITION_BYTES: u16 = 42;

/// The partition that a boot program is on, as firmware finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EfiPartition {
    /// Its number.
    pub number: u32,
    /// Its first sector.
    pub start: u64,
    /// Its sectors.
    pub sectors: u64,
    /// GUID of a GPT partition; signature of its disk for one of an MBR.
    pub named: PartitionRef,
}

/// A boot entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadOption {
    /// What a menu shows.
    pub description: String,
    /// It is tried in its turn.
    pub is_active: bool,
    /// Where the program is, when it is on a partition.
    pub partition: Option<EfiPartition>,
    /// Path of the program, when it is a file.
    pub path: Option<String>,
}

impl LoadOption {
    /// True for one that is tried and starts the same program of the same partition as `other`.
    #[must_use]
    pub fn leads_where(&self, other: &Self) -> bool {
        let path = |option: &Self| option.path.as_ref().map(|path| path.to_lowercase());
        let named = |option: &Self| {
            option.partition.map(|partition| match partition.named {
                // Of a disk's GUID firmware knows nothing.
                PartitionRef::Gpt { partition, .. } => {
                    PartitionRef::Gpt { disk: [0; 16], partition }
                }
                mbr => mbr,
            })
        };
        self.is_active && path(self) == path(other) && named(self) == named(other)
    }

    /// Reads what a variable holds; `None` for what is no boot entry.
    #[must_use]
    pub fn read(data: &[u8]) -> Option<Self> {
        let attributes = u32::from_le_bytes(*data.first_chunk()?);
        let length = usize::from(u16::from_le_bytes(*data.get(4..)?.first_chunk()?));
        let (description, rest) = text(data.get(6..)?)?;
        let mut nodes = rest.get(..length)?;
        let (mut partition, mut path) = (None, None);
        while let Some(kind) = nodes.first_chunk::<2>() {
            let length = usize::from(u16::from_le_bytes(*nodes.get(2..)?.first_chunk()?));
            if length < 4 {
                return None;
            }
            let body = nodes.get(4..length)?;
            match *kind {
                PARTITION => partition = partition.or(read_partition(body)),
                FILE => path = path.or(text(body).map(|(path, _)| path)),
                _ => {}
            }
            nodes = nodes.get(length..)?;
        }
        let is_active = attributes & ACTIVE != 0;
        Some(Self { description, is_active, partition, path })
    }

    /// The bytes of an entry for a file of a partition; `None` without both, or for texts that are too long.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let partition = self.partition.as_ref()?;
        let path = terminated(self.path.as_ref()?);
        let mut nodes = PARTITION.to_vec();
        nodes.extend(PARTITION_BYTES.to_le_bytes());
        nodes.extend(partition.number.to_le_bytes());
        nodes.extend(partition.start.to_le_bytes());
        nodes.extend(partition.sectors.to_le_bytes());
        match partition.named {
            PartitionRef::Gpt { partition, .. } => {
                nodes.extend(partition);
                nodes.extend([2, 2]);
            }
            PartitionRef::Mbr { signature, .. } => {
                nodes.extend(signature.to_le_bytes());
                nodes.extend([0; 12]);
                nodes.extend([1, 1]);
            }
        }
        nodes.extend(FILE);
        nodes.extend(u16::try_from(path.len().checked_add(4)?).ok()?.to_le_bytes());
        nodes.extend(path);
        nodes.extend(END);
        let attributes = if self.is_active { ACTIVE } else { 0 };
        let mut bytes = attributes.to_le_bytes().to_vec();
        bytes.extend(u16::try_from(nodes.len()).ok()?.to_le_bytes());
        bytes.extend(terminated(&self.description));
        bytes.extend(nodes);
        Some(bytes)
    }
}

/// What a variable holds, with another description; `None` for what is no boot entry.
pub(super) fn renamed(data: &[u8], description: &str) -> Option<Vec<u8>> {
    let (head, rest) = data.split_at_checked(6)?;
    let (_, behind) = text(rest)?;
    Some([head, &terminated(description), behind].concat())
}

fn read_partition(body: &[u8]) -> Option<EfiPartition> {
    let number = u32::from_le_bytes(*body.first_chunk()?);
    let long = |at: usize| Some(u64::from_le_bytes(*body.get(at..)?.first_chunk()?));
    let (start, sectors) = (long(4)?, long(12)?);
    let named: GuidBytes = *body.get(20..)?.first_chunk()?;
    let named = match body.get(37)? {
        2 => PartitionRef::Gpt { disk: [0; 16], partition: named },
        1 => PartitionRef::Mbr {
            signature: u32::from_le_bytes(*named.first_chunk()?),
            offset: start.checked_mul(512)?,
        },
        _ => return None,
    };
    Some(EfiPartition { number, start, sectors, named })
}

/// UTF-16 up to its NUL, and what is behind that.
fn text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .take_while(|unit| *unit != 0)
        .collect();
    let rest = bytes.get(units.len() * 2 + 2..)?;
    Some((String::from_utf16_lossy(&units), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_round_trip() {
        for named in [
            PartitionRef::Gpt { disk: [0; 16], partition: [9; 16] },
            PartitionRef::Mbr { signature: 0x5CA1_AB1E, offset: 2048 * 512 },
        ] {
            let option = LoadOption {
                description: "Windows Boot Manager".to_owned(),
                is_active: true,
                partition: Some(EfiPartition { number: 1, start: 2048, sectors: 1000, named }),
                path: Some(r"\EFI\Microsoft\Boot\bootmgfw.efi".to_owned()),
            };
            let bytes = option.encode().unwrap();
            assert_eq!(LoadOption::read(&bytes), Some(option));
            for end in 0..bytes.len() {
                // What is cut short is never taken for whole, and nothing panics.
                assert_eq!(LoadOption::read(&bytes[..end]), None, "{end}");
            }
            for at in 0..bytes.len() {
                let mut odd = bytes.clone();
                odd[at] ^= 0xFF;
                drop(LoadOption::read(&odd));
            }
        }
    }
}
