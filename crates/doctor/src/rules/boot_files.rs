//! Files that start Windows, from what the firmware loads to the kernel.

use winkiln_bake::step::Contents;
use winkiln_bake::{BakeError, Step};
use winkiln_boot::bcd::{ElementValue, Place};
use winkiln_boot::boot_ini::BootIni;
use winkiln_disk::partition::PartitionTable;
use winkiln_guest::{BootKind, EFI_BOOT_MANAGER as BOOT_MANAGER, Firmware, Windows, named_volume};

use super::unreadable::unreadable;
use crate::finding::{Finding, Repair, Severity};
use crate::patient::Patient;
use crate::rule::Look;

/// Bytes of a boot program that are read.
const FILE_MAX: u64 = 64 << 20;

/// A file, with places where the guest may have another of it: volume and path.
struct Needed {
    volume: u32,
    path: String,
    copies: Vec<(u32, String)>,
}

const MISSING: &str = "boot-file-missing";

pub(crate) fn missing(patient: &mut Patient<'_>) -> Look {
    let windows = patient.windows()?;
    let mut findings = Vec::new();
    for needed in needed(patient, &windows)? {
        let object = format!("{} of volume {}", needed.path, needed.volume);
        match patient.disk().find_file(needed.volume, &needed.path) {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => {
                findings.push(unreadable(MISSING, Severity::Stops, object, &error));
                continue;
            }
        }
        findings.push(Finding {
            rule: MISSING,
            severity: Severity::Stops,
            object,
            found: "no such file".to_owned(),
            expected: "a program that starts Windows".to_owned(),
            repair: copied(patient, &needed)?,
        });
    }
    Ok(findings)
}

/// Without it the firmware finds Windows only by an entry of its own, which does not travel with the disk.
pub(crate) fn no_fallback(patient: &mut Patient<'_>) -> Look {
    let windows = patient.windows()?;
    let (Firmware::Uefi, Some((volume, _))) = (windows.boot.firmware, &windows.boot.file) else {
        return Ok(Vec::new());
    };
    let Some(name) = windows.architecture.fallback_loader() else { return Ok(Vec::new()) };
    let (volume, path) = (*volume, format!(r"\EFI\Boot\{name}"));
    let (rule, object) = ("efi-fallback-missing", format!("{path} of volume {volume}"));
    match patient.disk().find_file(volume, &path) {
        Ok(true) => return Ok(Vec::new()),
        Ok(false) => {}
        Err(error) => return Ok(vec![unreadable(rule, Severity::Hinders, object, &error)]),
    }
    let own = format!(r"{}\Boot\EFI\bootmgfw.efi", windows.system_root);
    let has_manager = patient.disk().has_file(volume, BOOT_MANAGER)
        || patient.disk().has_file(windows.volume, &own);
    Ok(vec![Finding {
        rule,
        severity: Severity::Hinders,
        object,
        found: "no such file: only an entry of the firmware, which stays with the old machine, starts Windows".to_owned(),
        expected: "the boot manager".to_owned(),
        repair: if has_manager {
            Repair::safe("copy the boot manager there", vec![Step::FallbackLoader])
        } else {
            Repair::advice(NO_COPY)
        },
    }])
}

const NO_COPY: &str = "the guest has no other copy: take the file of an installation medium of this Windows (winkiln fs put)";

