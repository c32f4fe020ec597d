//! The partition that the firmware starts.

use winkiln_disk::partition::{Guid, PartitionKind};

use crate::{Disk, DiskVolume};

/// Type of an EFI system partition: `{c12a7328-f81f-11d2-ba4b-00a0c93ec93b}`.
const EFI_SYSTEM: Guid = Guid([
    0x28, 0x73, 0x2A, 0xC1, 0x1F, 0xF8, 0xD2, 0x11, 0xBA, 0x4B, 0x00, 0xA0, 0xC9, 0x3E, 0xC9, 0x3B,
]);
/// The same in an MBR.
const EFI_SYSTEM_MBR: u8 = 0xEF;

/// The number of the volume that holds the boot manager: the EFI system partition with `efi`, otherwise the active one, or the
/// volume that is the whole disk. `None` when there is none that can be read, or several.
pub fn system_volume(disk: &mut Disk, efi: bool) -> Option<u32> {
    let is_system = |volume: &&DiskVolume| {
        let is_meant = match &volume.partition.kind {
            PartitionKind::Gpt { type_guid, .. } => efi && *type_guid == EFI_SYSTEM,
            PartitionKind::Mbr { type_id, active, .. } => {
                if efi {
                    *type_id == EFI_SYSTEM_MBR
                } else {
                    *active
                }
            }
            PartitionKind::Bare => !efi,
        };
        is_meant && volume.holds_files()
    };
    let mut found = disk.volumes().iter().filter(is_system).map(|volume| volume.number);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}
