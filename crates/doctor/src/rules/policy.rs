//! Policies against what a new machine needs: Secure Boot, and device installation.

use super::steps::{delete_element, set_dword};
use crate::finding::{Finding, Repair, Severity};
use crate::patient::Patient;
use crate::rule::Look;

/// Source: Microsoft, "Validating Windows UEFI firmware update platform functionality": what Windows found at its last start.
pub(crate) fn secure_boot(patient: &mut Patient<'_>) -> Look {
    patient.windows()?;
    let key = patient.in_set(r"Control\SecureBoot\State");
    if patient.dword(&key, "UEFISecureBootEnabled")? != Some(1) {
        return Ok(Vec::new());
    }
    let mut findings = Vec::new();
    for name in ["testsigning", "nointegritychecks", "debug"] {
        let element = patient.element("{default}", name)?;
        if !element.is_some_and(|element| element.to_text().eq_ignore_ascii_case("yes")) {
            continue;
        }
        findings.push(Finding {
            rule: "secure-boot",
            severity: Severity::Hinders,
            object: format!("{name} of {{default}}"),
            found: "on, and Secure Boot was on when Windows last ran: the boot manager does not take both".to_owned(),
            expected: "off, or Secure Boot off in the virtual machine".to_owned(),
            repair: Repair::asked(
                format!("take {name} off"),
                "drivers that are signed for tests do not load",
                vec![delete_element("{default}", name)],
            ),
        });
    }
    Ok(findings)
}

/// Source: Microsoft, Policy CSP, "DeviceInstallation".
const RESTRICTIONS: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\DeviceInstall\Restrictions";
const DENIALS: [&str; 5] = [
    "DenyUnspecified",
    "DenyDeviceIDs",
    "DenyDeviceClasses",
    "DenyInstanceIDs",
    "DenyRemovableDevices",
];

pub(crate) fn device_installation(patient: &mut Patient<'_>) -> Look {
    patient.windows()?;
    let mut set = Vec::new();
    for value in patient.values(RESTRICTIONS)? {
        let is_on = value.data.first_chunk().copied().map(u32::from_le_bytes) == Some(1);
        if is_on && DENIALS.iter().any(|known| value.name.eq_ignore_ascii_case(known)) {
            set.push(value.name);
        }
    }
    if set.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Finding {
        rule: "install-policy",
        severity: Severity::Note,
        object: RESTRICTIONS.to_owned(),
        found: format!("{} on: devices of the new machine may not be installed", set.join(", ")),
        expected: "no restriction while Windows meets its new machine".to_owned(),
        repair: Repair::asked(
            "turn the restrictions off",
            "until group policy is applied again, any device may be installed",
            set.iter().map(|name| set_dword(RESTRICTIONS, name, 0)).collect(),
        ),
    }])
}
