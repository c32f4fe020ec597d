//! Why a guest was not found, described or edited.

use std::error::Error;

use winkiln_disk::DeviceError;
use winkiln_disk::partition::PartitionError;
use winkiln_hive::{Finding, HiveError};
use winkiln_volume::VolumeError;

/// Why a guest was not found, described or edited.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuestError {
    /// The partition table.
    #[error("partition table of the disk")]
    PartitionTable(#[from] PartitionError),
    /// The volume's filesystem.
    #[error("volume {number}")]
    Volume {
        /// As `inspect` numbers it.
        number: u32,
        /// Cause.
        source: VolumeError,
    },
    /// The partition does not lie on the disk.
    #[error(
        "partition {number} passes the end of the disk: the image is cut short or its table is wrong"
    )]
    PastTheEnd {
        /// As `inspect` numbers it.
        number: u32,
        /// The range.
        source: DeviceError,
    },
    /// The disk was opened for reading only.
    #[error("volume {number} cannot be changed: the disk is open for reading only")]
    ReadOnly {
        /// As `inspect` numbers it.
        number: u32,
    },
    /// A hive.
    #[error("registry hive {path}")]
    Hive {
        /// Path on its volume.
        path: String,
        /// Cause.
        source: HiveError,
    },
    /// A hive that was not closed properly and whose logs do not help.
    #[error(
        "registry hive {path} was not closed properly: {}, \
         and sequence numbers {primary} and {secondary} of the hive differ; \
         start the guest and shut it down properly (not hibernate), then try again",
        logs_text(.logs)
    )]
    DirtyHive {
        /// Path on its volume.
        path: String,
        /// Paths of its log files that are not empty.
        logs: Vec<String>,
        /// Sequence number before the last write.
        primary: u32,
        /// Sequence number after the last completed write.
        secondary: u32,
    },
    /// A hive that was not closed properly, with logs that do not lead to a hive.
    #[error("registry hive {path} was not closed properly and cannot be recovered from its logs")]
    HiveRecovery {
        /// Path on its volume.
        path: String,
        /// Cause.
        source: HiveError,
    },
    /// A hive that its logs would damage.
    #[error(
        "registry hive {path} was not closed properly and is damaged after its logs are applied: \
         {count} new findings, the first at {:#x}: {}",
        .first.offset,
        .first.text
    )]
    DamagedAfterRecovery {
        /// Path on its volume.
        path: String,
        /// What was found that the hive had not before its logs were applied.
        count: usize,
        /// One of it.
        first: Finding,
    },
    /// A hive that was written anew and is not sound; nothing was written to its file.
    #[error(
        "registry hive {path}, written anew, is not sound: {} at {:#x}",
        .first.text,
        .first.offset
    )]
    Unsound {
        /// Path on its volume.
        path: String,
        /// What was found.
        first: Finding,
    },
    /// No such volume.
    #[error("no volume {number}; there are: {available}")]
    NoVolume {
        /// As asked.
        number: u32,
        /// The numbers there are, with their filesystems.
        available: String,
    },
    /// Several volumes could be meant.
    #[error("no Windows installation names the volume; there are: {available}")]
    AmbiguousVolume {
        /// The numbers there are, with their filesystems.
        available: String,
    },
    /// No volume that files can be read from.
    #[error("no NTFS or FAT volume on the disk; there are: {available}")]
    NoFileVolume {
        /// The numbers there are, with their filesystems.
        available: String,
    },
    /// No Windows on the disk.
    #[error("no Windows installation found on any volume")]
    NoWindows,
    /// No Windows on the volumes that could be read.
    #[error("no Windows installation found; volumes that could not be searched: {unread}")]
    NoReadableWindows {
        /// Those volumes, each with its reasons.
        unread: String,
    },
    /// A key whose root is not stored in hives of its own.
    #[error("{key} cannot be opened offline: {reason}")]
    UnknownKey {
        /// As given.
        key: String,
        /// What to write instead.
        reason: String,
    },
    /// A symbolic link of the registry that leads to nothing that is stored.
    #[error("{key} leads through a symbolic link to {target}, which is in no hive that is known")]
    Link {
        /// As given.
        key: String,
        /// As the link says it.
        target: String,
        /// Why, when it is a key's name.
        source: Option<Box<GuestError>>,
    },
    /// Symbolic links of the registry that do not come to an end.
    #[error("{key} leads through more than {max} symbolic links")]
    LinkLoop {
        /// As given.
        key: String,
        /// How many are followed.
        max: usize,
    },
    /// The installation has no such hive.
    #[error("the installation has no hive {hive}: {reason}")]
    NoHive {
        /// As shown to users, such as `HKLM\DRIVERS`.
        hive: String,
        /// Where it was looked for, or what there is.
        reason: String,
    },
}

impl GuestError {
    /// True for a hive that its logs could have put right, had they been of use.
    pub(crate) fn logs_may_help(&self) -> bool {
        match self {
            Self::Hive { source, .. } => source.logs_may_help(),
            Self::DirtyHive { .. }
            | Self::HiveRecovery { .. }
            | Self::DamagedAfterRecovery { .. } => true,
            _ => false,
        }
    }

    /// True when the image is unsafe to edit (damaged, dirty, hibernated, encrypted...), as opposed to plain answers.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Volume { source, .. } => source.is_refusal(),
            Self::Hive { source, .. } => source.is_refusal(),
            Self::PastTheEnd { .. }
            | Self::DirtyHive { .. }
            | Self::HiveRecovery { .. }
            | Self::DamagedAfterRecovery { .. }
            | Self::NoReadableWindows { .. } => true,
            _ => false,
        }
    }
}

/// Causes of an error that are told.
const CAUSES_MAX: usize = 8;

/// An error's message with its causes, on one line.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.take(CAUSES_MAX).fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn logs_text(logs: &[String]) -> String {
    match logs {
        [] => "its last write was not completed and it has no logs".into(),
        logs => {
            let logs = logs.join(", ");
            format!("its last write was not completed and {logs} cannot complete it")
        }
    }
}
