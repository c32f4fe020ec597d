//! The control set that last started is started again.

use super::plan::Planner;
use crate::BakeError;

const SELECT: &str = r"HKLM\SYSTEM\Select";

/// As the boot menu's choice does it. Source: Microsoft, KB100010: `Default` is what is started, `LastKnownGood` what last
/// started with somebody logging on.
pub(super) fn plan(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    let values = planner.lookup.values(SELECT)?;
    let number = |name: &str| {
        let value = values.iter().find(|value| value.name.eq_ignore_ascii_case(name))?;
        value.data.first_chunk().copied().map(u32::from_le_bytes)
    };
    let Some(good) = number("LastKnownGood").filter(|good| *good != 0) else {
        return Err(planner.not_for_guest("it knows no last good control set").into());
    };
    if planner.lookup.subkeys(&format!(r"HKLM\SYSTEM\ControlSet{good:03}"))?.is_none() {
        let reason = "the last good control set that it names is not there";
        return Err(planner.not_for_guest(reason).into());
    }
    if number("Default") == Some(good) && number("Current") == Some(good) {
        planner.warn("nothing to do: the last known good control set is the one that is started");
        return Ok(());
    }
    for name in ["Default", "Current"] {
        planner.dword(SELECT, name, good);
    }
    planner.warn("services and drivers that were set up since are as they were in the last known good control set");
    Ok(())
}
