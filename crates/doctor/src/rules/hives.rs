//! Registry hives: missing, damaged, or at odds with their logs.

use winkiln_bake::Step;
use winkiln_guest::{HiveFile, Rewrite, is_left_stale};

use super::unreadable::unreadable;
use crate::finding::{Finding, Repair, Severity};
use crate::patient::Patient;
use crate::rule::Look;

/// Hives without which Windows does not start, or nobody logs on.
const HIVES: [(&str, Severity); 5] = [
    ("SYSTEM", Severity::Stops),
    ("SOFTWARE", Severity::Stops),
    ("SAM", Severity::Stops),
    ("SECURITY", Severity::Stops),
    ("DEFAULT", Severity::Hinders),
];

/// The volume and folder of the installation, or of what is left of one.
fn roots(patient: &mut Patient<'_>) -> Vec<(u32, String)> {
    match patient.installed() {
        Some(windows) => vec![(windows.volume, windows.system_root.clone())],
        None => patient.disk().broken_windows(),
    }
}

pub(crate) fn missing(patient: &mut Patient<'_>) -> Look {
    let mut findings = Vec::new();
    for (volume, root) in roots(patient) {
        for (name, severity) in HIVES {
            let path = format!(r"{root}\System32\config\{name}");
            // One that cannot be read is told as damaged.
            if patient.disk().find_file(volume, &path).unwrap_or(true) {
                continue;
            }
            findings.push(Finding {
                rule: "hive-missing",
                severity,
                found: "no such file".to_owned(),
                expected: "a registry hive".to_owned(),
                repair: restore(patient, volume, &root, name)
                    .unwrap_or_else(|| Repair::advice(NO_COPY)),
                object: path,
            });
        }
    }
    Ok(findings)
}

const NO_COPY: &str =
    "there is no copy in RegBack: put one from a backup (winkiln fs put), or one of a shadow copy";

/// The hives that there are, with what their check came to.
pub(crate) fn damaged(patient: &mut Patient<'_>) -> Look {
    let mut findings = Vec::new();
    for (volume, root) in roots(patient) {
        for (name, severity) in HIVES {
            let path = format!(r"{root}\System32\config\{name}");
            match patient.disk().find_file(volume, &path) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(error) => {
                    findings.push(unreadable("hive-damaged", severity, path, &error));
                    continue;
                }
            }
            let checked = patient.disk().check_hive(volume, &path);
            let real: Vec<_> =
                checked.findings.iter().filter(|finding| !is_left_stale(finding)).collect();
            let found = match (&checked.failure, real.first()) {
                (Some(failure), _) => failure.clone(),
                (None, Some(first)) => {
                    format!(
                        "{} faults, the first at {:#x}: {}",
                        real.len(),
                        first.offset,
                        first.text
                    )
                }
                (None, None) => continue,
            };
            let repair = match restore(patient, volume, &root, name) {
                Some(repair) => repair,
                None if checked.failure.is_none() => Repair::asked(
                    format!("write {name} anew with what can be read of it"),
                    "keys and values that the damage hides are lost",
                    vec![Step::RewriteHive {
                        file: HiveFile { volume, path: path.clone() },
                        why: Rewrite::Repair,
                    }],
                ),
                None => Repair::advice(NO_COPY),
            };
            findings.push(Finding {
                rule: "hive-damaged",
                severity,
                object: path,
                found,
                expected: "a sound registry hive".to_owned(),
                repair,
            });
        }
    }
    Ok(findings)
}

/// A hive whose last write was not completed, and which its logs cannot complete.
pub(crate) fn unclean(patient: &mut Patient<'_>) -> Look {
    let mut findings = Vec::new();
    for (volume, root) in roots(patient) {
        for (name, severity) in HIVES {
            let path = format!(r"{root}\System32\config\{name}");
            if !patient.disk().has_file(volume, &path) {
                continue;
            }
            let (found, repair) = match patient.disk().open_hive(volume, &path) {
                Ok(Some(recovered)) if recovered.logs.is_empty() => {
                    let file = HiveFile { volume, path: path.clone() };
                    let repair = Repair::asked(
                        format!("write {name} anew as it is"),
                        "what its logs held is lost, should they be found elsewhere",
                        vec![Step::RewriteHive { file, why: Rewrite::Repair }],
                    );
                    (recovered.to_string(), repair)
                }
                Err(error @ winkiln_guest::GuestError::DirtyHive { .. }) => {
                    let repair = restore(patient, volume, &root, name).unwrap_or_else(|| {
                        Repair::advice(
                            "put the hive's own logs beside it (.LOG1, .LOG2), or shut the guest down properly",
                        )
                    });
                    (error.to_string(), repair)
                }
                Ok(_) | Err(_) => continue,
            };
            findings.push(Finding {
                rule: "hive-unclean",
                severity,
                object: path,
                found,
                expected: "a hive that Windows closed, or logs that complete it".to_owned(),
                repair,
            });
        }
    }
    Ok(findings)
}

/// Puts the copy of `RegBack` in a hive's place, where there is a sound one.
fn restore(patient: &mut Patient<'_>, volume: u32, root: &str, name: &str) -> Option<Repair> {
    patient.disk().backup_hive(volume, root, name)?;
    let place = Some((volume, root.to_owned()));
    Some(Repair::asked(
        format!("put RegBack\\{name} in its place"),
        "everything that Windows wrote to the hive since that copy was made is lost",
        vec![Step::RestoreHive { place, name: name.to_owned() }],
    ))
}
