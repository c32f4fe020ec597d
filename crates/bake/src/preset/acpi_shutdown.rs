//! The ACPI power button shuts the guest down with nobody logged on.

use super::plan::Planner;
use crate::BakeError;

const POLICIES: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\policies\system";
const WINDOWS: &str = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Windows";

pub(super) fn plan(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    planner.dword(POLICIES, "ShutdownWithoutLogon", 1);
    planner.dword(POLICIES, "DisableCAD", 1);
    // Seconds that a logged-on user has to object.
    planner.dword(WINDOWS, "ShutdownWarningDialogTimeout", 3);
    Ok(())
}
