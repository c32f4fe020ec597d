//! What a store's device elements may have meant on this disk.

use std::collections::HashSet;

use winkiln_boot::bcd::{self, Candidate, PartitionRef};
use winkiln_hive::Hive;
use winkiln_volume::Filesystem;

use crate::boot_partitions::partition_ref;
use crate::{Disk, DiskVolume};

/// The partitions of the disk, each with those of the files that the store looks for. `formerly` are old names of partitions, by
/// number.
///
/// # Errors
/// When it is not a BCD store.
pub fn boot_candidates(
    disk: &mut Disk,
    store: &Hive,
    formerly: &[(u32, PartitionRef)],
) -> Result<Vec<Candidate>, bcd::BcdError> {
    let wanted = bcd::wanted_files(store)?;
    let table = disk.table().clone();
    let volumes: Vec<DiskVolume> = disk.volumes().to_vec();
    let mut found = Vec::new();
    for volume in volumes {
        let partition: Option<PartitionRef> = partition_ref(&table, &volume.partition);
        let (mut files, mut is_unreadable) = (HashSet::new(), !can_be_told(&volume));
        for path in wanted.iter().filter(|_| volume.holds_files()) {
            match disk.find_file(volume.number, path) {
                Ok(true) => _ = files.insert(path.clone()),
                Ok(false) => {}
                Err(_) => is_unreadable = true,
            }
        }
        let formerly = formerly.iter().filter(|(number, _)| *number == volume.number);
        let formerly = formerly.map(|(_, old)| *old).collect();
        found.push(Candidate { partition, formerly, files, is_unreadable });
    }
    Ok(found)
}

/// False for a partition that may be a Windows, only that nobody can look: one that is encrypted, cut off, or of a kind that is not read.
/// What holds nothing that is known has no Windows.
fn can_be_told(volume: &DiskVolume) -> bool {
    match volume.identity.filesystem {
        Filesystem::BitLocker | Filesystem::ReFs => false,
        Filesystem::Unknown => volume.identity.reasons.iter().all(|reason| reason == "unknown"),
        _ => true,
    }
}
