//! The transaction logs beside a loose hive, and the recovery of the hive from them, as in an image.
//!
//! The hive and its logs cannot be replaced in one step. So the recovered and edited hive takes the place of the old one
//! first: it is complete and its sequence numbers are above those of all log entries, so that Windows has no use for the
//! logs from then on. Only then are they emptied; whoever is interrupted in between finds a good hive beside stale logs.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use winkiln_bake::Report;
use winkiln_hive::{Hive, HiveError, Recovery};

use super::file::HIVE_BYTES_MAX;
use crate::error::{CliError, Doing as _, Result};

/// What Windows appends to a hive's name for its logs; before Vista there is only the first.
const LOGS: [&str; 3] = [".LOG", ".LOG1", ".LOG2"];

/// A hive, and what its logs did to it.
pub(super) struct Loaded {
    pub(super) hive: Hive,
    /// The logs that are to be emptied once the hive is written, and what was applied; `None` for a hive that was whole.
    pub(super) recovered: Option<(Vec<PathBuf>, Recovery)>,
}

/// Reads a hive, and recovers it from the logs beside it when Windows would.
pub(super) fn load(path: &Path, bytes: Arc<Vec<u8>>) -> Result<Loaded> {
    let opened = || format!("cannot open hive {}", path.display());
    let fault = match Hive::open(Arc::clone(&bytes)) {
        Ok(mut hive) => {
            pass(path, &mut hive);
            return Ok(Loaded { hive, recovered: None });
        }
        Err(fault) => fault,
    };
    let logs = if fault.logs_may_help() { beside(path)? } else { Vec::new() };
    if logs.is_empty() {
        let dirty = matches!(fault, HiveError::Dirty { .. });
        let error = CliError::from(fault).while_doing(opened);
        if !dirty {
            return Err(error);
        }
        return Err(error.hint(format!(
            "put its logs beside it: {0}.LOG1 and {0}.LOG2 ({0}.LOG before Windows Vista); where there are none any more, \
             'winkiln reg repair --hive {0}' makes a clean hive of what it holds",
            path.display()
        )));
    }
    let contents = read_all(&logs)?;
    let contents: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
    let (mut hive, recovery) = Hive::recover(&bytes, &contents)
        .doing(|| format!("cannot recover {} from the logs beside it", path.display()))?;
    if let Some(first) = hive.new_findings(&bytes).first() {
        return Err(CliError::refused(format!(
            "the logs beside {} do not fit it: {} at {:#x}: {}",
            path.display(),
            first.id,
            first.offset,
            first.text
        )));
    }
    hive.pass_logs(&contents);
    Ok(Loaded { hive, recovered: Some((logs, recovery)) })
}

/// Moves a hive that has no use for the logs beside it past whatever they hold.
pub(super) fn pass(path: &Path, hive: &mut Hive) {
    // Windows does not look at the logs of such a hive: unreadable ones are no reason to refuse it.
    let logs = read_all(&beside(path).unwrap_or_default()).unwrap_or_default();
    hive.pass_logs(&logs.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

/// True when a hive has logs beside it that are not empty.
pub(super) fn are_beside(path: &Path) -> Result<bool> {
    beside(path).map(|logs| !logs.is_empty())
}

/// Empties the logs of a hive that was written. Of the first that cannot be emptied, the report warns.
pub(super) fn empty(logs: &[PathBuf], report: &mut Report) {
    let emptied = logs.iter().try_for_each(|log| {
        let file = File::options().write(true).open(log)?;
        file.set_len(0)?;
        file.sync_all()
    });
    if let Err(error) = emptied {
        // Windows passes them over: the hive is complete, and newer than they are.
        report.warnings.push(format!("a log of the hive could not be emptied: {error}"));
    }
}

/// What to tell of a hive that was recovered.
pub(super) fn told(path: &Path, recovery: Recovery) -> String {
    let Recovery { entries, base_block } = recovery;
    let entries = if entries == 1 { "1 entry".into() } else { format!("{entries} entries") };
    let base_block = if base_block { " and the base block" } else { "" };
    format!(
        "hive {} was not closed properly: it was recovered from the logs beside it ({entries}{base_block})",
        path.display()
    )
}

/// The logs beside a hive that are not empty, their names in any case.
pub(super) fn beside(path: &Path) -> Result<Vec<PathBuf>> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (Some(folder), Some(name)) =
        (path.parent(), path.file_name().and_then(|name| name.to_str()))
    else {
        return Ok(Vec::new());
    };
    let failed = |error| CliError::host(format!("cannot read {}", folder.display()), &error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(other) = entry.file_name().into_string() else { continue };
        let is_log = LOGS.iter().any(|end| other.eq_ignore_ascii_case(&format!("{name}{end}")));
        let facts = || fs::metadata(entry.path());
        if is_log && facts().is_ok_and(|facts| facts.is_file() && facts.len() > 0) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn read_all(logs: &[PathBuf]) -> Result<Vec<Vec<u8>>> {
    let read = |log: &PathBuf| {
        let failed = |error: &_| CliError::host(format!("cannot read {}", log.display()), error);
        if fs::metadata(log).map_err(|error| failed(&error))?.len() > HIVE_BYTES_MAX {
            return Err(CliError::refused(format!(
                "{} is longer than a registry hive can be",
                log.display()
            )));
        }
        fs::read(log).map_err(|error| failed(&error))
    };
    logs.iter().map(read).collect()
}