fn needed(patient: &mut Patient<'_>, windows: &Windows) -> Result<Vec<Needed>, BakeError> {
    let (root, own) = (&windows.system_root, windows.volume);
    let mut needed = Vec::new();
    let in_windows = |path: &str| (own, format!(r"{root}\{path}"));
    if let (BootKind::BootIni, Some((volume, _))) = (windows.boot.kind, &windows.boot.file) {
        for name in ["ntldr", "ntdetect.com"] {
            needed.push(Needed {
                volume: *volume,
                path: format!(r"\{name}"),
                copies: vec![
                    in_windows(&format!(r"ServicePackFiles\i386\{name}")),
                    in_windows(&format!(r"i386\{name}")),
                    (own, format!(r"\i386\{name}")),
                ],
            });
        }
    }
    if let Some((volume, _, bytes)) = patient.boot_ini()? {
        // NTLDR reads a disk that no BIOS knows by a driver beside it. Source: Microsoft, KB102873, "BOOT.INI and ARC path naming".
        let ini = BootIni::parse(&bytes).ok();
        let entry = ini.and_then(|ini| ini.entries().into_iter().nth(ini.default_entry()));
        let is_scsi =
            |path: &str| path.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("scsi("));
        if entry.is_some_and(|entry| is_scsi(&entry.path)) {
            needed.push(Needed { volume, path: r"\ntbootdd.sys".to_owned(), copies: Vec::new() });
        }
    }
    if let (BootKind::Bcd, Some((volume, _))) = (windows.boot.kind, &windows.boot.file) {
        needed.push(if windows.boot.firmware == Firmware::Uefi {
            let mut copies = vec![in_windows(r"Boot\EFI\bootmgfw.efi")];
            let fallback = windows.architecture.fallback_loader();
            copies.extend(fallback.map(|name| (*volume, format!(r"\EFI\Boot\{name}"))));
            Needed { volume: *volume, path: BOOT_MANAGER.to_owned(), copies }
        } else {
            let copies = vec![in_windows(r"Boot\PCAT\bootmgr")];
            Needed { volume: *volume, path: r"\bootmgr".to_owned(), copies }
        });
        needed.extend(loader(patient, windows)?);
    }
    for name in ["ntoskrnl.exe", "hal.dll"] {
        needed.push(Needed {
            volume: own,
            path: format!(r"{root}\System32\{name}"),
            copies: vec![in_windows(&format!(r"System32\dllcache\{name}"))],
        });
    }
    Ok(needed)
}

/// The program that the default entry of a store starts: volume and path, when they are on this disk.
pub(crate) fn loader_place(
    patient: &mut Patient<'_>,
    windows: &Windows,
) -> Result<Option<(u32, String)>, BakeError> {
    let volume = default_place(patient, windows, "device")?;
    let path = patient.element("{default}", "path")?;
    Ok(volume.zip(path.map(|element| element.to_text())))
}

/// The volume that a device of the default entry is, when it is on this disk.
pub(crate) fn default_place(
    patient: &mut Patient<'_>,
    windows: &Windows,
    element: &str,
) -> Result<Option<u32>, BakeError> {
    let table = patient.disk().table().clone();
    let device = patient.element("{default}", element)?;
    Ok(device.and_then(|device| place_of(&table, windows, &device.value)))
}

/// The volume that a device of an entry is, when it is on this disk.
pub(super) fn place_of(
    table: &PartitionTable,
    windows: &Windows,
    value: &ElementValue,
) -> Option<u32> {
    let ElementValue::Device(device) = value else { return None };
    match device.place {
        // Where the boot manager was loaded from.
        Place::Boot => windows.boot.file.as_ref().map(|(volume, _)| *volume),
        Place::Partition(partition) => named_volume(table, partition),
        _ => None,
    }
}

fn loader(patient: &mut Patient<'_>, windows: &Windows) -> Result<Option<Needed>, BakeError> {
    let Some((volume, path)) = loader_place(patient, windows)? else { return Ok(None) };
    // An entry of another volume is another Windows.
    if volume != windows.volume {
        return Ok(None);
    }
    let name = path.rsplit('\\').next().unwrap_or_default().to_owned();
    let copies = vec![(volume, format!(r"{}\System32\Boot\{name}", windows.system_root))];
    Ok(Some(Needed { volume, path, copies }))
}

/// Puts a copy in the place of what is missing.
fn copied(patient: &mut Patient<'_>, needed: &Needed) -> Result<Repair, BakeError> {
    for (volume, path) in &needed.copies {
        if !patient.disk().has_file(*volume, path) {
            continue;
        }
        let Ok(bytes) = patient.disk().volume(*volume)?.read(path, FILE_MAX) else { continue };
        let put = Step::PutFile {
            path: needed.path.clone(),
            contents: Contents::Bytes(bytes),
            parents: true,
        };
        let step = Step::OnVolume { volume: needed.volume, step: Box::new(put) };
        return Ok(Repair::safe(format!("copy {path} of volume {volume} there"), vec![step]));
    }
    Ok(Repair::advice(NO_COPY))
}
