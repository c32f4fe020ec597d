//! Storage and network driver services of a control set.

use std::collections::HashSet;

use winkiln_hive::{Hive, KeyId};

use crate::{Disk, DriverService, image_path, setting};

/// Groups whose drivers start a disk or a network. Source: `Control\ServiceGroupOrder` of real hives.
const GROUPS: [&str; 3] = ["SCSI miniport", "NDIS", "Boot Bus Extender"];
/// Drivers that matter whatever their group, in lower case.
const KNOWN: [&str; 47] = [
    "ahcix64",
    "atapi",
    "e1000",
    "e1express",
    "e1i65x64",
    "iastor",
    "iastorv",
    "intelide",
    "ldx86",
    "lsi_fc",
    "lsi_sas",
    "lsi_sas2",
    "lsi_scsi",
    "megasas",
    "msahci",
    "netkvm",
    "netvsc",
    "nvme",
    "pciide",
    "pvscsi",
    "qemupciserial",
    "rhelnet",
    "rhelscsi",
    "rtl8139",
    "storahci",
    "storflt",
    "storvsc",
    "stornvme",
    "symmpi",
    "viofs",
    "viostor",
    "vioscsi",
    "vioser",
    "vmbus",
    "vmstorfl",
    "vmxnet",
    "vmxnet3ndis6",
    "xen",
    "xenbus",
    "xencrsh",
    "xendisk",
    "xenfilt",
    "xennet",
    "xenpci",
    "xenvbd",
    "xenvif",
    "balloon",
];
/// `Type` of a kernel driver. Source: Microsoft, "CurrentControlSet\Services Subkeys".
pub(crate) const KERNEL_DRIVER: u32 = 1;

/// Every service of the control set `control_set` that is a storage or network driver, in the hive's order.
pub(crate) fn drivers(
    disk: &mut Disk,
    volume: u32,
    system_root: &str,
    system: &Hive,
    control_set: KeyId,
) -> Vec<DriverService> {
    let services = setting::key(system, control_set, "Services");
    let services = services.and_then(|key| system.subkeys(key).ok()).unwrap_or_default();
    let folder = format!(r"{system_root}\System32\drivers\");
    let mut in_folder: Option<HashSet<String>> = None;
    let mut drivers = Vec::new();
    for (name, key) in services {
        let group = setting::text(system, key, "Group").unwrap_or_default();
        let in_group = GROUPS.iter().any(|known| group.eq_ignore_ascii_case(known));
        if !in_group && !KNOWN.contains(&name.to_ascii_lowercase().as_str()) {
            continue;
        }
        if setting::dword(system, key, "Type").is_some_and(|kind| kind != KERNEL_DRIVER) {
            continue;
        }
        let image = setting::text(system, key, "ImagePath");
        let present = match image_path::resolve(&name, image.as_deref(), system_root) {
            None => false,
            Some(path) => match in_drivers(&path, &folder) {
                Some(file) => in_folder
                    .get_or_insert_with(|| names(disk, volume, &folder))
                    .contains(&file.to_lowercase()),
                None => disk.has_file(volume, &path),
            },
        };
        drivers.push(DriverService { start: setting::dword(system, key, "Start"), name, present });
    }
    drivers
}

/// The file's name, when `path` is a file of `folder`.
fn in_drivers<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let head = path.get(..folder.len())?;
    let file = path.get(folder.len()..)?;
    (head.eq_ignore_ascii_case(folder) && !file.contains(['\\', '/'])).then_some(file)
}

/// Names of the files of a folder, in lower case, short names too.
fn names(disk: &mut Disk, volume: u32, folder: &str) -> HashSet<String> {
    let entries = disk.volume(volume).ok().and_then(|volume| volume.read_directory(folder).ok());
    entries
        .unwrap_or_default()
        .into_iter()
        .filter(|entry| !entry.is_directory)
        .flat_map(|entry| std::iter::once(entry.name).chain(entry.short_name))
        .map(|name| name.to_lowercase())
        .collect()
}
