//! A loose hive written anew: compacted, or repaired.

use std::path::Path;

use winkiln_hive::{Hive, HiveError, Loss};

use super::{logs, read, replace};
use crate::error::{CliError, Doing as _, Result};

/// What was done.
#[derive(Debug)]
pub(crate) struct Rewritten {
    pub(crate) committed: bool,
    /// Bytes of the file before and after.
    pub(crate) before: u64,
    pub(crate) after: u64,
    pub(crate) losses: Vec<Loss>,
    pub(crate) warnings: Vec<String>,
}

/// Writes a sound hive anew without the space that nothing uses.
pub(crate) fn compact(path: &Path, now: u64, dry_run: bool) -> Result<Rewritten> {
    let bytes = read(path)?;
    let before = bytes.len() as u64;
    let logs::Loaded { hive, recovered } = logs::load(path, bytes)?;
    let compacted = hive.compact().doing(|| format!("cannot compact {}", path.display()))?;
    let mut done = Rewritten {
        committed: false,
        before,
        after: before,
        losses: Vec::new(),
        warnings: Vec::new(),
    };
    if let Some((_, recovery)) = &recovered {
        done.warnings.push(logs::told(path, *recovery));
    }
    if compacted.bytes().len() as u64 >= before && recovered.is_none() {
        return Ok(done);
    }
    let logs = recovered.map(|(logs, _)| logs).unwrap_or_default();
    write(path, compacted, &logs, now, dry_run, &mut done)?;
    Ok(done)
}

/// Writes a damaged hive anew with all that can be read. A sound one is left alone.
pub(crate) fn repair(path: &Path, now: u64, dry_run: bool) -> Result<Rewritten> {
    let bytes = read(path)?;
    let before = bytes.len() as u64;
    let mut done = Rewritten {
        committed: false,
        before,
        after: before,
        losses: Vec::new(),
        warnings: Vec::new(),
    };
    // What the logs can bring back is not lost.
    let (mut bytes, mut logs) = (bytes, Vec::new());
    match logs::load(path, bytes.clone()) {
        Ok(logs::Loaded { hive, recovered: None }) if hive.check().is_empty() => return Ok(done),
        Ok(logs::Loaded { hive, recovered: Some((beside, recovery)) }) => {
            done.warnings.push(logs::told(path, recovery));
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
                done.warnings.push(format!("logs were of no use: {}", error.one_line()));
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
    if dry_run {
        return Ok(());
    }
    replace::replace(path, hive.bytes())
        .map_err(|error| CliError::host(format!("cannot write {}", path.display()), &error))?;
    done.committed = true;
    if let Err(error) = logs::empty(logs) {
        done.warnings.push(format!("a log of the hive could not be emptied: {error}"));
    }
    Ok(())
}
