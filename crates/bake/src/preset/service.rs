//! A service or driver is given another start.

use super::plan::Planner;
use crate::BakeError;
use crate::step::Step;

pub(super) const EXPECTED: &str = "NAME:START, with boot, system, auto, demand or disabled";

/// `Start` of each word. Source: Microsoft, "CurrentControlSet\Services Subkeys".
const STARTS: [(&str, u32); 5] =
    [("boot", 0), ("system", 1), ("auto", 2), ("demand", 3), ("disabled", 4)];

fn read(argument: &str) -> Option<(&str, u32)> {
    let (name, word) = argument.rsplit_once(':')?;
    let (_, start) = STARTS.iter().find(|(known, _)| *known == word)?;
    let is_name = !name.is_empty() && !name.contains(['\\', '/', ':']);
    is_name.then_some((name, *start))
}

pub(super) fn is_argument(argument: &str) -> bool {
    read(argument).is_some()
}

pub(super) fn plan(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    let Some((name, start)) = planner.argument.and_then(read) else {
        return Err(super::PresetError::BadArgument {
            name: planner.name,
            argument: planner.argument.unwrap_or_default().to_owned(),
            expected: EXPECTED,
        }
        .into());
    };
    let key = format!(r"HKLM\SYSTEM\CurrentControlSet\Services\{name}");
    if planner.lookup.values(&key)?.is_empty() {
        return Err(planner.not_for_guest("it has no such service").into());
    }
    planner.dword(&key, "Start", start);
    // On a machine that Windows knows, these decide.
    let overrides = format!(r"{key}\StartOverride");
    for value in planner.lookup.values(&overrides)? {
        planner.step(Step::DeleteValue { key: overrides.clone(), name: value.name });
    }
    Ok(())
}
