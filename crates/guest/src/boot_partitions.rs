//! The partitions of a disk as boot configuration names them, and their drive letters.

use std::collections::HashMap;

use winkiln_boot::bcd::{PartitionRef, Partitions};
use winkiln_disk::partition::{DiskId, Partition, PartitionKind, PartitionTable};

use crate::mounted_devices::{self, as_named, letter_of, named_by};
use crate::{Disk, GuestError, Registry};

/// How a device element names a partition; `None` for a disk without an identity.
#[must_use]
pub fn partition_ref(table: &PartitionTable, partition: &Partition) -> Option<PartitionRef> {
    match (table.disk_id, &partition.kind) {
        (DiskId::Mbr(signature), PartitionKind::Mbr { .. }) => {
            Some(PartitionRef::Mbr { signature, offset: partition.start })
        }
        (DiskId::Gpt(disk), PartitionKind::Gpt { guid, .. }) => {
            Some(PartitionRef::Gpt { disk: disk.0, partition: guid.0 })
        }
        _ => None,
    }
}

/// The number of the partition that a device element names, when it is on this disk.
#[must_use]
pub fn named_volume(table: &PartitionTable, named: PartitionRef) -> Option<u32> {
    let is_named = |partition: &&Partition| partition_ref(table, partition) == Some(named);
    table.partitions.iter().find(is_named).map(|partition| partition.number)
}

/// The partitions of the disk, with the drive letters that the guest's `MountedDevices` give them.
///
/// # Errors
/// When the SYSTEM hive cannot be read.
pub fn boot_partitions(disk: &mut Disk, registry: &mut Registry) -> Result<Partitions, GuestError> {
    let mut known = partitions_of(disk.table());
    let all: HashMap<PartitionRef, PartitionRef> =
        known.of_disk().map(|(_, partition)| (as_named(partition), partition)).collect();
    for value in mounted_devices::values(disk, registry)? {
        let Some(letter) = letter_of(&value.name) else { continue };
        if let Some(partition) = named_by(&value.data).and_then(|named| all.get(&named)) {
            known.add_letter(letter, *partition);
        }
    }
    Ok(known)
}

/// The partitions of a table, without letters.
#[must_use]
pub fn partitions_of(table: &PartitionTable) -> Partitions {
    let mut known = Partitions::default();
    for partition in &table.partitions {
        if let Some(named) = partition_ref(table, partition) {
            known.add(partition.number, named);
        }
    }
    known
}
