//! A loose hive written anew: compacted, or repaired.

use std::path::Path;

use winkiln_bake::report::VerifiedBy;
use winkiln_bake::{Change, Io, Report};
use winkiln_guest::Rewrite;
use winkiln_hive::{Hive, HiveError, Loss};
use winkiln_verify::{HiveFact, verify_hive};

use super::{logs, read, replace};
use crate::error::{CliError, Doing as _, Result};

/// What was done.
pub(crate) struct Rewritten {
    /// Warnings among it.
    pub(crate) report: Report,
    /// Bytes of the file before and after.
    pub(crate) before: u64,
    pub(crate) after: u64,
    pub(crate) losses: Vec<Loss>,
}

/// Writes a hive anew.
pub(crate) fn rewrite(path: &Path, why: Rewrite, now: u64, dry_run: bool) -> Result<Rewritten> {
    match why {
        Rewrite::Compact => compact(path, now, dry_run),
        Rewrite::Repair => repair(path, now, dry_run),
    }
}

fn untouched(before: u64, dry_run: bool) -> Rewritten {
    let report = Report {
        drivers: Vec::new(),
        undo: None,
        committed: false,
        dry_run,
        changes: Vec::new(),
        unchanged: 0,
        warnings: Vec::new(),
        io: Io::default(),
        verified: Vec::new(),
    };
    Rewritten { report, before, after: before, losses: Vec::new() }
}

/// Writes a sound hive anew without the space that nothing uses.
fn compact(path: &Path, now: u64, dry_run: bool) -> Result<Rewritten> {
    let bytes = read(path)?;
    let before = bytes.len() as u64;
    let logs::Loaded { hive, recovered } = logs::load(path, bytes)?;
    let compacted = hive.compact().doing(|| format!("cannot compact {}", path.display()))?;
    let mut done = untouched(before, dry_run);
    if let Some((_, recovery)) = &recovered {
        done.report.warnings.push(logs::told(path, *recovery));
    }
    if compacted.bytes().len() as u64 >= before && recovered.is_none() {
        done.report.unchanged = 1;
        return Ok(done);
    }
    let logs = recovered.map(|(logs, _)| logs).unwrap_or_default();
    write(path, compacted, &logs, now, dry_run, &mut done)?;
    Ok(done)
}

/// Writes a damaged hive anew with all that can be read. A sound one is left alone.
fn repair(path: &Path, now: u64, dry_run: bool) -> Result<Rewritten> {
    let bytes = read(path)?;
    let before = bytes.len() as u64;
    let mut done = untouched(before, dry_run);
    // What the logs can bring back is not lost.
    let (mut bytes, mut logs) = (bytes, Vec::new());
    match logs::load(path, bytes.clone()) {
        Ok(logs::Loaded { hive, recovered: None }) if hive.check().is_empty() => {
            done.report.unchanged = 1;
            return Ok(done);
        }
        Ok(logs::Loaded { hive, recovered: Some((beside, recovery)) }) => {
            done.report.warnings.push(logs::told(path, recovery));
            bytes = hive.bytes().to_vec();
            logs = beside;
        }
        Ok(_) => {}
        Err(error) => {
            let unfinished = matches!(
                Hive::open(bytes.clone()),
                Err(HiveError::Dirty { .. } | HiveError::Checksum { .. })
            );
            if unfinished {
                done.report.warnings.push(format!("logs were of no use: {}", error.one_line()));
                logs = logs::beside(path)?;
            }
        }
    }
    let (repaired, losses, _) =
        Hive::repair(&bytes).doing(|| format!("cannot repair {}", path.display()))?;
    done.losses = losses;
    write(path, repaired, &logs, now, dry_run, &mut done)?;
    Ok(done)
}

fn write(
    path: &Path,
    mut hive: Hive,
    logs: &[std::path::PathBuf],
    now: u64,
    dry_run: bool,
    done: &mut Rewritten,
) -> Result<()> {
    hive.seal(now);
    if let Some(finding) = hive.check().first() {
        return Err(CliError::fault(format!("the new hive is not sound: {}", finding.text)));
    }
    done.after = hive.bytes().len() as u64;
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    // The root is there, for whoever else reads it.
    let facts = [HiveFact::KeyExists { key: String::new() }];
    let opinion = verify_hive(&name, &hive.shared_bytes(), &facts).map_err(|error| {
        CliError::failed(format!("{}: {error}; nothing was written", path.display()))
    })?;
    let verified = opinion.verified.into_iter();
    done.report.verified = verified
        .map(|verified| VerifiedBy { reader: verified.reader.to_owned(), what: verified.what })
        .collect();
    done.report.changes.push(Change {
        kind: "file",
        target: path.display().to_string(),
        before: Some(format!("{} bytes", done.before)),
        after: Some(format!("{} bytes", done.after)),
    });
    if dry_run {
        return Ok(());
    }
    replace::replace(path, hive.bytes())
        .map_err(|error| CliError::host(format!("cannot write {}", path.display()), &error))?;
    done.report.committed = true;
    done.report.io.image_bytes_written = done.after;
    done.report.io.flushes = 2;
    if let Err(error) = logs::empty(logs) {
        done.report.warnings.push(format!("a log of the hive could not be emptied: {error}"));
    }
    Ok(())
}
