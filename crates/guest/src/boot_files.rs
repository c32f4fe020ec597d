//! The boot configurations of a disk: `boot.ini` files and BCD stores.

use std::collections::{HashMap, HashSet};

use winkiln_boot::bcd::ids::{
    DEFAULT_OBJECT, DESCRIPTION, DISPLAY_ORDER, LAST_KNOWN_GOOD, OS_DEVICE, SYSTEM_ROOT,
    TEST_SIGNING,
};
use winkiln_boot::bcd::{self, ElementValue, Object, Place};
use winkiln_boot::boot_ini::BootIni;
use winkiln_disk::partition::{PartitionKind, PartitionTable};

use crate::arc_path::ArcPath;
use crate::boot_partitions::named_volume;
use crate::error::with_causes;
use crate::{BootKind, Disk, Firmware, RecoveredHive};

/// Bytes of a boot.ini: real ones have hundreds.
const BOOT_INI_MAX: u64 = 64 << 10;
/// One entry of a boot configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What the menu shows.
    pub(crate) description: String,
    pub(crate) is_default: bool,
    /// The volume and folder it starts, when those are on this disk.
    pub(crate) starts: Option<(u32, String)>,
    /// It has the boot loader take the last control set that was known to be good.
    pub(crate) last_known_good: bool,
}

impl Entry {
    /// Tells whether it starts the Windows in a folder.
    pub(crate) fn starts(&self, volume: u32, folder: &str) -> bool {
        self.starts
            .as_ref()
            .is_some_and(|(number, path)| *number == volume && path.eq_ignore_ascii_case(folder))
    }
}

/// A boot configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BootFile {
    pub(crate) kind: BootKind,
    pub(crate) firmware: Firmware,
    pub(crate) volume: u32,
    pub(crate) path: &'static str,
    /// Lies where the firmware looks first: on the active partition, or on a FAT volume for UEFI.
    pub(crate) is_bootable: bool,
    pub(crate) entries: Vec<Entry>,
    pub(crate) testsigning: Option<bool>,
    /// The store was not closed properly, and is shown as its logs complete it.
    pub(crate) recovered: Option<RecoveredHive>,
    /// Why it could not be read.
    pub(crate) warning: Option<String>,
}

impl BootFile {
    /// Tells whether its default entry starts the Windows in a folder, with its last known good control set.
    pub(crate) fn takes_last_known_good(&self, volume: u32, folder: &str) -> bool {
        let is_it = |entry: &Entry| {
            entry.is_default && entry.last_known_good && entry.starts(volume, folder)
        };
        self.entries.iter().any(is_it)
    }
}

/// Finds every boot configuration of the disk.
pub(crate) fn find(disk: &mut Disk) -> Vec<BootFile> {
    let volumes: Vec<(u32, bool, bool)> = disk
        .volumes()
        .iter()
        .filter(|volume| volume.holds_files())
        .map(|volume| {
            let bare = matches!(volume.partition.kind, PartitionKind::Bare);
            let is_ntfs = volume.identity.filesystem == winkiln_volume::Filesystem::Ntfs;
            (volume.number, volume.is_active() || bare, is_ntfs)
        })
        .collect();
    let mut found = Vec::new();
    for (volume, is_active, is_ntfs) in volumes {
        if disk.volume(volume).is_err() {
            continue;
        }
        for (path, kind, firmware, is_bootable) in [
            (r"\boot.ini", BootKind::BootIni, Firmware::Bios, is_active),
            (r"\Boot\BCD", BootKind::Bcd, Firmware::Bios, is_active),
            (r"\EFI\Microsoft\Boot\BCD", BootKind::Bcd, Firmware::Uefi, !is_ntfs),
        ] {
            // What cannot be read is there: nothing is to be made in its place.
            let unreadable = match disk.find_file(volume, path) {
                Ok(false) => continue,
                Ok(true) => None,
                Err(error) => Some(with_causes(&error)),
            };
            let mut file = BootFile {
                kind,
                firmware,
                volume,
                path,
                is_bootable,
                entries: Vec::new(),
                testsigning: None,
                recovered: None,
                warning: None,
            };
            let read = match (unreadable, kind) {
                (Some(reason), _) => Err(reason),
                (None, BootKind::BootIni) => read_boot_ini(disk, &mut file),
                (None, _) => read_store(disk, &mut file),
            };
            file.warning = read.err();
            found.push(file);
        }
    }
    found
}

