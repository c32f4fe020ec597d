//! The way from the firmware to Windows, link by link.

use winkiln_bake::BakeError;
use winkiln_boot::bcd::ElementValue;
use winkiln_disk::partition::TableKind;
use winkiln_guest::{BootKind, Firmware, Windows};

use crate::patient::Patient;
use crate::rules::{drivers, loader_place};

/// A stretch of the way, in the order in which it is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The volumes as they were left.
    Volumes,
    /// What the firmware starts.
    Firmware,
    /// The program that reads the boot configuration.
    Manager,
    /// The boot configuration.
    Configuration,
    /// The program that loads Windows, and the kernel.
    Loader,
    /// The registry.
    Registry,
    /// Drivers that start with the kernel.
    Drivers,
    /// The way to the disk.
    Storage,
    /// Windows itself.
    Windows,
}

impl Stage {
    /// A word for people and scripts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Volumes => "volumes",
            Self::Firmware => "firmware",
            Self::Manager => "boot manager",
            Self::Configuration => "configuration",
            Self::Loader => "loader",
            Self::Registry => "registry",
            Self::Drivers => "boot drivers",
            Self::Storage => "disk",
            Self::Windows => "windows",
        }
    }
}

/// One link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where it stands.
    pub stage: Stage,
    /// What is there, in words.
    pub what: String,
}

/// The links of a guest, as far as they can be told.
pub(crate) fn links(patient: &mut Patient<'_>) -> Vec<Link> {
    let Some(windows) = patient.installed().cloned() else { return Vec::new() };
    let told = [
        (Stage::Firmware, firmware(patient, &windows)),
        (Stage::Manager, Ok(manager(&windows))),
        (Stage::Configuration, configuration(patient, &windows)),
        (Stage::Loader, loader(patient, &windows)),
        (Stage::Registry, Ok(registry(&windows))),
        (Stage::Drivers, boot_drivers(patient)),
        (Stage::Storage, storage(patient)),
    ];
    // What cannot be told is what a finding or a rule that could not look tells of.
    let links =
        told.into_iter().map(|(stage, what)| Link { stage, what: what.unwrap_or_default() });
    links.filter(|link| !link.what.is_empty()).collect()
}

fn firmware(patient: &mut Patient<'_>, windows: &Windows) -> Result<String, BakeError> {
    if windows.boot.firmware == Firmware::Uefi {
        let name = windows.architecture.fallback_loader().unwrap_or("boot*.efi");
        return Ok(format!(r"UEFI, by an entry of its own or \EFI\Boot\{name}"));
    }
    if patient.disk().table().kind != TableKind::Mbr {
        return Ok("BIOS".to_owned());
    }
    let active = patient.disk().master_boot_record()?.active();
    let active: Vec<String> = active.iter().map(u32::to_string).collect();
    Ok(match active.as_slice() {
        [] => "BIOS, master boot record without an active partition".to_owned(),
        numbers => format!("BIOS, master boot record, partition {}", numbers.join(" and ")),
    })
}

fn manager(windows: &Windows) -> String {
    let Some((volume, _)) = &windows.boot.file else { return String::new() };
    let program = match (windows.boot.kind, windows.boot.firmware) {
        (BootKind::BootIni, _) => r"\ntldr",
        (_, Firmware::Uefi) => r"\EFI\Microsoft\Boot\bootmgfw.efi",
        _ => r"\bootmgr",
    };
    format!("{program} of volume {volume}")
}

fn configuration(patient: &mut Patient<'_>, windows: &Windows) -> Result<String, BakeError> {
    let boot = &windows.boot;
    let Some((volume, path)) = &boot.file else { return Ok("none".to_owned()) };
    let default = boot.entries.iter().find(|(_, is_default)| *is_default);
    let entries = match (default, boot.entries.len()) {
        (None, _) => ", no default entry".to_owned(),
        (Some((name, _)), 1) => format!(", {name:?}"),
        (Some((name, _)), count) => format!(", {name:?} of {count} entries"),
    };
    let wait = match (boot.kind, patient.element("{bootmgr}", "timeout")?) {
        (BootKind::Bcd, Some(element)) => match element.value {
            ElementValue::Integer(seconds) => format!(" after {seconds} s"),
            _ => String::new(),
        },
        _ => String::new(),
    };
    Ok(format!("{path} of volume {volume}{entries}{wait}"))
}

fn loader(patient: &mut Patient<'_>, windows: &Windows) -> Result<String, BakeError> {
    let (volume, path) = match loader_place(patient, windows)? {
        Some(place) => place,
        None => {
            let program = match windows.boot.firmware {
                _ if windows.boot.kind == BootKind::BootIni || windows.is_nt5() => "ntoskrnl.exe",
                Firmware::Uefi => "winload.efi",
                _ => "winload.exe",
            };
            (windows.volume, format!(r"{}\System32\{program}", windows.system_root))
        }
    };
    Ok(format!("{path} of volume {volume}"))
}

fn registry(windows: &Windows) -> String {
    if windows.next_control_set == 0 {
        return String::new();
    }
    let Windows { next_control_set, system_root, .. } = windows;
    format!(r"ControlSet{next_control_set:03} of {system_root}\System32\config\SYSTEM")
}

fn boot_drivers(patient: &mut Patient<'_>) -> Result<String, BakeError> {
    Ok(match drivers::count(patient)? {
        1 => "1 starts with the kernel".to_owned(),
        count => format!("{count} start with the kernel"),
    })
}

fn storage(patient: &mut Patient<'_>) -> Result<String, BakeError> {
    let verdicts = patient.verdicts()?;
    let names: Vec<&str> = verdicts.iter().filter(|bus| bus.boots()).map(|bus| bus.name).collect();
    Ok(match names.as_slice() {
        [] => "found on no disk controller of a hypervisor".to_owned(),
        names => format!("found on {}", names.join(", ")),
    })
}
