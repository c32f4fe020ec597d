//! A hive written anew inside its volume: compacted, or repaired.

use std::sync::Arc;

use winkiln_hive::{Hive, Loss};

use crate::error::with_causes;
use crate::hive_logs::{self, LoadedHive};
use crate::{Disk, GuestError, HiveFile};

/// Why a hive is written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewrite {
    /// To give back the space that nothing uses.
    Compact,
    /// To hold what can be read of a damaged one.
    Repair,
}

/// A hive written anew, not yet in its file.
#[derive(Debug, Clone)]
pub struct HiveRewrite {
    /// The hive's file.
    pub file: HiveFile,
    /// The file as it is.
    pub before: Arc<Vec<u8>>,
    /// The new hive, sealed and sound; `None` when the one that is there is good.
    pub after: Option<Arc<Vec<u8>>>,
    /// What was left out, in a repair.
    pub losses: Vec<Loss>,
    /// That it was not closed properly, and what was done about it.
    pub note: Option<String>,
    /// Paths of the logs that the new hive has no use for, on the same volume.
    pub logs: Vec<String>,
}

impl Disk {
    /// Makes a new hive of the one in a file, in memory. What its logs can bring back is brought back first.
    ///
    /// # Errors
    /// For a compaction, when the hive is damaged or its logs do not help; for a repair, when the file is no hive or its
    /// root key is gone; [`GuestError::Unsound`] should the new hive not be sound.
    pub fn plan_rewrite(
        &mut self,
        file: &HiveFile,
        why: Rewrite,
        now: u64,
    ) -> Result<HiveRewrite, GuestError> {
        let volume = self.volume(file.volume)?;
        let failed = |source| GuestError::Volume { number: file.volume, source };
        let before = Arc::new(hive_logs::read(volume, file)?);
        let mut plan = HiveRewrite {
            file: file.clone(),
            before: Arc::clone(&before),
            after: None,
            losses: Vec::new(),
            note: None,
            logs: Vec::new(),
        };
        let loaded = hive_logs::load_bytes(volume, file, Arc::clone(&before));
        let in_hive = |source| GuestError::Hive { path: file.path.clone(), source };
        let mut bytes = before;
        match (&loaded, why) {
            (Ok(LoadedHive { hive, recovered: None }), Rewrite::Repair)
                if hive.check().is_empty() =>
            {
                return Ok(plan);
            }
            (Ok(LoadedHive { hive, recovered: Some(recovered) }), _) => {
                plan.note = Some(recovered.to_string());
                plan.logs.clone_from(&recovered.logs);
                bytes = hive.shared_bytes();
            }
            (Err(error), Rewrite::Repair) if error.logs_may_help() => {
                plan.logs = hive_logs::paths(volume, &file.path).map_err(failed)?;
                if !plan.logs.is_empty() {
                    plan.note = Some(format!("logs were of no use: {}", with_causes(error)));
                }
            }
            _ => {}
        }
        let mut hive = match why {
            Rewrite::Compact => {
                let LoadedHive { hive, recovered } = loaded?;
                let compact = hive.compact().map_err(in_hive)?;
                if recovered.is_none() && compact.bytes().len() >= plan.before.len() {
                    return Ok(plan);
                }
                compact
            }
            Rewrite::Repair => {
                let (repaired, losses, _) = Hive::repair(&bytes).map_err(in_hive)?;
                plan.losses = losses;
                repaired
            }
        };
        hive_logs::pass(volume, &file.path, &mut hive);
        hive.seal(now);
        if let Some(first) = hive.check().into_iter().next() {
            return Err(GuestError::Unsound { path: file.path.clone(), first });
        }
        plan.after = Some(hive.shared_bytes());
        Ok(plan)
    }

    /// Writes the new hive to its file and empties its logs.
    ///
    /// # Errors
    /// When the volume refuses; the transaction below must then be dropped.
    pub fn write_rewrite(&mut self, plan: &HiveRewrite) -> Result<(), GuestError> {
        let Some(after) = &plan.after else { return Ok(()) };
        let HiveFile { volume: number, path } = &plan.file;
        let failed = |source| GuestError::Volume { number: *number, source };
        let volume = self.volume_mut(*number)?;
        let length = after.len() as u64;
        if length > plan.before.len() as u64 {
            volume.set_size(path, length).map_err(failed)?;
        }
        volume.write_at(path, 0, after).map_err(failed)?;
        volume.set_size(path, length).map_err(failed)?;
        for log in &plan.logs {
            volume.set_size(log, 0).map_err(failed)?;
        }
        Ok(())
    }
}
