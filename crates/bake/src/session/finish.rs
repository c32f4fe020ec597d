//! Saving, the second opinion, and the commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use winkiln_guest::{HiveFile, HiveName};
use winkiln_verify::{Claim, Contents, HiveFact, ValueFact, ValueFingerprint, verify_volume};

use super::Session;
use crate::BakeError;
use crate::ledger::{Entry, Ledger, State, Target};
use crate::report::{Io, Report, VerifiedBy};
use crate::value_text::type_number;

pub(super) fn finish(mut session: Session) -> Result<Report, BakeError> {
    if session.failed {
        return Err(BakeError::StepFailed);
    }
    let (changes, untold) = session.ledger.changes_up_to(session.told_max.unwrap_or(usize::MAX));
    let mut report = Report {
        committed: false,
        dry_run: session.dry_run,
        changes,
        untold,
        unchanged: session.ledger.unchanged,
        warnings: Vec::new(),
        drivers: Vec::new(),
        undo: None,
        kept_addresses: Vec::new(),
        overlay: None,
        io: Io::default(),
        verified: Vec::new(),
        verified_untold: 0,
    };
    // Edits that cancel each other out may have left traces in the transaction; they go with it.
    if !session.ledger.is_empty() {
        let saved = save(&mut session)?;
        verify(&mut session, &saved, &mut report)?;
        if !session.dry_run {
            report.committed = session.transaction.commit()?.committed;
            report.undo = session.undo.take().filter(|_| report.committed);
        }
    }
    if !session.dry_run {
        session.transaction.publish()?;
        report.overlay = session.overlay.take();
    }
    report.io = session.transaction.io().into();
    let recovered = session.guest.iter().flat_map(|guest| guest.registry.recovered());
    let recovered: Vec<String> = recovered.map(ToString::to_string).collect();
    for hive in recovered {
        session.warn(hive);
    }
    session.warn_of_shadow_copies();
    report.drivers = session.drivers;
    report.kept_addresses = session.kept_addresses;
    report.warnings = session.warnings;
    Ok(report)
}

/// Writes hives and caches to the transaction.
fn save(session: &mut Session) -> Result<Vec<(HiveName, HiveFile)>, BakeError> {
    let Session { guest, disk, now, .. } = session;
    let saved = match guest {
        Some(guest) => guest.registry.save(disk, *now)?,
        None => Vec::new(),
    };
    disk.flush()?;
    Ok(saved)
}

/// Has every volume that was touched read back.
fn verify(
    session: &mut Session,
    saved: &[(HiveName, HiveFile)],
    report: &mut Report,
) -> Result<(), BakeError> {
    let mut claims: BTreeMap<u32, Vec<Claim>> = BTreeMap::new();
    for (name, file) in saved {
        let claim = hive_claim(session, name, file)?;
        let claims = claims.entry(file.volume).or_default();
        claims.push(claim);
        claims.extend(emptied_logs(session, file));
    }
    for (volume, claim) in session.claims.drain(..) {
        claims.entry(volume).or_default().push(claim);
    }
    let ledger = &session.ledger;
    for (volume, claim) in ledger.entries().iter().filter_map(|entry| file_claim(entry, ledger)) {
        claims.entry(volume).or_default().push(claim);
    }
    for (volume, claims) in claims {
        let device = session.disk.window(volume)?;
        let opinion = verify_volume(device, &claims)
            .map_err(|source| BakeError::Verify { volume, source })?;
        report.verified.extend(opinion.verified.into_iter().map(VerifiedBy::from));
        for skipped in opinion.skipped {
            session.warn(skipped.to_string());
        }
    }
    Ok(())
}

/// The whole hive as it lies in memory, and what was asked of it.
fn hive_claim(session: &mut Session, name: &HiveName, file: &HiveFile) -> Result<Claim, BakeError> {
    let keys = session.ledger.entries().chunk_by(are_of_one_key);
    let facts = keys.flat_map(|entries| facts(entries, name)).collect();
    let (registry, disk) = session.registry()?;
    let contents = registry.hive(disk, name)?.shared_bytes();
    Ok(Claim::Hive { path: file.path.clone(), contents, facts })
}

/// Tells whether both are values of one key.
fn are_of_one_key(one: &Entry, other: &Entry) -> bool {
    match (&one.target, &other.target) {
        (
            Target::Value { hive, path, .. },
            Target::Value { hive: other_hive, path: other_path, .. },
        ) => hive == other_hive && path == other_path,
        _ => false,
    }
}