fn read_boot_ini(disk: &mut Disk, file: &mut BootFile) -> Result<(), String> {
    let table = disk.table().clone();
    let volume = disk.volume(file.volume).map_err(|error| error.to_string())?;
    let bytes = volume.read(file.path, BOOT_INI_MAX).map_err(|error| error.to_string())?;
    let ini = BootIni::parse(&bytes).map_err(|error| error.to_string())?;
    let default = ini.default_entry();
    for (index, entry) in ini.entries().into_iter().enumerate() {
        let starts = ArcPath::parse(&entry.path)
            .and_then(|path| Some((path.volume(&table)?, path.folder.clone())));
        file.entries.push(Entry {
            description: String::from_utf8_lossy(&entry.description).into_owned(),
            is_default: index == default,
            starts,
            last_known_good: false,
        });
    }
    Ok(())
}

/// A store that was not closed properly and cannot be recovered is shown as it is, with a warning.
fn read_store(disk: &mut Disk, file: &mut BootFile) -> Result<(), String> {
    let (number, path) = (file.volume, file.path);
    let text = |error: bcd::BcdError| error.to_string();
    match disk.read_hive(number, path) {
        Ok(loaded) => {
            let read = read_objects(disk.table(), &loaded.hive, file);
            file.recovered = loaded.recovered.clone();
            disk.keep_hive(number, path, loaded);
            read.map_err(text)
        }
        Err(error) => {
            if let Some(hive) = disk.read_dirty_hive(number, path) {
                read_objects(disk.table(), &hive, file).map_err(text)?;
            }
            Err(with_causes(&error))
        }
    }
}

fn read_objects(
    table: &PartitionTable,
    hive: &winkiln_hive::Hive,
    file: &mut BootFile,
) -> Result<(), bcd::BcdError> {
    let objects = bcd::objects(hive)?;
    let loaders = bcd::installed_loaders(&objects);
    let by_guid: HashMap<&str, &Object> =
        objects.iter().map(|object| (object.guid.as_str(), object)).collect();
    let element = |object: &Object, id: u32| object.element(id).map(|found| found.value.clone());
    let manager = objects.iter().find(|object| object.alias.as_deref() == Some("{bootmgr}"));
    let default = manager.and_then(|manager| match element(manager, DEFAULT_OBJECT) {
        Some(ElementValue::Object(guid)) => Some(guid),
        _ => None,
    });
    let order = manager.and_then(|manager| match element(manager, DISPLAY_ORDER) {
        Some(ElementValue::ObjectList(guids)) => Some(guids),
        _ => None,
    });
    // What is in the menu, in its order; then every other installed Windows.
    let menu = order.unwrap_or_default();
    let mut seen = HashSet::new();
    let shown: Vec<&Object> = menu
        .iter()
        .chain(&loaders)
        .filter_map(|guid| by_guid.get(guid.as_str()).copied())
        .filter(|object| seen.insert(object.guid.as_str()))
        .collect();
    for object in shown {
        let description = match element(object, DESCRIPTION) {
            Some(ElementValue::String(text)) => text,
            _ => object.guid.clone(),
        };
        let volume = match element(object, OS_DEVICE) {
            Some(ElementValue::Device(device)) => match device.place {
                Place::Partition(named) => named_volume(table, named),
                Place::Boot => Some(file.volume),
                _ => None,
            },
            _ => None,
        };
        let folder = match element(object, SYSTEM_ROOT) {
            Some(ElementValue::String(text)) => Some(text),
            _ => None,
        };
        file.entries.push(Entry {
            description,
            is_default: default.as_ref() == Some(&object.guid),
            starts: volume.zip(folder),
            last_known_good: element(object, LAST_KNOWN_GOOD) == Some(ElementValue::Boolean(true)),
        });
    }
    if !loaders.is_empty() {
        let signing = |guid: &String| {
            let value = by_guid.get(guid.as_str()).and_then(|object| element(object, TEST_SIGNING));
            value == Some(ElementValue::Boolean(true))
        };
        file.testsigning = Some(loaders.iter().all(signing));
    }
    Ok(())
}
