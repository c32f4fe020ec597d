//! Shutting down ends in a clean volume: no fast startup, no hibernation.

use super::plan::Planner;
use crate::BakeError;

const SESSION_POWER: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Power";
const POWER: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\Power";

/// Both values on every Windows, so that one recipe leaves the same keys everywhere; those without fast startup ignore them.
pub(super) fn plan(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    if planner.facts.is_nt5() {
        planner.warn("this Windows has no fast startup: the values are written and have no effect");
    }
    planner.dword(SESSION_POWER, "HiberbootEnabled", 0);
    planner.dword(POWER, "HibernateEnabled", 0);
    Ok(())
}
