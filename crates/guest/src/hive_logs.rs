//! The transaction logs beside a hive, and the recovery of a hive from them.
//!
//! Windows from 8.1 on leaves changes in the logs and the hive marked as unfinished for hours, and applies them when it
//! loads the hive the next time. So does this module, in memory; [`crate::Registry::save`] writes the result only together
//! with an edit, and then empties the logs: the edited hive is complete and carries higher sequence numbers than any of
//! their entries, so Windows has no use for them, and empty ones (which Windows leaves beside hives itself) can not be
//! applied to it by mistake either, should its base block be damaged later.
//!
//! A hive that was not closed properly and has no logs at all (they were deleted, or only the hive was copied) holds all that
//! is left of it. It is taken as it is, with a warning, where the check finds nothing wrong with it: what a write left half
//! done nearly always breaks its lists or bins. Logs that are there and do not fit are a reason to refuse; so are, for a loose
//! hive, logs that were perhaps only not copied.
//!
//! Source: M. Suhanov, "Windows registry file format specification", "Format of transaction log files" and "Dirty state of
//! a hive".

use std::fmt;
use std::sync::Arc;

use winkiln_hive::{Hive, HiveError, Recovery};
use winkiln_volume::{Volume, VolumeError};

use crate::{GuestError, HiveFile};

/// Bytes of a hive file or a log: above what Windows loads in practice, below what would exhaust memory.
pub(crate) const SIZE_MAX: u64 = 512 << 20;
/// What is said of a hive that was not closed properly and has no logs, after its name.
const TAKEN_AS_IT_IS: &str = "was not closed properly and has no logs: its structure is whole, so it is taken as it is; \
    what Windows had still to write to it is lost";
/// What Windows appends to a hive's name for its logs; before Vista there is only the first.
const LOGS: [&str; 3] = ["LOG", "LOG1", "LOG2"];

/// A hive that was not closed properly and was recovered from its logs, in memory; or taken as it is, where it has none and its
/// structure is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveredHive {
    /// The hive's file.
    pub file: HiveFile,
    /// Paths of the logs beside it that were not empty, on the same volume; none for a hive that is taken as it is.
    pub logs: Vec<String>,
    /// What was applied.
    pub recovery: Recovery,
}

impl fmt::Display for RecoveredHive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.file.path;
        if self.logs.is_empty() {
            return write!(f, "registry hive {path} {TAKEN_AS_IT_IS}");
        }
        let Recovery { entries, base_block } = self.recovery;
        let entries = if entries == 1 { "1 entry".into() } else { format!("{entries} entries") };
        let base_block = if base_block { " and the base block" } else { "" };
        write!(
            f,
            "registry hive {path} was not closed properly: it was recovered from its logs ({entries}{base_block})"
        )
    }
}

/// A hive that can be edited.
pub(crate) struct LoadedHive {
    pub(crate) hive: Hive,
    /// What was done to it, when it was not closed properly.
    pub(crate) recovered: Option<RecoveredHive>,
}

/// Reads a hive, and recovers it when Windows would.
pub(crate) fn load(volume: &Volume, file: &HiveFile) -> Result<LoadedHive, GuestError> {
    load_bytes(volume, file, Arc::new(read(volume, file)?))
}

/// Reads the bytes of a hive's file.
pub(crate) fn read(volume: &Volume, file: &HiveFile) -> Result<Vec<u8>, GuestError> {
    let failed = |source| GuestError::Volume { number: file.volume, source };
    volume.read(&file.path, SIZE_MAX).map_err(failed)
}

/// As [`load`], of a file that has been read.
pub(crate) fn load_bytes(
    volume: &Volume,
    file: &HiveFile,
    bytes: Arc<Vec<u8>>,
) -> Result<LoadedHive, GuestError> {
    let HiveFile { volume: number, path } = file;
    let failed = |source| GuestError::Volume { number: *number, source };
    let fault = match Hive::open(Arc::clone(&bytes)) {
        Ok(hive) => return Ok(LoadedHive { hive, recovered: None }),
        Err(fault) => fault,
    };
    let may_help = fault.logs_may_help();
    let logs = if may_help { paths(volume, path).map_err(failed)? } else { Vec::new() };
    if logs.is_empty() {
        if matches!(fault, HiveError::Dirty { .. })
            && let Ok(hive) = Hive::open_without_logs(bytes)
        {
            let recovery = Recovery::default();
            let recovered = Some(RecoveredHive { file: file.clone(), logs, recovery });
            return Ok(LoadedHive { hive, recovered });
        }
        return Err(unusable(path, logs, fault));
    }
    let contents = read_all(volume, &logs).map_err(failed)?;
    let contents: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
    let (mut hive, recovery) = match Hive::recover(&bytes, &contents) {
        Ok(recovered) => recovered,
        Err(error) if error == fault => return Err(unusable(path, logs, fault)),
        Err(source) => return Err(GuestError::HiveRecovery { path: path.clone(), source }),
    };
    let mut new = hive.new_findings(&bytes).into_iter();
    if let Some(first) = new.next() {
        let count = new.len() + 1;
        return Err(GuestError::DamagedAfterRecovery { path: path.clone(), count, first });
    }
    hive.pass_logs(&contents);
    let recovered = Some(RecoveredHive { file: file.clone(), logs, recovery });
    Ok(LoadedHive { hive, recovered })
}

/// Reads a hive as it is, whatever its logs hold: for showing, never for editing.
pub(crate) fn load_unrecovered(volume: &Volume, path: &str) -> Option<Hive> {
    Hive::open_unrecovered(volume.read(path, SIZE_MAX).ok()?).ok()
}

/// Moves an edited hive that had no use for its logs past whatever they hold: they may be newer than the hive.
pub(crate) fn pass(volume: &Volume, path: &str, hive: &mut Hive) {
    // Windows does not look at the logs of such a hive: unreadable ones are no reason to refuse it.
    let logs = paths(volume, path).and_then(|logs| read_all(volume, &logs)).unwrap_or_default();
    hive.pass_logs(&logs.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

/// Empties the logs of a recovered hive.
pub(crate) fn empty(volume: &mut Volume, path: &str) -> Result<(), VolumeError> {
    for log in paths(volume, path)? {
        volume.set_size(&log, 0)?;
    }
    Ok(())
}

/// The logs beside a hive that are not empty.
pub(crate) fn paths(volume: &Volume, path: &str) -> Result<Vec<String>, VolumeError> {
    let mut logs = Vec::new();
    for extension in LOGS {
        let log = format!("{path}.{extension}");
        let metadata = volume.metadata(&log)?;
        if metadata.is_some_and(|metadata| !metadata.is_directory && metadata.size > 0) {
            logs.push(log);
        }
    }
    Ok(logs)
}

fn read_all(volume: &Volume, logs: &[String]) -> Result<Vec<Vec<u8>>, VolumeError> {
    logs.iter().map(|log| volume.read(log, SIZE_MAX)).collect()
}

/// The error for a hive that its logs do not help.
fn unusable(path: &str, logs: Vec<String>, fault: HiveError) -> GuestError {
    let path = path.to_owned();
    match fault {
        HiveError::Dirty { primary, secondary } => {
            GuestError::DirtyHive { path, logs, primary, secondary }
        }
        source => GuestError::Hive { path, source },
    }
}
