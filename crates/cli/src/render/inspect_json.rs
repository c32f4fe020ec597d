//! `inspect --json`: field names that scripts rely on.

use serde::Serialize;
use winkiln_bake::InstalledDrivers;
use winkiln_disk::partition::{DiskId, Partition, PartitionKind, PartitionTable, TableKind};
use winkiln_doctor::Diagnosis;
use winkiln_guest::{Architecture, BootKind, DiskVolume, Firmware, Windows};
use winkiln_volume::{Filesystem, StateDetail};

/// Everything that `inspect` finds.
#[derive(Debug)]
pub(crate) struct Inspection {
    /// As given.
    pub(crate) path: String,
    /// `raw` or `qcow2`.
    pub(crate) format: &'static str,
    /// Bytes as the guest sees them.
    pub(crate) virtual_size: u64,
    /// As read.
    pub(crate) table: PartitionTable,
    /// One a partition.
    pub(crate) volumes: Vec<DiskVolume>,
    /// The default one first.
    pub(crate) windows: Vec<Windows>,
    /// What a short look of the doctor found in the default Windows.
    pub(crate) health: Option<Diagnosis>,
    /// Drivers that the default Windows has besides its own.
    pub(crate) vendor_drivers: Option<(Windows, InstalledDrivers)>,
    /// What could not be told.
    pub(crate) warnings: Vec<String>,
}

impl Inspection {
    /// What the doctor found in a Windows, where it looked at that one.
    pub(crate) fn health_of(&self, windows: &Windows) -> Option<&Diagnosis> {
        let health = self.health.as_ref()?;
        is_same(health.windows.as_ref()?, windows).then_some(health)
    }

    /// Its drivers of vendors, for the Windows that was looked at.
    pub(crate) fn vendor_drivers_of(&self, windows: &Windows) -> Option<&InstalledDrivers> {
        let (looked_at, drivers) = self.vendor_drivers.as_ref()?;
        is_same(looked_at, windows).then_some(drivers)
    }
}

fn is_same(one: &Windows, other: &Windows) -> bool {
    one.volume == other.volume && one.system_root == other.system_root
}

/// The document.
#[derive(Debug, Serialize)]
pub(crate) struct InspectJson {
    image: ImageJson,
    partition_table: &'static str,
    sector_size: u32,
    disk_id: Option<String>,
    volumes: Vec<VolumeJson>,
    windows: Vec<WindowsJson>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ImageJson {
    path: String,
    format: &'static str,
    virtual_size: u64,
}

#[derive(Debug, Serialize)]
struct VolumeJson {
    number: u32,
    start: u64,
    length: u64,
    partition_type: String,
    active: bool,
    filesystem: &'static str,
    label: String,
    serial: String,
    cluster_size: Option<u32>,
    free_bytes: Option<u64>,
    state: StateJson,
}

#[derive(Debug, Serialize)]
struct StateJson {
    clean: bool,
    reasons: Vec<String>,
    details: Vec<DetailJson>,
}

#[derive(Debug, Serialize)]
struct DetailJson {
    word: String,
    evidence: String,
    blocks_writing: bool,
}

#[derive(Debug, Serialize)]
struct WindowsJson {
    volume: u32,
    system_root: String,
    product_name: String,
    version: String,
    build: u32,
    edition: Option<String>,
    installation_type: Option<String>,
    arch: &'static str,
    control_set: u32,
    next_control_set: u32,
    hal: Option<String>,
    boot: BootJson,
    drivers: Vec<DriverJson>,
    guest_tools: Vec<String>,
    /// Of the default Windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<HealthJson>,
    /// Of the default Windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor_drivers: Option<InstalledDrivers>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct HealthJson {
    boots_on: Vec<&'static str>,
    chain: Vec<LinkJson>,
    findings: Vec<HealthFindingJson>,
}

#[derive(Debug, Serialize)]
struct LinkJson {
    stage: &'static str,
    what: String,
}

#[derive(Debug, Serialize)]
struct HealthFindingJson {
    rule: &'static str,
    stage: Option<&'static str>,
    severity: &'static str,
}

#[derive(Debug, Serialize)]
struct BootJson {
    kind: Option<&'static str>,
    firmware: Option<&'static str>,
    testsigning: Option<bool>,
    volume: Option<u32>,
    file: Option<String>,
    entries: Vec<BootEntryJson>,
}

#[derive(Debug, Serialize)]
struct BootEntryJson {
    description: String,
    default: bool,
}

#[derive(Debug, Serialize)]
struct DriverJson {
    name: String,
    start: Option<u32>,
    present: bool,
}

/// The document of an inspection.
pub(crate) fn document(found: &Inspection) -> InspectJson {
    InspectJson {
        image: ImageJson {
            path: found.path.clone(),
            format: found.format,
            virtual_size: found.virtual_size,
        },
        partition_table: table_kind(found.table.kind),
        sector_size: found.table.sector_size,
        disk_id: disk_id(found.table.disk_id),
        volumes: found.volumes.iter().map(volume).collect(),
        windows: found
            .windows
            .iter()
            .map(|one| windows(one, found.health_of(one), found.vendor_drivers_of(one)))
            .collect(),
        warnings: found.warnings.clone(),
    }
}

/// `mbr`, `gpt`, `none`.
pub(crate) fn table_kind(kind: TableKind) -> &'static str {
    match kind {
        TableKind::Mbr => "mbr",
        TableKind::Gpt => "gpt",
        TableKind::None => "none",
    }
}

