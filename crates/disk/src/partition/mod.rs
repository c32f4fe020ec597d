//! Partition tables: MBR with logical partitions, GPT from either header, and the bare volume.

mod bare;
mod gpt;
mod gpt_header;
mod guid;
mod mbr;
mod reader;

pub use guid::{Guid, ParseGuidError};

use crate::device::{Device, DeviceError};
use bare::BootSector;
use mbr::FirstSector;

/// The kind of a partition table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// Master boot record.
    Mbr,
    /// GUID partition table.
    Gpt,
    /// No table: the image is one bare volume, or holds nothing known.
    None,
}

/// What identifies a disk in boot configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskId {
    /// The MBR disk signature.
    Mbr(u32),
    /// The GPT disk GUID.
    Gpt(Guid),
    /// Neither.
    None,
}

/// What the table says of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartitionKind {
    /// An MBR entry.
    Mbr {
        /// Partition type byte, such as 7.
        type_id: u8,
        /// The boot indicator is 0x80.
        active: bool,
        /// Lives in the extended partition.
        logical: bool,
    },
    /// A GPT entry.
    Gpt {
        /// Partition type GUID.
        type_guid: Guid,
        /// Unique partition GUID.
        guid: Guid,
        /// Name.
        name: String,
        /// Attribute bits.
        attributes: u64,
    },
    /// The whole image as one volume.
    Bare,
}

/// One partition. Offsets count bytes from the start of the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Number as Linux and Windows count: MBR primaries 1 to 4, logical ones from 5; GPT entry index + 1; a bare volume is 1.
    pub number: u32,
    /// First byte.
    pub start: u64,
    /// Length in bytes.
    pub length: u64,
    /// The entry itself.
    pub kind: PartitionKind,
}

/// A disk's partition table, as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionTable {
    /// MBR, GPT or none.
    pub kind: TableKind,
    /// Bytes per logical sector: 512 or 4096.
    pub sector_size: u32,
    /// Disk signature or GUID.
    pub disk_id: DiskId,
    /// Partitions in the order of their start. The extended partition of an MBR, which is no volume, is left out.
    pub partitions: Vec<Partition>,
    /// What is wrong with the table but did not stop reading (backup GPT header used, a partition past the end of the disk...).
    pub warnings: Vec<String>,
}

/// Why a partition table could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PartitionError {
    /// The disk could not be read.
    #[error("cannot read the partition table")]
    Device(#[from] DeviceError),
    /// The MBR says that the disk has a GPT, but neither copy of it is whole.
    #[error("the disk has a protective MBR, but neither copy of its GPT is valid")]
    Gpt,
    /// The chain of extended boot records is broken.
    #[error("the extended boot record at offset {offset:#x} {fault}")]
    LogicalChain {
        /// Where the record is on the disk, in bytes.
        offset: u64,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The reader of MBR tables did not accept the table.
    #[error("cannot decode the master boot record")]
    Mbr(#[source] mbrman::Error),
}

/// Reads the partition table of a disk.
///
/// A partition that passes the end of the disk is listed with its true numbers and a warning; opening a window on it fails.
///
/// # Errors
/// See [`PartitionError`].
pub fn read_table(device: &dyn Device) -> Result<PartitionTable, PartitionError> {
    let mut sector = [0; 512];
    if device.len() < sector.len() as u64 {
        return Ok(unpartitioned(device, false));
    }
    device.read_at(0, &mut sector)?;
    let boot_sector = bare::identify(&sector);
    if boot_sector == BootSector::Certain {
        return Ok(unpartitioned(device, true));
    }
    let first = FirstSector::decode(&sector);
    let mut table = match first {
        FirstSector::Protective { hybrid } => {
            let mut table = gpt::read(device)?.ok_or(PartitionError::Gpt)?;
            if hybrid {
                table
                    .warnings
                    .push("the MBR lists partitions beside the GPT; the GPT counts".to_owned());
            }
            table
        }
        FirstSector::Entries
            if boot_sector != BootSector::Likely || mbr::starts_inside(&sector) =>
        {
            mbr::read(device, &sector)?
        }
        _ if boot_sector == BootSector::Likely => unpartitioned(device, true),
        FirstSector::Entries | FirstSector::Empty => mbr::without_partitions(&sector),
        FirstSector::Nothing => match gpt::read(device)? {
            Some(mut table) => {
                table.warnings.push("the protective MBR of the GPT is missing".to_owned());
                table
            }
            None => unpartitioned(device, false),
        },
    };
    table.partitions.sort_by_key(|partition| (partition.start, partition.number));
    warn_of_places(&mut table, device.len());
    Ok(table)
}

/// A disk without a table: one volume, or nothing.
fn unpartitioned(device: &dyn Device, volume: bool) -> PartitionTable {
    let bare =
        || Partition { number: 1, start: 0, length: device.len(), kind: PartitionKind::Bare };
    PartitionTable {
        kind: TableKind::None,
        sector_size: 512,
        disk_id: DiskId::None,
        partitions: volume.then(bare).into_iter().collect(),
        warnings: Vec::new(),
    }
}

/// Warns of partitions that pass the end of the disk or lie on each other. They are in the order of their start.
fn warn_of_places(table: &mut PartitionTable, size: u64) {
    let mut furthest: Option<&Partition> = None;
    for partition in &table.partitions {
        let end = partition.start.saturating_add(partition.length);
        if end > size {
            table.warnings.push(format!(
                "partition {} ends at byte {end}, past the end of the disk at {size}",
                partition.number
            ));
        }
        if let Some(before) = furthest {
            let before_end = before.start.saturating_add(before.length);
            if before_end > partition.start {
                table
                    .warnings
                    .push(format!("partitions {} and {} overlap", before.number, partition.number));
            }
            if before_end >= end {
                continue;
            }
        }
        furthest = Some(partition);
    }
}
