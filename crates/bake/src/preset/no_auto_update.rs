//! Automatic updates off.

use super::plan::Planner;
use crate::BakeError;
use crate::facts::WINDOWS_8_1;

const POLICY: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU";
const SETTING: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update";

pub(super) fn plan(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    planner.dword(POLICY, "NoAutoUpdate", 1);
    if planner.facts.version <= WINDOWS_8_1 {
        // 1: never check for updates.
        planner.dword(SETTING, "AUOptions", 1);
    }
    Ok(())
}
