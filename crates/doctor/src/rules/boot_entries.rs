//! Entries of the boot configuration: whether they lead to a Windows.

use winkiln_bake::step::Contents;
use winkiln_bake::{BakeError, Step};
use winkiln_boot::bcd::{ElementValue, Retargeted};
use winkiln_boot::boot_ini::BootIni;
use winkiln_guest::error::with_causes;
use winkiln_guest::{ArcPath, BootKind, GuestError, Windows, named_volume};

use super::boot_config::{ANOTHER, arc_path, unless_safe};
use crate::finding::{Finding, Repair, Severity};
use crate::patient::Patient;
use crate::rule::Look;

/// The default entry has to lead to a Windows.
pub(crate) fn elsewhere(patient: &mut Patient<'_>) -> Look {
    match patient.windows()?.boot.kind {
        BootKind::BootIni => boot_ini_elsewhere(patient),
        BootKind::Bcd => store_elsewhere(patient),
        BootKind::Missing => Ok(Vec::new()),
    }
}

const ELSEWHERE: &str = "boot-entry-elsewhere";

fn boot_ini_elsewhere(patient: &mut Patient<'_>) -> Look {
    let windows = patient.windows()?;
    let Some((volume, file, bytes)) = patient.boot_ini()? else { return Ok(Vec::new()) };
    let Ok(ini) = BootIni::parse(&bytes) else { return Ok(Vec::new()) };
    let is_only = patient.is_only_windows()?;
    let table = patient.disk().table().clone();
    let mut findings = Vec::new();
    for (number, entry) in ini.entries().into_iter().enumerate() {
        let is_default = number == ini.default_entry();
        let place = ArcPath::parse(&entry.path);
        // Other entries may be for disks that are not here.
        let is_told = is_default || place.as_ref().is_some_and(|path| path.is_on(&table));
        if !entry.is_windows() || !is_told {
            continue;
        }
        let is_here = place.as_ref().is_none_or(|path| path.is_on(&table));
        let kernel = place.and_then(|path| {
            Some((path.volume(&table)?, format!(r"{}\System32\ntoskrnl.exe", path.folder)))
        });
        // Whether one that cannot be read is there is told by another rule.
        if kernel.is_some_and(|(volume, kernel)| {
            patient.disk().find_file(volume, &kernel).unwrap_or(true)
        }) {
            continue;
        }
        let repair = match arc_path(patient, windows.volume, &windows.system_root) {
            Some(path) if is_default => {
                let contents = Contents::Bytes(replaced(&bytes, &entry.path, &path));
                let put = Step::PutFile { path: file.clone(), contents, parents: false };
                let repair = Repair::safe(
                    format!("make it {path}"),
                    vec![Step::OnVolume { volume, step: Box::new(put) }],
                );
                // Who gives the guest the disk that is named too wants what is there.
                let (price, is_safe) = match is_here {
                    true => (ANOTHER, is_only),
                    false => {
                        ("a guest that has the disk which is named starts this one instead", false)
                    }
                };
                unless_safe(repair, price, is_safe)
            }
            _ if is_default => Repair::advice("write the path of the Windows into it"),
            _ => Repair::advice("nothing to do unless somebody chooses it in the menu"),
        };
        let which =
            if is_default { "default entry".to_owned() } else { format!("entry {}", number + 1) };
        findings.push(Finding {
            rule: ELSEWHERE,
            severity: if is_default { Severity::Stops } else { Severity::Note },
            object: format!("{which} of {file}"),
            found: format!("{}, where this disk has no Windows", entry.path),
            expected: format!("{} of volume {}", windows.system_root, windows.volume),
            repair,
        });
    }
    Ok(findings)
}

/// The text with one path in the place of another, wherever it stands at the start of a line or after `=`.
fn replaced(text: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let ends =
            |byte: Option<&u8>| byte.is_none_or(|byte| *byte == b'=' || byte.is_ascii_whitespace());
        let is_it = rest.get(..from.len()).is_some_and(|head| {
            head.eq_ignore_ascii_case(from.as_bytes())
                && ends(rest.get(from.len()))
                && ends(at.checked_sub(1).and_then(|before| text.get(before)))
        });
        if is_it {
            out.extend_from_slice(to.as_bytes());
            at += from.len();
        } else {
            out.extend(rest.first());
            at += 1;
        }
    }
    out
}

