//! `MountedDevices`: which partition has which drive letter.
//!
//! Source: values of `HKLM\SYSTEM\MountedDevices` in hives of Windows XP to 11: 12 bytes of disk signature and byte offset, or
//! `DMIO:ID:` and the GUID of a GPT partition, or of a volume of a dynamic disk. Names are `\DosDevices\C:` and `\??\Volume{guid}`.

use std::collections::HashMap;

use winkiln_boot::bcd::PartitionRef;
use winkiln_disk::partition::{Guid, PartitionKind, TableKind};
use winkiln_hive::Value;

use crate::boot_partitions::partition_ref;
use crate::{Disk, GuestError, HiveName, Registry, Windows, setting};

/// Head of a GPT partition's value.
const GPT_VALUE: &[u8] = b"DMIO:ID:";
const KEY: &str = "MountedDevices";
/// Type of a GPT partition that holds volumes of a dynamic disk, as it is stored.
const LDM_DATA: Guid = Guid([
    0xA0, 0x60, 0x9B, 0xAF, 0x31, 0x14, 0x62, 0x4F, 0xBC, 0x68, 0x33, 0x11, 0x71, 0x4A, 0x69, 0xAD,
]);

/// The partition that a value names. GPT disks are not told, so that the GUID of one is left zero.
pub(crate) fn named_by(value: &[u8]) -> Option<PartitionRef> {
    if let Some(partition) = value.strip_prefix(GPT_VALUE) {
        return Some(PartitionRef::Gpt { disk: [0; 16], partition: partition.try_into().ok()? });
    }
    let signature = u32::from_le_bytes(*value.first_chunk()?);
    let offset = u64::from_le_bytes(value.get(4..)?.try_into().ok()?);
    Some(PartitionRef::Mbr { signature, offset })
}

/// As values name it: without the disk of a GPT.
pub(crate) fn as_named(partition: PartitionRef) -> PartitionRef {
    match partition {
        PartitionRef::Gpt { partition, .. } => PartitionRef::Gpt { disk: [0; 16], partition },
        mbr => mbr,
    }
}

fn value_of(partition: &PartitionRef) -> Vec<u8> {
    match partition {
        PartitionRef::Mbr { signature, offset } => {
            [&signature.to_le_bytes()[..], &offset.to_le_bytes()].concat()
        }
        PartitionRef::Gpt { partition, .. } => [GPT_VALUE, partition].concat(),
    }
}

