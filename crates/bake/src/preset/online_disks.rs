//! New disks come online.

use super::plan::Planner;
use crate::BakeError;

const KEY: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\partmgr\Parameters";

/// On every Windows, so that one recipe leaves the same value everywhere.
pub(super) fn plan(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    planner.warn(if planner.facts.is_nt5() {
        "this Windows brings every disk online by itself: the value is written and has no effect"
    } else {
        "disks shared between hosts come online too, which damages them unless a cluster guards them"
    });
    // 1: all disks online and writable.
    planner.dword(KEY, "SanPolicy", 1);
    Ok(())
}