/// Devices of the store that name no partition of this disk, as after a clone got another signature; and a default entry that names
/// one without a Windows. Of other entries only those count of which it can be told what they meant: the rest may be for a disk
/// that is not here.
fn store_elsewhere(patient: &mut Patient<'_>) -> Look {
    let windows = patient.windows()?;
    let Ok(dangling) = patient.dangling() else { return Ok(Vec::new()) };
    let mut started = Vec::new();
    for name in ["{bootmgr}", "{default}"] {
        started.extend(patient.guid(name)?);
    }
    let mut findings = Vec::new();
    for Retargeted { object, before, after } in dangling {
        let is_started = started.contains(&object);
        if !is_started && after.is_none() {
            continue;
        }
        let (expected, repair) = match after.map(|after| after.to_text()) {
            // No text tells all of a device; the step keeps what it leaves out.
            Some(text) => {
                (text.clone(), Repair::safe(format!("make it {text}"), vec![Step::BcdRetarget]))
            }
            None => (
                "a partition of this disk".to_owned(),
                Repair::advice(format!(
                    "winkiln bcd set IMAGE {object} {} partition=N",
                    before.name
                )),
            ),
        };
        findings.push(Finding {
            rule: ELSEWHERE,
            severity: if is_started { Severity::Stops } else { Severity::Hinders },
            object: format!("{} of {object}", before.name),
            found: format!("{}, which is no partition of this disk", before.to_text()),
            expected,
            repair,
        });
    }
    findings.extend(default_without_windows(patient, &windows)?);
    Ok(findings)
}

/// Of a volume that does not open, nobody can tell that it has no Windows.
fn default_without_windows(
    patient: &mut Patient<'_>,
    windows: &Windows,
) -> Result<Option<Finding>, BakeError> {
    let table = patient.disk().table().clone();
    let device = patient.element("{default}", "osdevice").ok().flatten();
    let named = match device.map(|element| element.value) {
        Some(ElementValue::Device(device)) => {
            device.partition().and_then(|partition| named_volume(&table, partition))
        }
        _ => None,
    };
    let Some(volume) = named.filter(|volume| *volume != windows.volume) else { return Ok(None) };
    let value = format!("partition={}", windows.volume);
    let (severity, found, repair) = match has_kernel(patient, volume) {
        Ok(true) => return Ok(None),
        Ok(false) => {
            let steps = ["device", "osdevice"].map(|element| Step::BcdSet {
                object: "{default}".to_owned(),
                element: element.to_owned(),
                value: value.clone(),
            });
            let repair = Repair::safe(format!("make it {value}"), steps.to_vec());
            let repair = unless_safe(repair, ANOTHER, patient.is_only_windows()?);
            (Severity::Stops, format!("volume {volume}, which has no Windows"), repair)
        }
        Err(error) => (
            Severity::Note,
            format!(
                "volume {volume}, which is encrypted or cannot be read, so that nobody can tell whether it has a Windows: {}",
                with_causes(&error)
            ),
            Repair::advice(format!(
                "nothing to do if that one is to start; else winkiln bcd set IMAGE {{default}} osdevice {value}, and the same for device"
            )),
        ),
    };
    Ok(Some(Finding {
        rule: ELSEWHERE,
        severity,
        object: "osdevice of {default}".to_owned(),
        found,
        expected: format!("volume {}", windows.volume),
        repair,
    }))
}

fn has_kernel(patient: &mut Patient<'_>, volume: u32) -> Result<bool, GuestError> {
    let folder = match patient.element("{default}", "systemroot") {
        Ok(Some(element)) => element.to_text(),
        _ => r"\Windows".to_owned(),
    };
    patient.disk().find_file(volume, &format!(r"{folder}\System32\ntoskrnl.exe"))
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn paths_are_replaced_where_they_stand_alone() {
        let (from, to) = (r"multi(0)partition(2)\W", r"multi(0)partition(1)\W");
        let text = b"default=MULTI(0)partition(2)\\W\r\nmulti(0)partition(2)\\W=\"x\"\r\nmulti(0)partition(2)\\WINNT=\"y\"";
        let out = String::from_utf8(replaced(text, from, to)).unwrap();
        assert_eq!(
            out,
            "default=multi(0)partition(1)\\W\r\nmulti(0)partition(1)\\W=\"x\"\r\nmulti(0)partition(2)\\WINNT=\"y\""
        );
    }
}
