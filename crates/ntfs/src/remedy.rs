//! What makes a volume writable that Windows did not put away, at a price that the caller names.

use std::sync::Arc;

use winkiln_disk::Device;

use crate::{Error, FileTime, core::Core, log::replay::Plan, log_state::LogState};

/// What may be done to a volume that is not clean. Nothing unless asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Remedies {
    /// Edits a volume whose dirty flag is set. The flag stays, so Windows still checks the volume.
    pub allow_dirty: bool,
    /// Gives up the session that Windows saved: unsaved work of users who were logged on, and what Windows kept in memory of
    /// its volumes.
    pub discard_hibernation: bool,
    /// Replays a log that is not clean, as Windows does when it mounts the volume: nothing that it holds is lost. A log that cannot
    /// be replayed for sure is an error.
    pub replay_log: bool,
    /// Empties a log that is not clean: the updates that it holds are lost, and the volume may contradict itself. Sets the dirty
    /// flag, so that Windows checks it.
    pub reset_log: bool,
}

impl Remedies {
    /// True when the dirty flag is no reason to refuse.
    #[must_use]
    pub fn tolerates_dirty(&self) -> bool {
        self.allow_dirty || self.reset_log
    }
}

/// What was done to a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedied {
    /// The memory image in `hiberfil.sys` is no more.
    HibernationDiscarded {
        /// What it began with, such as `HIBR`.
        signature: String,
    },
    /// A log that Windows kept for a fast startup, in which nothing was left to do, was closed.
    FastStartupDiscarded,
    /// The log was replayed, and emptied.
    LogReplayed {
        /// Operations repeated that had not reached the disk.
        redone: u64,
        /// Operations taken back, of transactions that did not end.
        undone: u64,
    },
    /// The log was emptied, with the updates in it.
    LogReset {
        /// The dirty flag was set by it.
        marked_dirty: bool,
    },
}

/// Does what `remedies` allow and the volume's state calls for, and writes it to `device`. A volume that needs nothing is not
/// written to.
///
/// Open the volume afterwards; one that still is not clean is refused then. After an error the device holds half of it and must
/// be discarded.
///
/// # Errors
/// [`Error::NotClean`] when the log is to be replayed or reset while Windows is hibernated; those of reading and writing.
pub fn apply(
    device: Arc<dyn Device>,
    remedies: Remedies,
    now: FileTime,
) -> Result<Vec<Remedied>, Error> {
    let mut core = Core::open(device.clone(), now)?;
    let mut done = Vec::new();
    if let Some(image) = core.hibernation_image()? {
        if remedies.discard_hibernation {
            core.operation(|core| core.discard_hibernation(&image))?;
            done.push(Remedied::HibernationDiscarded { signature: image.signature });
        } else if remedies.reset_log || remedies.replay_log {
            return Err(Error::NotClean { reasons: core.volume_state()?.reasons });
        } else {
            return Ok(done);
        }
    }
    match core.log_facts()?.state {
        LogState::NotClean if remedies.replay_log => {
            let Plan { file_records, redone, undone, .. } = core.replay_log()?;
            core = Core::open(device, now)?;
            core.operation(|core| core.settle_replay(&file_records))?;
            done.push(Remedied::LogReplayed { redone, undone });
        }
        LogState::KeptByWindows if remedies.discard_hibernation => {
            core.operation(Core::empty_log)?;
            done.push(Remedied::FastStartupDiscarded);
        }
        LogState::NotClean | LogState::KeptByWindows if remedies.reset_log => {
            let marked_dirty = core.operation(|core| {
                core.empty_log()?;
                core.set_dirty()
            })?;
            done.push(Remedied::LogReset { marked_dirty });
        }
        _ => {}
    }
    core.flush()?;
    Ok(done)
}
