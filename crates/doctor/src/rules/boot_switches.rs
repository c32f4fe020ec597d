//! Flags left on in the default entry.

use winkiln_bake::{BakeError, Step};
use winkiln_boot::boot_ini::BootIni;

use super::steps::delete_element;
use crate::finding::{Finding, Repair, Severity};
use crate::patient::Patient;
use crate::rule::Look;

/// Elements of the store, or switches of `boot.ini`, that mean one thing.
struct Flags {
    rule: &'static str,
    severity: Severity,
    /// Object, element, and whether its mere presence counts.
    elements: &'static [(&'static str, &'static str, bool)],
    /// Taken off with the others.
    with: &'static [(&'static str, &'static str)],
    /// In lower case, up to `=` or `:`.
    switches: &'static [&'static str],
}

/// Source: Microsoft, BCD reference; "Boot options for Windows Server 2003" (`boot.ini`).
const SAFE_MODE: Flags = Flags {
    rule: "safe-mode",
    severity: Severity::Hinders,
    elements: &[("{default}", "safeboot", true)],
    with: &[("{default}", "safebootalternateshell")],
    switches: &["/safeboot"],
};

const DEBUG: Flags = Flags {
    rule: "kernel-debug",
    severity: Severity::Hinders,
    elements: &[
        ("{default}", "debug", false),
        ("{default}", "bootdebug", false),
        ("{bootmgr}", "bootdebug", false),
    ],
    with: &[],
    switches: &["/debug", "/debugport", "/baudrate", "/crashdebug"],
};

pub(crate) fn safe_mode(patient: &mut Patient<'_>) -> Look {
    look(patient, &SAFE_MODE)
}

pub(crate) fn debug(patient: &mut Patient<'_>) -> Look {
    look(patient, &DEBUG)
}

fn look(patient: &mut Patient<'_>, flags: &Flags) -> Look {
    let mut findings = in_store(patient, flags)?;
    findings.extend(in_boot_ini(patient, flags)?);
    Ok(findings)
}

fn in_store(patient: &mut Patient<'_>, flags: &Flags) -> Look {
    let mut findings = Vec::new();
    for (object, name, by_presence) in flags.elements {
        let Some(element) = patient.element(object, name)? else { continue };
        let text = element.to_text();
        if !by_presence && !text.eq_ignore_ascii_case("yes") {
            continue;
        }
        let mut steps = vec![delete_element(object, name)];
        for (object, name) in flags.with {
            if patient.element(object, name)?.is_some() {
                steps.push(delete_element(object, name));
            }
        }
        findings.push(Finding {
            rule: flags.rule,
            severity: flags.severity,
            object: format!("{object} of the BCD store"),
            found: format!("{name} {text}"),
            expected: format!("no {name}"),
            repair: Repair::safe(format!("take {name} off {object}"), steps),
        });
    }
    Ok(findings)
}

fn in_boot_ini(patient: &mut Patient<'_>, flags: &Flags) -> Result<Vec<Finding>, BakeError> {
    let Some((_, path, bytes)) = patient.boot_ini()? else { return Ok(Vec::new()) };
    let failed = |source| BakeError::BootIni { path: path.clone(), source };
    let ini = BootIni::parse(&bytes).map_err(failed)?;
    let default = ini.default_entry();
    let entries = ini.entries();
    let Some(entry) = entries.get(default) else { return Ok(Vec::new()) };
    let is_meant = |switch: &&String| {
        let name = switch.split(['=', ':']).next().unwrap_or_default();
        flags.switches.iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    let meant: Vec<&String> = entry.switches.iter().filter(is_meant).collect();
    if meant.is_empty() {
        return Ok(Vec::new());
    }
    let found = meant.iter().map(|switch| switch.as_str()).collect::<Vec<_>>().join(" ");
    let steps = meant.iter().map(|switch| Step::BootIniRemoveSwitch {
        entry: Some(default),
        switch: (*switch).clone(),
    });
    Ok(vec![Finding {
        rule: flags.rule,
        severity: flags.severity,
        object: format!("entry {} of {path}", default + 1),
        expected: format!("no {found}"),
        repair: Repair::safe(format!("take {found} off the entry"), steps.collect()),
        found,
    }])
}
