//! A loose hive written anew: compacted, or repaired.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use winkiln_bake::{Change, Report};
use winkiln_guest::Rewrite;
use winkiln_hive::{Hive, Loss};
use winkiln_verify::HiveFact;

use super::file::HiveFile;
use super::ledger::verify_facts;
use super::{Ledger, logs};
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

/// A new hive, and the logs that have nothing more to say once it is written.
type New = (Hive, Vec<PathBuf>);

/// Writes a hive anew.
pub(crate) fn rewrite(path: &Path, why: Rewrite, now: u64, dry_run: bool) -> Result<Rewritten> {
    let file = HiveFile::open_to_edit(path, dry_run, None)?;
    let bytes = Arc::new(file.read()?);
    let before = bytes.len() as u64;
    let report = Ledger::default().report(dry_run);
    let mut done = Rewritten { report, before, after: before, losses: Vec::new() };
    let new = match why {
        Rewrite::Compact => compact(path, bytes, &mut done)?,
        Rewrite::Repair => repair(path, bytes, &mut done)?,
    };
    match new {
        Some(new) => write(path, file, new, now, &mut done)?,
        None => done.report.unchanged = 1,
    }
    Ok(done)
}

/// A sound hive without the space that nothing uses; `None` when there is none to give back.
fn compact(path: &Path, bytes: Arc<Vec<u8>>, done: &mut Rewritten) -> Result<Option<New>> {
    let logs::Loaded { hive, recovered } = logs::load(path, bytes)?;
    let compacted = hive.compact().doing(|| format!("cannot compact {}", path.display()))?;
    let Some((logs, recovery)) = recovered else {
        let is_shorter = (compacted.bytes().len() as u64) < done.before;
        return Ok(is_shorter.then_some((compacted, Vec::new())));
    };
    done.report.warnings.push(logs::told(path, recovery));
    Ok(Some((compacted, logs)))
}

/// What can be read of a damaged hive; `None` for a sound one.
fn repair(path: &Path, bytes: Arc<Vec<u8>>, done: &mut Rewritten) -> Result<Option<New>> {
    let (mut bytes, mut logs) = (bytes, Vec::new());
    // What the logs can bring back is not lost.
    match logs::load(path, Arc::clone(&bytes)) {
        Ok(logs::Loaded { hive, recovered: None }) if hive.check().is_empty() => return Ok(None),
        Ok(logs::Loaded { hive, recovered: Some((beside, recovery)) }) => {
            done.report.warnings.push(logs::told(path, recovery));
            bytes = hive.shared_bytes();
            logs = beside;
        }
        Ok(_) => {}
        Err(error) => {
            if Hive::open(Arc::clone(&bytes)).is_err_and(|fault| fault.logs_may_help()) {
                logs = logs::beside(path)?;
            }
            if !logs.is_empty() {
                done.report.warnings.push(format!("logs were of no use: {}", error.one_line()));
            }
        }
    }
    let (repaired, losses, _) =
        Hive::repair(&bytes).doing(|| format!("cannot repair {}", path.display()))?;
    done.losses = losses;
    Ok(Some((repaired, logs)))
}

fn write(
    path: &Path,
    file: HiveFile,
    (mut hive, logs): New,
    now: u64,
    done: &mut Rewritten,
) -> Result<()> {
    logs::pass(path, &mut hive);
    hive.seal(now);
    if let Some(finding) = hive.check().first() {
        return Err(CliError::fault(format!("the new hive is not sound: {}", finding.text)));
    }
    done.after = hive.bytes().len() as u64;
    // The root is there, for whoever else reads it.
    let facts = vec![[HiveFact::KeyExists { key: String::new() }]];
    verify_facts(path, &hive.shared_bytes(), facts, None, &mut done.report)?;
    done.report.changes.push(Change {
        kind: "file",
        target: path.display().to_string(),
        before: Some(format!("{} bytes", done.before)),
        after: Some(format!("{} bytes", done.after)),
    });
    if done.report.dry_run {
        return Ok(());
    }
    done.report.io = file.new_contents(hive.bytes())?.publish()?;
    done.report.committed = true;
    logs::empty(&logs, &mut done.report);
    Ok(())
}
