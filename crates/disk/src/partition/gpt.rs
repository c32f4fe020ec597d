//! GUID partition tables, read by the `gpt` crate where it can, and from the copy that is whole where it cannot.
//!
//! The crate takes the backup header only when the primary *header* is damaged, and looks for it only in the last
//! sector. A damaged primary entry array, and a disk that was made longer, are read here.

use gpt::GptConfig;
use gpt::disk::LogicalBlockSize;

use super::gpt_header::{Header, is_plain, sectors};
use super::reader::TableReader;
use super::{DiskId, Guid, Partition, PartitionKind, PartitionTable, TableKind};
use crate::device::{Device, DeviceError};

/// Reads the GPT of a disk with sectors of 512 or 4096 bytes; `None` when neither copy is valid.
pub(super) fn read(device: &dyn Device) -> Result<Option<PartitionTable>, DeviceError> {
    for sector_size in [LogicalBlockSize::Lb512, LogicalBlockSize::Lb4096] {
        if let Some(table) = read_sized(device, sector_size)? {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

fn read_sized(
    device: &dyn Device,
    block: LogicalBlockSize,
) -> Result<Option<PartitionTable>, DeviceError> {
    let size = block.as_u64();
    let Some(last) = (device.len() / size).checked_sub(1) else { return Ok(None) };
    let primary = Header::read(device, 1, size)?;
    // Where the primary says its backup is; a disk made longer has it before the last sector.
    let backup_at = primary.as_ref().map_or(last, |primary| primary.backup);
    let mut backup = Header::read(device, backup_at, size)?;
    if backup.is_none() && backup_at != last {
        backup = Header::read(device, last, size)?;
    }

    let mut warnings = Vec::new();
    if primary.is_none() && backup.is_some() {
        warnings.push("the primary GPT header is damaged; the backup is used".to_owned());
    }
    if backup.is_none() && primary.is_some() {
        warnings.push("the backup GPT header is missing or damaged".to_owned());
    }
    let plain = is_plain(device, 1, size)? && is_plain(device, last, size)?;
    let found = [primary.is_some(), backup.is_some()];
    if plain
        && found.contains(&true)
        && let Some(table) = read_by_crate(device, block, found[0], warnings.clone())
    {
        return Ok(Some(table));
    }
    for (header, is_primary) in [(primary, true), (backup, false)] {
        let Some(header) = header else { continue };
        let Some(partitions) = header.partitions(device, size)? else {
            if is_primary {
                warnings.push("the primary GPT entries are damaged; the backup is used".to_owned());
            }
            continue;
        };
        let disk_id = DiskId::Gpt(header.disk_guid);
        return Ok(Some(PartitionTable {
            kind: TableKind::Gpt,
            sector_size: size as u32,
            disk_id,
            partitions,
            warnings,
        }));
    }
    Ok(None)
}

/// What the crate reads; `None` when it does not accept the table, or takes a header for the primary that is none.
fn read_by_crate(
    device: &dyn Device,
    block: LogicalBlockSize,
    has_primary: bool,
    warnings: Vec<String>,
) -> Option<PartitionTable> {
    let config = GptConfig::new().writable(false).logical_block_size(block);
    let disk = config.open_from_device(TableReader::new(device)).ok()?;
    if disk.primary_header().is_ok() != has_primary {
        return None;
    }
    let size = block.as_u64();
    let used = disk.partitions().iter().filter(|(_, partition)| partition.is_used());
    let partitions = used.map(|(number, partition)| Partition {
        number: *number,
        start: partition.first_lba.saturating_mul(size),
        length: sectors(partition.first_lba, partition.last_lba).saturating_mul(size),
        kind: PartitionKind::Gpt {
            type_guid: Guid(partition.part_type_guid.guid.to_bytes_le()),
            guid: Guid(partition.part_guid.to_bytes_le()),
            name: partition.name.clone(),
            attributes: partition.flags,
        },
    });
    Some(PartitionTable {
        kind: TableKind::Gpt,
        sector_size: size as u32,
        disk_id: DiskId::Gpt(Guid(disk.guid().to_bytes_le())),
        partitions: partitions.collect(),
        warnings,
    })
}
