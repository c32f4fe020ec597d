//! Volumes that Windows did not put away.

use winkiln_guest::DiskVolume;
use winkiln_volume::{Filesystem, Remedies};

use crate::finding::{Cure, Finding, Repair, Severity};
use crate::patient::Patient;
use crate::rule::Look;

/// What a state of a volume is told as.
struct State<'a> {
    rule: &'static str,
    words: &'a [&'a str],
    severity: Severity,
    expected: &'static str,
}

const SAVED: [&str; 2] = ["hibernated", "fast-startup"];
const LOG: &str = "log-not-clean";
const DIRTY: [&str; 2] = ["dirty", "check-underway"];

fn told(patient: &mut Patient<'_>, state: &State<'_>, repair: impl Fn() -> Repair) -> Look {
    let volumes = patient.disk().volumes().to_vec();
    let mut findings = Vec::new();
    // What is encrypted may be where Windows is, as long as no other is found.
    let is_closed = |filesystem| matches!(filesystem, Filesystem::BitLocker | Filesystem::ReFs);
    let none_found = patient.installed().is_none();
    let is_ours = |volume: &&DiskVolume| {
        volume.holds_files() || none_found && is_closed(volume.identity.filesystem)
    };
    for volume in volumes.iter().filter(is_ours) {
        for word in &volume.identity.reasons {
            if !state.words.contains(&word.as_str()) {
                continue;
            }
            let detail = volume.identity.details.iter().find(|detail| detail.word == *word);
            let evidence = detail.map(|detail| format!(": {}", detail.evidence));
            findings.push(Finding {
                rule: state.rule,
                severity: state.severity,
                object: format!("volume {}", volume.number),
                found: format!("{word}{}", evidence.unwrap_or_default()),
                expected: state.expected.to_owned(),
                repair: repair(),
            });
        }
    }
    Ok(findings)
}

/// On another machine the session does not resume; disks that were changed under it are damaged by it.
pub(crate) fn hibernated(patient: &mut Patient<'_>) -> Look {
    let state = State {
        rule: "hibernated",
        words: &SAVED,
        severity: Severity::Hinders,
        expected: "a Windows that was shut down",
    };
    told(patient, &state, || Repair::Asked {
        what: "give up the session that Windows saved".to_owned(),
        price: "unsaved work of users who were logged on is lost".to_owned(),
        cure: Cure::Volumes(Remedies { discard_hibernation: true, ..Remedies::default() }),
    })
}

pub(crate) fn log_not_clean(patient: &mut Patient<'_>) -> Look {
    let state = State {
        rule: LOG,
        words: &[LOG],
        severity: Severity::Note,
        expected: "a log without open updates",
    };
    told(patient, &state, || Repair::Safe {
        what: "finish the updates in the log, as Windows does when it starts".to_owned(),
        cure: Cure::Volumes(Remedies { replay_log: true, ..Remedies::default() }),
    })
}

pub(crate) fn dirty(patient: &mut Patient<'_>) -> Look {
    let state = State {
        rule: "volume-dirty",
        words: &DIRTY,
        severity: Severity::Note,
        expected: "a volume that Windows put away",
    };
    told(patient, &state, || {
        Repair::advice(
            "Windows checks the volume when it starts; winkiln check IMAGE tells what is wrong with it; --allow-dirty edits it as it is",
        )
    })
}

pub(crate) fn other(patient: &mut Patient<'_>) -> Look {
    let known: Vec<&str> = SAVED.iter().chain(&DIRTY).copied().chain([LOG]).collect();
    let words: Vec<String> = patient
        .disk()
        .volumes()
        .iter()
        .filter(|volume| volume.identity.filesystem != Filesystem::Unknown)
        .flat_map(|volume| volume.identity.reasons.clone())
        .filter(|word| !known.contains(&word.as_str()))
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let state = State {
        rule: "volume-state",
        words: &words,
        severity: Severity::Hinders,
        expected: "a volume that can be edited",
    };
    told(patient, &state, || Repair::advice("winkiln check IMAGE tells more of the volume"))
}
