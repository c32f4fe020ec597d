//! The consistency check of whatever filesystem a volume holds.

use std::ops::ControlFlow;
use std::sync::Arc;

use winkiln_disk::Device;
use winkiln_ntfs::check as ntfs;

pub use winkiln_ntfs::check::Severity;

use crate::fat::FatVolume;
use crate::identify::{Filesystem, recognise};
use crate::{OpenOptions, VolumeError};

/// Something that a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable short name such as `cluster-used-but-free` or `fat-cross-link`.
    pub code: &'static str,
    /// Damage, or a note.
    pub severity: Severity,
    /// NTFS: the file record it concerns.
    pub record: Option<u64>,
    /// Where it lies, in bytes from the start of the volume.
    pub offset: Option<u64>,
    /// The structure, in the filesystem's words.
    pub object: String,
    /// The file's path, where it can be told.
    pub path: Option<String>,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

/// What a check tells while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Something was found.
    Finding(Finding),
    /// So much of the work is done; the total may grow.
    Progress {
        /// Units done.
        done: u64,
        /// Units in all.
        total: u64,
    },
}

/// What a check comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Findings that are damage, those not told included.
    pub damage: u64,
    /// Findings that are notes.
    pub notes: u64,
    /// Files and folders.
    pub files: u64,
    /// False when the check was stopped.
    pub complete: bool,
}

/// Checks the volume that `device` holds, changing nothing; also a volume that does not open. `watch` may stop the check.
///
/// # Errors
/// [`VolumeError::Unsupported`] for what is neither NTFS nor FAT, and where not even the first structures can be read.
pub fn check(
    device: &Arc<dyn Device>,
    watch: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> Result<Summary, VolumeError> {
    let filesystem = recognise(&**device).map_err(VolumeError::Device)?;
    match filesystem {
        Filesystem::Fat12 | Filesystem::Fat16 | Filesystem::Fat32 => {
            let volume = FatVolume::open(device.clone(), OpenOptions::default())?;
            Ok(volume.check(watch)?)
        }
        Filesystem::ExFat | Filesystem::ReFs | Filesystem::BitLocker => {
            Err(unsupported(filesystem))
        }
        // A boot sector that is gone may still have its copy.
        Filesystem::Ntfs | Filesystem::Unknown => check_ntfs(device, watch, filesystem),
    }
}

fn check_ntfs(
    device: &Arc<dyn Device>,
    watch: &mut dyn FnMut(Event) -> ControlFlow<()>,
    filesystem: Filesystem,
) -> Result<Summary, VolumeError> {
    let checked = ntfs::check(device, &mut |event| {
        watch(match event {
            ntfs::Event::Progress { done, total } => Event::Progress { done, total },
            ntfs::Event::Finding(finding) => {
                let ntfs::Finding { code, severity, record, offset, object, path, found, expected } =
                    finding;
                Event::Finding(Finding {
                    code,
                    severity,
                    record,
                    offset,
                    object,
                    path,
                    found,
                    expected,
                })
            }
        })
    });
    match checked {
        Ok(summary) => Ok(Summary {
            damage: summary.damage,
            notes: summary.notes,
            files: summary.records,
            complete: summary.complete,
        }),
        Err(winkiln_ntfs::Error::BootSector { .. }) if filesystem == Filesystem::Unknown => {
            Err(unsupported(filesystem))
        }
        Err(error) => Err(error.into()),
    }
}

fn unsupported(filesystem: Filesystem) -> VolumeError {
    VolumeError::Unsupported { filesystem, way_out: "only NTFS and FAT are checked" }
}
