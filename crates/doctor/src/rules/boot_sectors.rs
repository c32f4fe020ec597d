//! What a BIOS starts: the active partition, and the fields that boot code reckons with.

use winkiln_bake::{BakeError, Step};
use winkiln_boot::boot_sector::{BYTES, MasterBootRecord, VolumeBootSector, VolumeFault};
use winkiln_disk::partition::{PartitionKind, TableKind};
use winkiln_guest::{BootKind, DiskVolume};

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

fn master(patient: &mut Patient<'_>) -> Result<MasterBootRecord, BakeError> {
    let mut sector = [0; BYTES];
    patient.disk().device().read_at(0, &mut sector)?;
    Ok(MasterBootRecord::new(sector))
}

pub(crate) fn active(patient: &mut Patient<'_>) -> Look {
    let Some(volume) = started(patient)? else { return Ok(Vec::new()) };
    let active = master(patient)?.active();
    if active == [volume.number] {
        return Ok(Vec::new());
    }
    let names: Vec<String> = active.iter().map(u32::to_string).collect();
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
        repair: Repair::safe(
            format!("make partition {} the active one", volume.number),
            vec![Step::SetActivePartition { number: volume.number }],
        ),
    }])
}

/// Where the partition starts. Heads and sectors, with which Vista and later do not reckon, are not judged: what a BIOS will tell of
/// the disk is not known here.
pub(crate) fn fields(patient: &mut Patient<'_>) -> Look {
    let Some(volume) = started(patient)? else { return Ok(Vec::new()) };
    let mut sector = [0; BYTES];
    patient.disk().window(volume.number)?.read_at(0, &mut sector)?;
    let Some(sector) = VolumeBootSector::parse(&sector) else { return Ok(Vec::new()) };
    let mut findings = Vec::new();
    for fault in sector.faults(volume.partition.start, None) {
        let (found, expected) = match fault {
            VolumeFault::Hidden { found, expected } => (
                format!("{found} hidden sectors"),
                format!("{expected}, where the partition starts"),
            ),
            VolumeFault::Geometry { .. } | VolumeFault::NoCode => continue,
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