/// The MBR signature as `0x5ca1ab1e`, the GPT disk GUID in braces.
pub(crate) fn disk_id(id: DiskId) -> Option<String> {
    match id {
        DiskId::Mbr(signature) => Some(format!("{signature:#010x}")),
        DiskId::Gpt(guid) => Some(guid.to_string()),
        DiskId::None => None,
    }
}

/// The type byte as `0x07`, the type GUID in braces, or `none`.
pub(crate) fn partition_type(partition: &Partition) -> String {
    match &partition.kind {
        PartitionKind::Mbr { type_id, .. } => format!("{type_id:#04x}"),
        PartitionKind::Gpt { type_guid, .. } => type_guid.to_string(),
        PartitionKind::Bare => "none".to_owned(),
    }
}

/// The boot indicator of an MBR partition.
pub(crate) fn is_active(partition: &Partition) -> bool {
    matches!(partition.kind, PartitionKind::Mbr { active: true, .. })
}

/// Lower-case word for a filesystem.
pub(crate) fn filesystem(filesystem: Filesystem) -> &'static str {
    match filesystem {
        Filesystem::Ntfs => "ntfs",
        Filesystem::Fat12 => "fat12",
        Filesystem::Fat16 => "fat16",
        Filesystem::Fat32 => "fat32",
        Filesystem::ExFat => "exfat",
        Filesystem::ReFs => "refs",
        Filesystem::BitLocker => "bitlocker",
        _ => "unknown",
    }
}

/// `x86`, `x86_64`, `arm64`, `unknown`.
pub(crate) fn architecture(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::X86 => "x86",
        Architecture::X86_64 => "x86_64",
        Architecture::Arm64 => "arm64",
        Architecture::Unknown => "unknown",
    }
}

/// `boot.ini` or `bcd`.
pub(crate) fn boot_kind(kind: BootKind) -> Option<&'static str> {
    match kind {
        BootKind::BootIni => Some("boot.ini"),
        BootKind::Bcd => Some("bcd"),
        BootKind::Missing => None,
    }
}

/// `bios` or `uefi`.
pub(crate) fn firmware(firmware: Firmware) -> Option<&'static str> {
    match firmware {
        Firmware::Bios => Some("bios"),
        Firmware::Uefi => Some("uefi"),
        Firmware::Unknown => None,
    }
}

/// A volume's serial number as Windows prints it: 16 hexadecimal digits for NTFS, `1234-5678` for FAT.
pub(crate) fn serial(volume: &DiskVolume) -> String {
    let serial = volume.identity.serial;
    match volume.identity.filesystem {
        Filesystem::Fat12 | Filesystem::Fat16 | Filesystem::Fat32 | Filesystem::ExFat => {
            format!("{:04X}-{:04X}", serial >> 16 & 0xffff, serial & 0xffff)
        }
        _ => format!("{serial:016X}"),
    }
}

fn volume(volume: &DiskVolume) -> VolumeJson {
    let identity = &volume.identity;
    VolumeJson {
        number: volume.number,
        start: volume.partition.start,
        length: volume.partition.length,
        partition_type: partition_type(&volume.partition),
        active: is_active(&volume.partition),
        filesystem: filesystem(identity.filesystem),
        label: identity.label.clone(),
        serial: serial(volume),
        cluster_size: (identity.cluster_size != 0).then_some(identity.cluster_size),
        free_bytes: identity.free_bytes,
        state: StateJson {
            clean: identity.clean,
            reasons: identity.reasons.clone(),
            details: identity.details.iter().map(detail).collect(),
        },
    }
}

fn detail(detail: &StateDetail) -> DetailJson {
    let StateDetail { word, evidence, blocks_writing } = detail.clone();
    DetailJson { word, evidence, blocks_writing }
}

fn windows(
    windows: &Windows,
    health: Option<&Diagnosis>,
    vendor_drivers: Option<&InstalledDrivers>,
) -> WindowsJson {
    let boot = &windows.boot;
    let text = |text: &String| (!text.is_empty()).then(|| text.clone());
    let entry = |(description, default): &(String, bool)| BootEntryJson {
        description: description.clone(),
        default: *default,
    };
    WindowsJson {
        volume: windows.volume,
        system_root: windows.system_root.clone(),
        product_name: windows.product_name.clone(),
        version: format!("{}.{}", windows.version.0, windows.version.1),
        build: windows.build,
        edition: text(&windows.edition),
        installation_type: text(&windows.installation_type),
        arch: architecture(windows.architecture),
        control_set: windows.control_set,
        next_control_set: windows.next_control_set,
        hal: windows.hal.clone(),
        boot: BootJson {
            kind: boot_kind(boot.kind),
            firmware: firmware(boot.firmware),
            testsigning: boot.testsigning,
            volume: boot.file.as_ref().map(|(volume, _)| *volume),
            file: boot.file.as_ref().map(|(_, path)| path.clone()),
            entries: boot.entries.iter().map(entry).collect(),
        },
        drivers: windows
            .drivers
            .iter()
            .map(|driver| DriverJson {
                name: driver.name.clone(),
                start: driver.start,
                present: driver.present,
            })
            .collect(),
        guest_tools: windows.guest_tools.clone(),
        health: health.map(|health| HealthJson {
            boots_on: health.boots_on.clone(),
            chain: health
                .chain
                .iter()
                .map(|link| LinkJson { stage: link.stage.word(), what: link.what.clone() })
                .collect(),
            findings: health
                .findings
                .iter()
                .map(|finding| HealthFindingJson {
                    rule: finding.rule,
                    stage: winkiln_doctor::rule(finding.rule).map(|rule| rule.stage.word()),
                    severity: finding.severity.word(),
                })
                .collect(),
        }),
        vendor_drivers: vendor_drivers.cloned(),
        warnings: windows.warnings.clone(),
    }
}
