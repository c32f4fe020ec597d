//! Master boot records, read by `mbrman` behind a check of everything it takes for granted.
//!
//! `mbrman` adds unchecked numbers of the chain of extended boot records and divides by the starts of partitions, so
//! a table that could overflow or start at sector 0 never reaches it.

use super::reader::TableReader;
use super::{DiskId, Partition, PartitionError, PartitionKind, PartitionTable, TableKind};
use crate::device::Device;

const ENTRIES: usize = 446;
const ENTRY_BYTES: usize = 16;
const PROTECTIVE: u8 = 0xee;
const ACTIVE: u8 = 0x80;
/// More logical partitions than any system numbers.
const MAX_LOGICAL: usize = 256;

/// What the first sector of a disk is, as a master boot record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstSector {
    /// Says that the disk has a GPT; `hybrid` when it lists other partitions too.
    Protective { hybrid: bool },
    /// Lists partitions.
    Entries,
    /// Signed, with no partition.
    Empty,
    /// Not a master boot record.
    Nothing,
}

impl FirstSector {
    pub(super) fn decode(sector: &[u8; 512]) -> Self {
        if sector[510..] != [0x55, 0xaa] {
            return Self::Nothing;
        }
        let entries = entries(sector);
        if entries.iter().any(|entry| !matches!(entry.boot, 0 | ACTIVE)) {
            return Self::Nothing;
        }
        let used: Vec<_> = entries.iter().filter(|entry| entry.kind != 0).collect();
        if used.iter().any(|entry| entry.kind == PROTECTIVE) {
            return Self::Protective { hybrid: used.iter().any(|entry| entry.kind != PROTECTIVE) };
        }
        if used.is_empty() { Self::Empty } else { Self::Entries }
    }
}

/// True when every partition listed starts behind the first sector.
pub(super) fn starts_inside(sector: &[u8; 512]) -> bool {
    entries(sector).iter().all(|entry| entry.kind == 0 || (entry.start > 0 && entry.sectors > 0))
}

/// A table that lists nothing.
pub(super) fn without_partitions(sector: &[u8; 512]) -> PartitionTable {
    PartitionTable {
        kind: TableKind::Mbr,
        sector_size: 512,
        disk_id: DiskId::Mbr(signature(sector)),
        partitions: Vec::new(),
        warnings: Vec::new(),
    }
}

/// Reads the table and its logical partitions.
pub(super) fn read(
    device: &dyn Device,
    sector: &[u8; 512],
) -> Result<PartitionTable, PartitionError> {
    let mut table = without_partitions(sector);
    if !starts_inside(sector) {
        table.warnings.push(
            "a partition of the MBR starts at sector 0 or is empty; none is listed".to_owned(),
        );
        return Ok(table);
    }
    table.sector_size = sector_size(device, sector)?;
    let extended: Vec<_> = entries(sector).into_iter().filter(Entry::is_extended).collect();
    if extended.len() > 1 {
        table
            .warnings
            .push("the MBR has several extended partitions; only the first is read".to_owned());
    }
    if let Some(extended) = extended.first() {
        check_chain(device, extended, table.sector_size)?;
    }
    let mbr = mbrman::MBR::read_from(&mut TableReader::new(device), table.sector_size)
        .map_err(PartitionError::Mbr)?;
    let mut logical_number = 4;
    for (index, entry) in mbr.iter().filter(|(_, entry)| entry.is_used() && entry.sectors > 0) {
        let logical = index > 4;
        if entry.is_extended() {
            continue;
        }
        if logical {
            logical_number += 1;
        }
        table.partitions.push(Partition {
            number: if logical { logical_number } else { index as u32 },
            start: u64::from(entry.starting_lba) * u64::from(table.sector_size),
            length: u64::from(entry.sectors) * u64::from(table.sector_size),
            kind: PartitionKind::Mbr { type_id: entry.sys, active: entry.is_active(), logical },
        });
    }
    Ok(table)
}

/// An entry, with its numbers in sectors.
#[derive(Debug, Clone, Copy)]
struct Entry {
    boot: u8,
    kind: u8,
    start: u32,
    sectors: u32,
}

impl Entry {
    fn is_extended(&self) -> bool {
        matches!(self.kind, 0x05 | 0x0f | 0x85 | 0xc5 | 0xd5)
    }
}

fn entries(sector: &[u8; 512]) -> [Entry; 4] {
    std::array::from_fn(|index| {
        let entry = &sector[ENTRIES + index * ENTRY_BYTES..][..ENTRY_BYTES];
        let number = |at: usize| {
            u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]])
        };
        Entry { boot: entry[0], kind: entry[4], start: number(8), sectors: number(12) }
    })
}

fn signature(sector: &[u8; 512]) -> u32 {
    u32::from_le_bytes([sector[440], sector[441], sector[442], sector[443]])
}

/// The size of the sectors that the table counts, which it does not say: 4096 when only that leads to a boot sector.
fn sector_size(device: &dyn Device, sector: &[u8; 512]) -> Result<u32, PartitionError> {
    let signed_at = |offset: u64| -> Result<bool, PartitionError> {
        let mut sector = [0; 512];
        if offset.checked_add(512).is_none_or(|end| end > device.len()) {
            return Ok(false);
        }
        device.read_at(offset, &mut sector)?;
        Ok(sector[510..] == [0x55, 0xaa])
    };
    for entry in entries(sector).iter().filter(|entry| entry.kind != 0) {
        let start = u64::from(entry.start);
        if signed_at(start * 512)? {
            return Ok(512);
        }
        if signed_at(start * 4096)? {
            return Ok(4096);
        }
    }
    Ok(512)
}

/// Follows the chain of extended boot records, each of which must lie behind the one before it.
fn check_chain(
    device: &dyn Device,
    extended: &Entry,
    sector_size: u32,
) -> Result<(), PartitionError> {
    let base = extended.start;
    let mut relative: u32 = 0;
    for _ in 0..MAX_LOGICAL {
        let broken = |offset, fault| Err(PartitionError::LogicalChain { offset, fault });
        let offset = (u64::from(base) + u64::from(relative)) * u64::from(sector_size);
        if offset + 512 > device.len() {
            return broken(offset, "lies past the end of the disk");
        }
        let Some(here) = base.checked_add(relative) else {
            return broken(offset, "lies past the largest sector number");
        };
        let mut sector = [0; 512];
        device.read_at(offset, &mut sector)?;
        if sector[510..] != [0x55, 0xaa] {
            // An extended partition that holds nothing needs no record.
            return if relative == 0 { Ok(()) } else { broken(offset, "has no signature") };
        }
        let [partition, next, ..] = entries(&sector);
        if partition.kind != 0
            && (partition.start == 0 || here.checked_add(partition.start).is_none())
        {
            return broken(offset, "describes a partition at an impossible place");
        }
        if here.checked_add(partition.start).is_none() {
            return broken(offset, "holds a number that passes the largest sector");
        }
        if next.start == 0 {
            return Ok(());
        }
        if next.start <= relative {
            return broken(offset, "leads back to an earlier one");
        }
        relative = next.start;
    }
    let offset = (u64::from(base) + u64::from(relative)) * u64::from(sector_size);
    Err(PartitionError::LogicalChain { offset, fault: "is one too many" })
}
