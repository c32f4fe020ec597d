//! Control sets, and the last one that was known to be good.
//!
//! Source: Microsoft, KB100010, "What are control sets? What is CurrentControlSet?": the boot loader takes the set of
//! `Select\Default`. Microsoft, KB102984: `Failed` names the set that the last known good one replaced when it was last called for,
//! and goes on naming it.

use winkiln_bake::BakeError;

use super::steps::set_dword;
use crate::finding::{Finding, Repair, Severity};
use crate::patient::Patient;
use crate::rule::Look;

const SELECT: &str = r"HKLM\SYSTEM\Select";

/// The numbers of the sets that there are.
fn sets(patient: &mut Patient<'_>) -> Result<Vec<u32>, BakeError> {
    let names = patient.subkeys(r"HKLM\SYSTEM")?.unwrap_or_default();
    let number = |name: &String| {
        let name = name.to_ascii_lowercase();
        name.strip_prefix("controlset").filter(|digits| digits.len() == 3)?.parse().ok()
    };
    Ok(names.iter().filter_map(number).collect())
}

pub(crate) fn missing(patient: &mut Patient<'_>) -> Look {
    patient.windows()?;
    let sets = sets(patient)?;
    let mut good = None;
    for name in ["Current", "Default", "LastKnownGood"] {
        good = good.or(patient.dword(SELECT, name)?.filter(|number| sets.contains(number)));
    }
    let mut findings = Vec::new();
    for name in ["Default", "Current"] {
        let found = patient.dword(SELECT, name)?;
        if found.is_some_and(|number| sets.contains(&number)) {
            continue;
        }
        let repair = match good.or_else(|| sets.first().copied()) {
            Some(number) => Repair::safe(
                format!("set {name} to {number}"),
                vec![set_dword(SELECT, name, number)],
            ),
            None => Repair::advice(
                "the hive has no control set at all: restore it (--fix=hive-damaged, or from a backup)",
            ),
        };
        findings.push(Finding {
            rule: "control-set-missing",
            severity: Severity::Stops,
            object: format!(r"{SELECT}\{name}"),
            found: found.map_or_else(|| "nothing".to_owned(), |number| number.to_string()),
            expected: format!("the number of a control set: {sets:?}"),
            repair,
        });
    }
    Ok(findings)
}

/// The boot loader takes one set, and what edits by `CurrentControlSet` changed is in another.
pub(crate) fn differs(patient: &mut Patient<'_>) -> Look {
    let next = patient.windows()?.next_control_set;
    let sets = sets(patient)?;
    let last = patient.dword(SELECT, "Current")?.filter(|number| sets.contains(number));
    let Some(last) = last.filter(|last| *last != next) else { return Ok(Vec::new()) };
    let default = patient.dword(SELECT, "Default")?;
    let by = if default == Some(next) { "Default" } else { "LastKnownGood" };
    Ok(vec![Finding {
        rule: "control-set-differs",
        severity: Severity::Note,
        object: format!(r"{SELECT}\{by}"),
        found: format!(
            "the next start takes control set {next}; {last} is the one that ran last, and the one that CurrentControlSet means in edits"
        ),
        expected: format!("{last}, as Current says"),
        repair: Repair::asked(
            format!("set Current to {next}, as Windows does when it starts"),
            format!("edits that were made to control set {last} stay without effect"),
            vec![set_dword(SELECT, "Current", next)],
        ),
    }])
}

pub(crate) fn failed(patient: &mut Patient<'_>) -> Look {
    let next = patient.windows()?.next_control_set;
    let Some(failed) = patient.dword(SELECT, "Failed")?.filter(|number| *number != 0) else {
        return Ok(Vec::new());
    };
    if failed != next {
        return Ok(Vec::new());
    }
    let good = patient.dword(SELECT, "LastKnownGood")?.unwrap_or(0);
    let sets = sets(patient)?;
    let repair = if next != good && sets.contains(&good) {
        Repair::asked(
            format!("start control set {good}, the last known good one"),
            format!(
                "drivers and services that were set up since are as they were before in control set {good}"
            ),
            vec![set_dword(SELECT, "Default", good), set_dword(SELECT, "Current", good)],
        )
    } else {
        Repair::asked(
            "set Failed to 0",
            "what made Windows give the set up is not looked for",
            vec![set_dword(SELECT, "Failed", 0)],
        )
    };
    Ok(vec![Finding {
        rule: "control-set-failed",
        severity: Severity::Hinders,
        object: format!(r"{SELECT}\Failed"),
        found: format!(
            "control set {failed} was given up, and is started next; {good} is the last known good one"
        ),
        expected: "another set than the one that is started".to_owned(),
        repair,
    }])
}
