//! Disks that Windows leaves offline, and drive letters that it gives to others.

use winkiln_bake::Step;
use winkiln_hive::ValueType;

use super::steps::set_dword;
use crate::finding::{Finding, Repair, Severity};
use crate::patient::Patient;
use crate::rule::Look;

/// Source: Microsoft, "SAN policy": 1 online all, 2 offline shared, 3 offline all, 4 offline internal.
const OFFLINE: [(u32, &str); 2] = [(3, "offline all"), (4, "offline internal")];

pub(crate) fn offline(patient: &mut Patient<'_>) -> Look {
    patient.windows()?;
    let key = patient.in_set(r"Services\partmgr\Parameters");
    let found = patient.dword(&key, "SanPolicy")?;
    let Some((number, words)) = OFFLINE.iter().find(|(number, _)| found == Some(*number)) else {
        return Ok(Vec::new());
    };
    Ok(vec![Finding {
        rule: "disks-offline",
        severity: Severity::Note,
        object: format!(r"{key}\SanPolicy"),
        found: format!("{number} ({words})"),
        expected: "1 (online all) or 2 (offline shared)".to_owned(),
        repair: Repair::asked(
            "set SanPolicy to 1",
            "disks that several machines share come online too",
            vec![set_dword(&key, "SanPolicy", 1)],
        ),
    }])
}

/// A Windows whose drive gets another letter starts, and lets nobody log on.
///
/// Source: Microsoft, KB249321, "Unable to log on if the boot partition drive letter has changed".
pub(crate) fn letters(patient: &mut Patient<'_>) -> Look {
    let renamed = patient.renamed_devices()?;
    if renamed.is_empty() {
        return Ok(Vec::new());
    }
    let key = r"HKLM\SYSTEM\MountedDevices";
    let words = renamed.iter().map(|device| {
        format!(
            "{} names {}, volume {} as it was",
            device.name,
            device.was.identity(),
            device.volume
        )
    });
    Ok(vec![Finding {
        rule: "drive-letters",
        severity: Severity::Hinders,
        object: key.to_owned(),
        found: words.collect::<Vec<_>>().join("; "),
        expected: "the partitions of this disk by their own names".to_owned(),
        repair: Repair::safe(
            "give the values the names that the partitions have now",
            renamed
                .into_iter()
                .map(|device| Step::SetValue {
                    key: key.to_owned(),
                    name: device.name,
                    kind: ValueType::Binary,
                    data: device.data,
                })
                .collect(),
        ),
    }])
}
