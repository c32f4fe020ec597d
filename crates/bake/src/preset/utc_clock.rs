//! The hardware clock runs in UTC, as on most hypervisors.

use super::plan::Planner;
use crate::BakeError;
use crate::facts::WINDOWS_7;

const KEY: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\TimeZoneInformation";

pub(super) fn plan(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    planner.dword(KEY, "RealTimeIsUniversal", 1);
    if planner.facts.version < WINDOWS_7 {
        planner.warn("Windows before 7 and 2008 R2 may lose the setting's effect when daylight saving time changes or after standby; have the guest keep time over the network");
    }
    Ok(())
}
