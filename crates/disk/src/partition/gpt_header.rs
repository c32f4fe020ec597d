//! One copy of a GPT, decoded and checked.

use crc::{CRC_32_ISO_HDLC, Crc};

use super::{Guid, Partition, PartitionKind};
use crate::device::{Device, DeviceError};

const HEADER_BYTES: usize = 92;
const ENTRY_BYTES: u64 = 128;
/// Entries are counted in a 32-bit field; real tables have 128.
const MAX_ENTRIES: u32 = 4096;
const MAX_ENTRY_BYTES: u32 = 4096;

static CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// A header whose own checksum is right.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) backup: u64,
    pub(super) disk_guid: Guid,
    entries_at: u64,
    entries: u32,
    entry_bytes: u32,
    entries_sum: u32,
}

impl Header {
    /// Reads the header at sector `lba`; `None` when there is no valid one.
    ///
    /// Source: UEFI Specification, "GUID Partition Table (GPT) Disk Layout".
    pub(super) fn read(
        device: &dyn Device,
        lba: u64,
        sector_size: u64,
    ) -> Result<Option<Self>, DeviceError> {
        let Some(offset) = lba.checked_mul(sector_size) else { return Ok(None) };
        if offset.checked_add(sector_size).is_none_or(|end| end > device.len()) {
            return Ok(None);
        }
        let mut bytes = vec![0; sector_size as usize];
        device.read_at(offset, &mut bytes)?;
        let length = u32_at(&bytes, 12) as usize;
        if !bytes.starts_with(b"EFI PART") || !(HEADER_BYTES..=bytes.len()).contains(&length) {
            return Ok(None);
        }
        let sum = u32_at(&bytes, 16);
        bytes[16..20].fill(0);
        if CRC.checksum(&bytes[..length]) != sum || u64_at(&bytes, 24) != lba {
            return Ok(None);
        }
        Ok(Some(Self {
            backup: u64_at(&bytes, 32),
            disk_guid: Guid(std::array::from_fn(|index| bytes[56 + index])),
            entries_at: u64_at(&bytes, 72),
            entries: u32_at(&bytes, 80),
            entry_bytes: u32_at(&bytes, 84),
            entries_sum: u32_at(&bytes, 88),
        }))
    }

    /// Reads the entries; `None` when they are not there or their checksum is wrong.
    pub(super) fn partitions(
        &self,
        device: &dyn Device,
        sector_size: u64,
    ) -> Result<Option<Vec<Partition>>, DeviceError> {
        let sized = (ENTRY_BYTES as u32..=MAX_ENTRY_BYTES).contains(&self.entry_bytes)
            && self.entry_bytes.is_multiple_of(8)
            && self.entries <= MAX_ENTRIES;
        let Some(offset) = self.entries_at.checked_mul(sector_size).filter(|_| sized) else {
            return Ok(None);
        };
        let length = u64::from(self.entries) * u64::from(self.entry_bytes);
        if offset.checked_add(length).is_none_or(|end| end > device.len()) {
            return Ok(None);
        }
        let mut bytes = vec![0; length as usize];
        device.read_at(offset, &mut bytes)?;
        if CRC.checksum(&bytes) != self.entries_sum {
            return Ok(None);
        }
        let entries = bytes.chunks_exact(self.entry_bytes as usize).enumerate();
        Ok(Some(entries.filter_map(|(index, entry)| decode(index, entry, sector_size)).collect()))
    }
}

/// True when the `gpt` crate can be let near what is at sector `lba`: it checks less than [`Header::read`], asserts the
/// size of an entry, and allocates whatever the header asks for.
pub(super) fn is_plain(
    device: &dyn Device,
    lba: u64,
    sector_size: u64,
) -> Result<bool, DeviceError> {
    let mut bytes = [0; HEADER_BYTES];
    let offset = lba.saturating_mul(sector_size);
    if offset.checked_add(sector_size).is_none_or(|end| end > device.len()) {
        return Ok(false);
    }
    device.read_at(offset, &mut bytes)?;
    let plain = u64::from(u32_at(&bytes, 84)) == ENTRY_BYTES && u32_at(&bytes, 80) <= MAX_ENTRIES;
    Ok(plain || !bytes.starts_with(b"EFI PART"))
}

/// Decodes an entry in use.
fn decode(index: usize, entry: &[u8], sector_size: u64) -> Option<Partition> {
    let guid = |at: usize| Guid(std::array::from_fn(|index| entry[at + index]));
    let type_guid = guid(0);
    if type_guid.0 == [0; 16] {
        return None;
    }
    let (first, last) = (u64_at(entry, 32), u64_at(entry, 40));
    let units = entry[56..128].chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let name: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    Some(Partition {
        number: index as u32 + 1,
        start: first.saturating_mul(sector_size),
        length: sectors(first, last).saturating_mul(sector_size),
        kind: PartitionKind::Gpt {
            type_guid,
            guid: guid(16),
            name: String::from_utf16_lossy(&name),
            attributes: u64_at(entry, 48),
        },
    })
}

/// Sectors from `first` to `last`, both included; 0 when `last` lies before `first`.
pub(super) fn sectors(first: u64, last: u64) -> u64 {
    last.checked_sub(first).map_or(0, |length| length.saturating_add(1))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}
