//! Why a FAT volume was not read or changed.

use winkiln_disk::DeviceError;

/// Why a FAT volume was not read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FatError {
    /// The device below failed.
    #[error("cannot access the volume's device")]
    Device(#[from] DeviceError),
    /// A boot sector field that no FAT volume has.
    #[error("boot sector: {field} is {found:#x}")]
    BootSector {
        /// The field.
        field: &'static str,
        /// Its value.
        found: u64,
    },
    /// The volume is bigger than what holds it.
    #[error("the volume is {volume} bytes, its partition {partition}")]
    LargerThanPartition {
        /// Size of the volume by its boot sector, bytes.
        volume: u64,
        /// Size of the partition, bytes.
        partition: u64,
    },
    /// A cluster chain or folder that contradicts itself.
    #[error("cluster {cluster}: {problem}")]
    Damaged {
        /// The cluster where it was noticed; 0 for the root folder of FAT12 and FAT16.
        cluster: u32,
        /// What is wrong.
        problem: &'static str,
    },
    /// The volume may not be written in its present state.
    #[error("the volume may not be written: {}", reasons.join(", "))]
    NotClean {
        /// Stable words, such as `dirty`.
        reasons: Vec<String>,
    },
    /// The volume was opened for reading only.
    #[error("the volume is open for reading only")]
    ReadOnly,
    /// Not enough free clusters.
    #[error("the volume is full: {needed} clusters are needed, {free} are free")]
    VolumeFull {
        /// Clusters needed.
        needed: u32,
        /// Clusters free.
        free: u32,
    },
    /// No room for another entry: the root folder of FAT12 and FAT16 cannot grow, others end at 65,536 entries.
    #[error("the folder has no room for {needed} more entries")]
    FolderFull {
        /// 32-byte entries needed.
        needed: usize,
    },
    /// A file of 4 GiB or more.
    #[error("a file of {size} bytes does not fit FAT")]
    TooLarge {
        /// The length asked for in bytes.
        size: u64,
    },
    /// FAT or Win32 does not allow the name.
    #[error("name {name:?} is not allowed: {reason}")]
    NameNotAllowed {
        /// The name as given.
        name: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
}

impl FatError {
    /// True when the volume is unsafe to edit as it is: damaged or dirty.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::BootSector { .. }
            | Self::LargerThanPartition { .. }
            | Self::Damaged { .. }
            | Self::NotClean { .. } => true,
            Self::Device(_)
            | Self::ReadOnly
            | Self::VolumeFull { .. }
            | Self::FolderFull { .. }
            | Self::TooLarge { .. }
            | Self::NameNotAllowed { .. } => false,
        }
    }
}