/// The letter of `\DosDevices\C:`, as it is written.
pub(crate) fn letter_of(name: &str) -> Option<char> {
    let head = name.get(..12).filter(|head| head.eq_ignore_ascii_case(r"\DosDevices\"))?;
    match name.get(head.len()..)?.as_bytes() {
        [letter, b':'] if letter.is_ascii_alphabetic() => Some(char::from(*letter)),
        _ => None,
    }
}

/// Every value; none where there is no such key.
pub(crate) fn values(disk: &mut Disk, registry: &mut Registry) -> Result<Vec<Value>, GuestError> {
    let hive = registry.hive(disk, &HiveName::System)?;
    let failed = |source| GuestError::Hive { path: KEY.to_owned(), source };
    match hive.find(hive.root(), KEY).map_err(failed)? {
        Some(key) => hive.values(key).map_err(failed),
        None => Ok(Vec::new()),
    }
}

/// What the partition of Windows was called when Windows last gave its drive a letter: what `MountedDevices` has for the letter that
/// Windows has for itself. `None` where that is not told, or names a partition of this disk.
///
/// # Errors
/// When the SYSTEM hive cannot be read.
pub fn windows_was(
    disk: &mut Disk,
    registry: &mut Registry,
) -> Result<Option<PartitionRef>, GuestError> {
    let letter = registry.hive(disk, &HiveName::Software).ok().and_then(|software| {
        let version =
            setting::key(software, software.root(), r"Microsoft\Windows NT\CurrentVersion")?;
        let root = setting::text(software, version, "SystemRoot")?;
        root.chars().next().filter(char::is_ascii_alphabetic)
    });
    let letter = letter.unwrap_or('C');
    let there = present(disk);
    let all = values(disk, registry)?;
    let value = all.iter().find(|value| {
        letter_of(&value.name).is_some_and(|found| found.eq_ignore_ascii_case(&letter))
    });
    let was = value.and_then(|value| named_by(&value.data));
    // Volumes of dynamic disks have names of the second form, too.
    let is_dynamic = |was: &PartitionRef| {
        matches!(was, PartitionRef::Gpt { .. }) && disk.table().kind == TableKind::Mbr
    };
    Ok(was.filter(|was| !there.contains_key(was) && !is_dynamic(was)))
}

/// Partitions of the disk by the names that values have for them.
fn present(disk: &Disk) -> HashMap<PartitionRef, u32> {
    let table = disk.table();
    let named = table.partitions.iter().filter_map(|partition| {
        Some((as_named(partition_ref(table, partition)?), partition.number))
    });
    named.collect()
}

/// True for a part of a dynamic disk, whose volumes have names of their own.
///
/// Source: Microsoft, `PARTITION_INFORMATION_GPT` (`PARTITION_LDM_DATA_GUID`), and the partition type 0x42 of an MBR.
fn is_dynamic(disk: &Disk, number: u32) -> bool {
    let found = disk.table().partitions.iter().find(|partition| partition.number == number);
    found.is_some_and(|partition| match &partition.kind {
        PartitionKind::Mbr { type_id, .. } => *type_id == 0x42,
        PartitionKind::Gpt { type_guid, .. } => *type_guid == LDM_DATA,
        PartitionKind::Bare => false,
    })
}

/// A value that names a partition by a name which it does not have any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenamedDevice {
    /// Name of the value, such as `\DosDevices\C:`.
    pub name: String,
    /// Number of the partition that is meant.
    pub volume: u32,
    /// As the value names it.
    pub was: PartitionRef,
    /// What the value should hold.
    pub data: Vec<u8>,
}

/// Values of `MountedDevices` that mean partitions of this disk by names from before it was cloned, as far as that can be told: of the
/// drive of Windows by its letter; of others by the same old signature and the same place, or by what `moved` knows, such as what a
/// boot configuration store meant.
///
/// # Errors
/// When the SYSTEM hive cannot be read.
pub fn renamed_devices(
    disk: &mut Disk,
    registry: &mut Registry,
    windows: &Windows,
    moved: &[(PartitionRef, PartitionRef)],
) -> Result<Vec<RenamedDevice>, GuestError> {
    let there = present(disk);
    let now: HashMap<u32, PartitionRef> =
        there.iter().map(|(named, number)| (*number, *named)).collect();
    let mut meant: HashMap<PartitionRef, u32> = HashMap::new();
    for (old, new) in moved {
        if let Some(number) = there.get(&as_named(*new)) {
            meant.insert(as_named(*old), *number);
        }
    }
    let was = windows_was(disk, registry)?;
    meant.extend(was.map(|was| (was, windows.volume)));
    // Every partition of a disk gets the same new signature.
    let signatures: HashMap<u32, u32> = meant
        .iter()
        .filter_map(|(old, number)| match (old, now.get(number)?) {
            (PartitionRef::Mbr { signature, .. }, PartitionRef::Mbr { signature: new, .. }) => {
                Some((*signature, *new))
            }
            _ => None,
        })
        .collect();
    let number_of = |named: &PartitionRef| -> Option<u32> {
        meant.get(named).copied().or_else(|| {
            let PartitionRef::Mbr { signature, offset } = named else { return None };
            let signature = *signatures.get(signature)?;
            there.get(&PartitionRef::Mbr { signature, offset: *offset }).copied()
        })
    };
    let mut found = Vec::new();
    for value in values(disk, registry)? {
        let Some(was) = named_by(&value.data).filter(|was| !there.contains_key(was)) else {
            continue;
        };
        let Some(volume) = number_of(&was).filter(|number| !is_dynamic(disk, *number)) else {
            continue;
        };
        let Some(data) = now.get(&volume).map(value_of) else { continue };
        found.push(RenamedDevice { name: value.name, volume, was, data });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_name_partitions() {
        assert_eq!(letter_of(r"\DosDevices\C:"), Some('C'));
        assert_eq!(letter_of(r"\dosdevices\d:"), Some('d'));
        for other in [r"\??\Volume{1}", r"\DosDevices\CC:", r"\DosDevices\", "", r"\DosDevices\1:"]
        {
            assert_eq!(letter_of(other), None, "{other}");
        }
        let mbr = PartitionRef::Mbr { signature: 0x5ca1_ab1e, offset: 0x10_0000 };
        let gpt = PartitionRef::Gpt { disk: [7; 16], partition: [9; 16] };
        let bytes = [0x1e, 0xab, 0xa1, 0x5c, 0, 0, 0x10, 0, 0, 0, 0, 0];
        assert_eq!(value_of(&mbr), bytes);
        for partition in [mbr, gpt] {
            assert_eq!(named_by(&value_of(&partition)), Some(as_named(partition)));
        }
        // A floppy's or CD's value is the path of its device.
        for other in [&bytes[..11], &[GPT_VALUE, &[9; 15]].concat(), b"", b"_\0?\0?\0_\0U\0S\0B\0"]
        {
            assert_eq!(named_by(other), None, "{other:02x?}");
        }
    }
}
