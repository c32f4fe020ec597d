//! The boot entry that starts an installation, as firmware keeps it.

use winkiln_boot::nvram::{EfiPartition, LoadOption};

use crate::boot_partitions::partition_ref;
use crate::{Disk, Firmware, Windows};

/// The boot manager of Windows on the EFI system partition.
pub const EFI_BOOT_MANAGER: &str = r"\EFI\Microsoft\Boot\bootmgfw.efi";

/// The entry for the boot manager beside the store of an installation; `None` for one that no UEFI starts, or whose boot manager is
/// not there.
pub fn efi_entry(disk: &mut Disk, windows: &Windows, description: &str) -> Option<LoadOption> {
    let (volume, _) = windows.boot.file.as_ref()?;
    if windows.boot.firmware != Firmware::Uefi || !disk.has_file(*volume, EFI_BOOT_MANAGER) {
        return None;
    }
    let table = disk.table();
    let partition = table.partitions.iter().find(|partition| partition.number == *volume)?;
    let sector = u64::from(table.sector_size);
    Some(LoadOption {
        description: description.to_owned(),
        is_active: true,
        partition: Some(EfiPartition {
            number: partition.number,
            start: partition.start.checked_div(sector)?,
            sectors: partition.length.checked_div(sector)?,
            named: partition_ref(table, partition)?,
        }),
        path: Some(EFI_BOOT_MANAGER.to_owned()),
    })
}
