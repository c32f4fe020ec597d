//! Finding the installations of a disk.

use crate::boot_files::BootFile;
use crate::{Disk, Windows, boot_choice, boot_files, describe};

/// Every installation, described, the default one first.
pub(crate) fn find(disk: &mut Disk) -> Vec<Windows> {
    let boot_files: Vec<BootFile> = boot_files::find(disk);
    let mut found: Vec<(bool, Windows)> = folders(disk)
        .into_iter()
        .map(|(volume, folder)| {
            let good = boot_files.iter().any(|file| file.takes_last_known_good(volume, &folder));
            let mut windows = describe::describe(disk, volume, folder, good);
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
    root_folders(disk, |disk, number, folder| {
        let hive = |name| format!(r"{folder}\System32\config\{name}");
        disk.has_file(number, &hive("SYSTEM")) && disk.has_file(number, &hive("SOFTWARE"))
    })
}

/// Folders in the roots of all volumes that `is_wanted` takes.
fn root_folders(
    disk: &mut Disk,
    is_wanted: impl Fn(&mut Disk, u32, &str) -> bool,
) -> Vec<(u32, String)> {
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
        let folders = entries.into_iter().filter(|entry| entry.is_directory);
        for folder in folders.map(|entry| format!("\\{}", entry.name)) {
            if is_wanted(disk, number, &folder) {
                found.push((number, folder));
            }
        }
    }
    found
}

impl Disk {
    /// Folders in the root of a volume that were a Windows, but lack its SYSTEM or its SOFTWARE hive: volume and folder.
    ///
    /// [`Disk::find_windows`] passes over them.
    pub fn broken_windows(&mut self) -> Vec<(u32, String)> {
        root_folders(self, |disk, number, folder| {
            let config = format!(r"{folder}\System32\config");
            let kernel = format!(r"{folder}\System32\ntoskrnl.exe");
            let has = |disk: &mut Self, name| disk.has_file(number, &format!(r"{config}\{name}"));
            let hives = ["SYSTEM", "SOFTWARE"].map(|name| has(disk, name));
            let was_one =
                hives.contains(&true) || has(disk, "SAM") || disk.has_file(number, &kernel);
            was_one && hives.contains(&false)
        })
    }
}
