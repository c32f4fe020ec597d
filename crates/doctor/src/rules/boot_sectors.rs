//! What a BIOS starts: the active partition, and the fields that boot code reckons with.

use winkiln_bake::{BakeError, Step};
use winkiln_boot::boot_sector::{Geometry, VolumeFault};
use winkiln_disk::partition::{PartitionKind, TableKind};
use winkiln_guest::{BootKind, DiskVolume};
use winkiln_volume::Filesystem;

use crate::finding::{Finding, Repair, Severity};
use crate::patient::Patient;
use crate::rule::Look;

/// The primary partition of an MBR disk that holds the boot configuration of a guest that a BIOS starts.
fn started(patient: &mut Patient<'_>) -> Result<Option<DiskVolume>, BakeError> {
    let boot = patient.windows()?.boot;
    let (false, Some((number, _))) = (patient.is_uefi(), boot.file) else { return Ok(None) };
    if boot.kind == BootKind::Missing || patient.disk().table().kind != TableKind::Mbr {
        return Ok(None);
    }
    let is_it = |volume: &&DiskVolume| {
        let kind = &volume.partition.kind;
        volume.number == number && matches!(kind, PartitionKind::Mbr { logical: false, .. })
    };
    Ok(patient.disk().volumes().iter().find(is_it).cloned())
}

pub(crate) fn active(patient: &mut Patient<'_>) -> Look {
    let Some(volume) = started(patient)? else { return Ok(Vec::new()) };
    let active = patient.disk().master_boot_record()?.active();
    if active == [volume.number] {
        return Ok(Vec::new());
    }
    let names: Vec<String> = active.iter().map(u32::to_string).collect();
    let what = format!("make partition {} the active one", volume.number);
    let steps = vec![Step::SetActivePartition { number: volume.number }];
    let started_now = active.iter().find(|number| starts_something(patient, **number)).copied();
    Ok(vec![Finding {
        rule: "active-partition",
        severity: Severity::Stops,
        object: "master boot record".to_owned(),
        found: if names.is_empty() {
            "no active partition".to_owned()
        } else {
            format!("active: {}", names.join(", "))
        },
        expected: format!("partition {}, which holds the boot configuration", volume.number),
        repair: match started_now {
            Some(now) => Repair::asked(
                what,
                format!("what partition {now} starts is not started any more"),
                steps,
            ),
            None => Repair::safe(what, steps),
        },
    }])
}

/// True for a partition that may start something of its own: a boot manager of Windows, or what is no filesystem of Windows'.
fn starts_something(patient: &mut Patient<'_>, number: u32) -> bool {
    let disk = patient.disk();
    let volume = disk.volumes().iter().find(|volume| volume.number == number);
    let Some(filesystem) = volume.map(|volume| volume.identity.filesystem) else { return false };
    match filesystem {
        Filesystem::Ntfs | Filesystem::Fat12 | Filesystem::Fat16 | Filesystem::Fat32 => {
            [r"\bootmgr", r"\ntldr"].iter().any(|path| disk.has_file(number, path))
        }
        _ => true,
    }
}

/// What a BIOS runs first. There is no other copy of it on the disk.
pub(crate) fn no_master_code(patient: &mut Patient<'_>) -> Look {
    if started(patient)?.is_none() || patient.disk().master_boot_record()?.has_code() {
        return Ok(Vec::new());
    }
    Ok(vec![Finding {
        rule: "mbr-code-missing",
        severity: Severity::Stops,
        object: "master boot record".to_owned(),
        found: "no boot code".to_owned(),
        expected: "code that starts the active partition".to_owned(),
        repair: Repair::advice(
            "a disk has no other copy of it: let a recovery console write it (bootrec /fixmbr; fixmbr on Windows XP and 2003), or any partitioning tool",
        ),
    }])
}

/// What the master boot record runs next.
pub(crate) fn no_code(patient: &mut Patient<'_>) -> Look {
    let Some(volume) = started(patient)? else { return Ok(Vec::new()) };
    let number = volume.number;
    if patient.disk().boot_sector(number).is_none_or(|sector| sector.has_code()) {
        return Ok(Vec::new());
    }
    let repair = match patient.disk().boot_code_for(number) {
        Some(found) => Repair::safe(
            format!("take that of {}", found.from),
            vec![Step::MendBootSector { volume: number }],
        ),
        None => Repair::advice(
            "no other volume of the disk has the same: let a recovery console write it (bootrec /fixboot, bootsect /nt60; fixboot on Windows XP and 2003)",
        ),
    };
    Ok(vec![Finding {
        rule: "boot-code-missing",
        severity: Severity::Stops,
        object: format!("boot sector of volume {number}"),
        found: "no boot code".to_owned(),
        expected: "code that starts the boot manager".to_owned(),
        repair,
    }])
}

/// Volumes that nothing can be read from until their first sector is put back.
pub(crate) fn lost(patient: &mut Patient<'_>) -> Look {
    let volumes: Vec<u32> = patient
        .disk()
        .volumes()
        .iter()
        .filter(|volume| volume.identity.filesystem == Filesystem::Unknown)
        .map(|volume| volume.number)
        .collect();
    let mut findings = Vec::new();
    for number in volumes {
        let Some(copy) = patient.disk().lost_boot_sector(number) else { continue };
        findings.push(Finding {
            rule: "boot-sector-lost",
            severity: Severity::Stops,
            object: format!("boot sector of volume {number}"),
            found: format!("none; there is a copy of that of {:?}", copy.kind()),
            expected: "a boot sector".to_owned(),
            repair: Repair::asked(
                "put the copy in its place",
                "something else that was put on the partition since is damaged",
                vec![Step::RestoreBootSector { volume: number }],
            ),
        });
    }
    Ok(findings)
}

/// Where the partition starts, and for Windows XP and 2003 the disk's geometry, with which later ones do not reckon.
pub(crate) fn fields(patient: &mut Patient<'_>) -> Look {
    let Some(volume) = started(patient)? else { return Ok(Vec::new()) };
    let Some(sector) = patient.disk().boot_sector(volume.number) else { return Ok(Vec::new()) };
    let geometry = if patient.windows()?.is_nt5() { patient.disk().geometry()? } else { None };
    let words = |Geometry { heads, sectors_per_track }| {
        format!("{heads} heads, {sectors_per_track} sectors per track")
    };
    let mut findings = Vec::new();
    for fault in sector.faults(volume.partition.start, geometry) {
        let (found, expected) = match fault {
            VolumeFault::Hidden { found, expected } => (
                format!("{found} hidden sectors"),
                format!("{expected}, where the partition starts"),
            ),
            VolumeFault::Geometry { found, expected } => {
                (words(found), format!("{}, as a BIOS tells of the disk", words(expected)))
            }
            VolumeFault::NoCode => continue,
        };
        findings.push(Finding {
            rule: "boot-sector",
            severity: Severity::Stops,
            object: format!("boot sector of volume {}", volume.number),
            found,
            expected,
            repair: Repair::safe(
                "put the fields right, in its copy too",
                vec![Step::MendBootSector { volume: volume.number }],
            ),
        });
    }
    Ok(findings)
}
