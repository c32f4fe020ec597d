//! Disks that Windows leaves offline.

use super::steps::set_dword;
use crate::finding::{Finding, Repair, Severity};
use crate::patient::{Patient, in_set};
use crate::rule::Look;

/// Source: Microsoft, "SAN policy": 1 online all, 2 offline shared, 3 offline all, 4 offline internal.
const OFFLINE: [(u32, &str); 2] = [(3, "offline all"), (4, "offline internal")];

pub(crate) fn offline(patient: &mut Patient<'_>) -> Look {
    patient.windows()?;
    let key = in_set(r"Services\partmgr\Parameters");
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
