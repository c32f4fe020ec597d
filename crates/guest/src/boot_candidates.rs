//! What a store's device elements may have meant on this disk.

use std::collections::HashSet;

use winkiln_boot::bcd::{self, Candidate, PartitionRef};
use winkiln_hive::Hive;

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
        let files = match volume.holds_files() {
            true => {
                wanted.iter().filter(|path| disk.has_file(volume.number, path)).cloned().collect()
            }
            false => HashSet::new(),
        };
        let formerly = formerly.iter().filter(|(number, _)| *number == volume.number);
        let formerly = formerly.map(|(_, old)| *old).collect();
        found.push(Candidate { partition, formerly, files });
    }
    Ok(found)
}
