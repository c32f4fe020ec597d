//! What Windows writes on a stop error, and whether it restarts after it.

use super::plan::Planner;
use crate::BakeError;
use crate::facts::WINDOWS_8;
use crate::step::Step;

const KEY: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\CrashControl";

pub(super) const EXPECTED: &str =
    "none, small, kernel, complete or automatic, and optionally no-reboot";

/// `CrashDumpEnabled` of each word. Source: Microsoft, "Configure memory dump".
const DUMPS: [(&str, u32); 5] =
    [("none", 0), ("complete", 1), ("kernel", 2), ("small", 3), (AUTOMATIC, 7)];
const AUTOMATIC: &str = "automatic";
const NO_REBOOT: &str = "no-reboot";

/// The dump's word and whether to restart.
fn read(argument: &str) -> Option<(&'static str, u32, bool)> {
    let mut dump = None;
    let mut reboot = true;
    for word in argument.split(',').map(str::trim) {
        if word == NO_REBOOT && reboot {
            reboot = false;
        } else {
            let found = DUMPS.iter().find(|(known, _)| *known == word)?;
            if dump.replace(*found).is_some() {
                return None;
            }
        }
    }
    let (word, number) = dump.unwrap_or(DUMPS[0]);
    Some((word, number, reboot))
}

pub(super) fn is_argument(argument: &str) -> bool {
    read(argument).is_some()
}

pub(super) fn plan(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    let argument = planner.argument.unwrap_or("none");
    let Some((word, number, reboot)) = read(argument) else {
        return Err(super::PresetError::BadArgument {
            name: planner.name,
            argument: argument.to_owned(),
            expected: EXPECTED,
        }
        .into());
    };
    if word == AUTOMATIC && planner.facts.version < WINDOWS_8 {
        return Err(planner
            .not_for_guest("automatic dumps exist from Windows 8 and Server 2012 on")
            .into());
    }
    planner.dword(KEY, "CrashDumpEnabled", number);
    planner.dword(KEY, "AutoReboot", u32::from(reboot));
    // With FilterPages, 1 would mean an active dump instead of a complete one.
    let filtered = |name: &str| name.eq_ignore_ascii_case("FilterPages");
    if word == "complete" && planner.lookup.values(KEY)?.iter().any(|value| filtered(&value.name)) {
        planner.step(Step::DeleteValue { key: KEY.to_owned(), name: "FilterPages".to_owned() });
    }
    Ok(())
}