/// What should be true of a hive: many values of one key together, by their fingerprints where those will do.
fn facts(entries: &[Entry], hive: &HiveName) -> Vec<HiveFact> {
    let [Entry { target: Target::Value { path: key, .. }, .. }, _, ..] = entries else {
        return entries.iter().filter_map(|entry| fact(entry, hive)).collect();
    };
    let (mut prints, mut named, mut facts) = (Vec::new(), Vec::new(), Vec::new());
    for entry in entries {
        if let Some(print) = fingerprint(entry, hive) {
            prints.push(print);
            continue;
        }
        match fact(entry, hive) {
            Some(HiveFact::Value { name, kind, data, .. }) => {
                named.push(ValueFact { name, found: Some((kind, data)) });
            }
            other => facts.extend(other),
        }
    }
    if !prints.is_empty() {
        facts.push(HiveFact::Fingerprints { key: key.clone(), values: prints });
    }
    if !named.is_empty() {
        facts.push(HiveFact::Values { key: key.clone(), values: named });
    }
    facts
}

/// The fingerprint of a value that should be there.
fn fingerprint(entry: &Entry, hive: &HiveName) -> Option<ValueFingerprint> {
    match (&entry.target, &entry.after) {
        (Target::Value { hive: own, name, .. }, State::Value(kind, data)) if own == hive => {
            ValueFingerprint::to_ask_for(name, type_number(*kind), data)
        }
        _ => None,
    }
}

/// The logs of a hive that was recovered from them: writing it made them empty.
fn emptied_logs(session: &Session, file: &HiveFile) -> Vec<Claim> {
    let recovered = session.guest.iter().flat_map(|guest| guest.registry.recovered());
    let logs = recovered.filter(|hive| hive.file == *file).flat_map(|hive| &hive.logs);
    logs.map(|log| Claim::File { path: log.clone(), contents: Contents::Bytes(Arc::default()) })
        .collect()
}

fn fact(entry: &Entry, hive: &HiveName) -> Option<HiveFact> {
    match (&entry.target, &entry.after) {
        (Target::Key { hive: h, path }, after) if h == hive => {
            let key = path.clone();
            Some(match after {
                State::Absent => HiveFact::KeyAbsent { key },
                _ => HiveFact::KeyExists { key },
            })
        }
        (Target::Value { hive: h, path, name }, after) if h == hive => {
            let (key, name) = (path.clone(), name.clone());
            Some(match after {
                State::Value(kind, data) => {
                    HiveFact::Value { key, name, kind: type_number(*kind), data: data.clone() }
                }
                _ => HiveFact::ValueAbsent { key, name },
            })
        }
        (Target::Element { object, id, .. }, after) if *hive == HiveName::Bcd => {
            let key = format!(r"Objects\{object}\Elements\{id:08x}");
            Some(match after {
                State::Element(_, kind, data) => HiveFact::Value {
                    key,
                    name: "Element".to_owned(),
                    kind: type_number(*kind),
                    data: data.clone(),
                },
                _ => HiveFact::KeyAbsent { key },
            })
        }
        (Target::Object { object }, after) if *hive == HiveName::Bcd => {
            let key = format!(r"Objects\{object}");
            Some(match after {
                State::Absent => HiveFact::KeyAbsent { key },
                _ => HiveFact::KeyExists { key },
            })
        }
        _ => None,
    }
}

fn file_claim(entry: &Entry, ledger: &Ledger) -> Option<(u32, Claim)> {
    match (&entry.target, &entry.after) {
        (Target::Link { volume, path }, State::Link { junction, target }) => {
            let (path, target) = (path.clone(), target.clone());
            Some((*volume, Claim::Link { path, junction: *junction, target }))
        }
        (Target::Link { volume, path }, State::HardLink { other }) => {
            let path = path.clone();
            // The other name may have gone since, or a folder above it.
            let gone = ledger.is_gone(*volume, other);
            Some((
                *volume,
                if gone {
                    Claim::FileExists { path }
                } else {
                    Claim::SameFile { path, other: other.clone() }
                },
            ))
        }
        (Target::File { volume, path } | Target::BootIni { volume, path }, State::File(file)) => {
            let path = path.clone();
            Some(match file.claimed() {
                Some(fingerprint) => {
                    let contents = Contents::Fingerprint(fingerprint);
                    (*volume, Claim::File { path, contents })
                }
                None => (*volume, Claim::FileExists { path }),
            })
        }
        (Target::BootIni { volume, path }, State::BootIni(contents)) => {
            let contents = Contents::Bytes(Arc::clone(contents));
            Some((*volume, Claim::File { path: path.clone(), contents }))
        }
        (Target::Folder { volume, path }, State::Folder) => {
            Some((*volume, Claim::Directory { path: path.clone() }))
        }
        (
            Target::File { volume, path }
            | Target::Folder { volume, path }
            | Target::Link { volume, path }
            | Target::BootIni { volume, path },
            State::Absent,
        ) => Some((*volume, Claim::Absent { path: path.clone() })),
        _ => None,
    }
}
