//! The partitions of a disk as boot configuration names them, and their drive letters.
//!
//! Source: values of `HKLM\SYSTEM\MountedDevices` in hives of Windows XP to 11: 12 bytes of disk signature and byte offset, or
//! `DMIO:ID:` and the GUID of a GPT partition.

use winkiln_boot::bcd::{PartitionRef, Partitions};
use winkiln_disk::partition::{DiskId, Partition, PartitionKind, PartitionTable};

use crate::{Disk, GuestError, HiveName, Registry};

/// Head of a GPT partition's value.
const GPT_VALUE: &[u8] = b"DMIO:ID:";

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
    let hive = registry.hive(disk, &HiveName::System)?;
    let failed = |source| GuestError::Hive { path: "MountedDevices".to_owned(), source };
    let values = match hive.find(hive.root(), "MountedDevices").map_err(failed)? {
        Some(key) => hive.values(key).map_err(failed)?,
        None => Vec::new(),
    };
    let all: Vec<PartitionRef> = known.of_disk().map(|(_, partition)| partition).collect();
    for value in values {
        let Some(letter) = letter_of(&value.name) else { continue };
        let named = all.iter().find(|partition| is_meant(partition, &value.data));
        if let Some(partition) = named {
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

/// The letter of `\DosDevices\C:`.
fn letter_of(name: &str) -> Option<char> {
    let head = name.get(..12).filter(|head| head.eq_ignore_ascii_case(r"\DosDevices\"))?;
    match name.get(head.len()..)?.as_bytes() {
        [letter, b':'] if letter.is_ascii_alphabetic() => Some(char::from(*letter)),
        _ => None,
    }
}

fn is_meant(partition: &PartitionRef, value: &[u8]) -> bool {
    match partition {
        PartitionRef::Mbr { signature, offset } => {
            value == [&signature.to_le_bytes()[..], &offset.to_le_bytes()].concat()
        }
        PartitionRef::Gpt { partition, .. } => value.strip_prefix(GPT_VALUE) == Some(partition),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_belong_to_partitions() {
        assert_eq!(letter_of(r"\DosDevices\C:"), Some('C'));
        assert_eq!(letter_of(r"\dosdevices\d:"), Some('d'));
        for other in [r"\??\Volume{1}", r"\DosDevices\CC:", r"\DosDevices\", "", r"\DosDevices\1:"]
        {
            assert_eq!(letter_of(other), None, "{other}");
        }
        let mbr = PartitionRef::Mbr { signature: 0x5ca1_ab1e, offset: 0x10_0000 };
        assert!(is_meant(&mbr, &[0x1e, 0xab, 0xa1, 0x5c, 0, 0, 0x10, 0, 0, 0, 0, 0]));
        assert!(!is_meant(&mbr, &[0x1e, 0xab, 0xa1, 0x5c, 0, 0, 0x20, 0, 0, 0, 0, 0]));
        assert!(!is_meant(&mbr, &[]));
        let gpt = PartitionRef::Gpt { disk: [7; 16], partition: [9; 16] };
        assert!(is_meant(&gpt, &[GPT_VALUE, &[9; 16]].concat()));
        assert!(!is_meant(&gpt, &[GPT_VALUE, &[7; 16]].concat()));
    }
}
