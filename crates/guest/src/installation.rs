//! Finding the installations of a disk.

use crate::boot_files::BootFile;
use crate::{Disk, Windows, boot_choice, boot_files, describe};

/// Every installation, described, the default one first.
pub(crate) fn find(disk: &mut Disk) -> Vec<Windows> {
    let boot_files: Vec<BootFile> = boot_files::find(disk);
    let mut found: Vec<(bool, Windows)> = folders(disk)
        .into_iter()
        .map(|(volume, folder)| {
            let mut windows = describe::describe(disk, volume, folder);
            let is_default = boot_choice::choose(disk.table(), &boot_files, &mut windows);
            (is_default, windows)
        })
        .collect();
    // A stable sort: otherwise in the order of the partitions.
    found.sort_by_key(|(is_default, _)| !is_default);
    found.into_iter().map(|(_, windows)| windows).collect()
}

/// Folders in the root of a volume that hold a Windows: those with its SYSTEM and SOFTWARE hives.
pub(crate) fn folders(disk: &mut Disk) -> Vec<(u32, String)> {
    let numbers: Vec<u32> = disk
        .volumes()
        .iter()
        .filter(|volume| volume.holds_files())
        .map(|volume| volume.number)
        .collect();
    let mut found = Vec::new();
    for number in numbers {
        let Ok(volume) = disk.volume(number) else { continue };
        let Ok(entries) = volume.read_directory("\\") else { continue };
        let folders: Vec<String> = entries
            .into_iter()
            .filter(|entry| entry.is_directory)
            .map(|entry| format!("\\{}", entry.name))
            .collect();
        for folder in folders {
            let hive = |name| format!(r"{folder}\System32\config\{name}");
            if disk.has_file(number, &hive("SYSTEM")) && disk.has_file(number, &hive("SOFTWARE")) {
                found.push((number, folder));
            }
        }
    }
    found
}
