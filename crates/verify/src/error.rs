//! Why a claim did not stand.

use winkiln_disk::DeviceError;

/// A disagreement, or a reader that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The reader reads something else than was claimed.
    #[error("{reader} disagrees about {what}: {difference}")]
    Disagreement {
        /// `ntfs`, `fatfs` or `nt-hive`.
        reader: &'static str,
        /// Path, or `hive file: key\value`.
        what: String,
        /// The first difference.
        difference: String,
    },
    /// The reader cannot read what was claimed, for no reason that is known of it.
    #[error("{reader} cannot read {what}")]
    Reader {
        /// `ntfs`, `fatfs` or `nt-hive`.
        reader: &'static str,
        /// Path, or `hive file: key\value`; `the volume` when it does not open.
        what: String,
        /// What the reader said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The reader panicked, which it does on some damaged structures.
    #[error("{reader} gave up on {what}, as it does on damaged structures")]
    Panicked {
        /// `ntfs`, `fatfs` or `nt-hive`.
        reader: &'static str,
        /// Path.
        what: String,
    },
    /// The volume holds no filesystem that an independent reader knows.
    #[error("no independent reader knows the filesystem of the volume")]
    UnknownFilesystem,
    /// The device could not be read.
    #[error("cannot read the volume")]
    Device(#[from] DeviceError),
}

/// Why one question was not answered with yes.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The reader reads something else.
    Disagrees(String),
    /// The reader is known to answer this wrongly: it is not asked.
    Unasked(String),
    /// The reader failed.
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

macro_rules! failures {
    ($($error:ty),*) => {$(
        impl From<$error> for Trouble {
            fn from(error: $error) -> Self {
                Self::Failed(Box::new(error))
            }
        }
    )*};
}

failures!(
    ntfs::NtfsError,
    nt_hive::NtHiveError,
    std::io::Error,
    DeviceError,
    winkiln_hive::HiveError
);
