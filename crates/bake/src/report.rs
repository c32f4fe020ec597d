//! The ledger of changes and the report, in the form that scripts read as JSON.

use serde::Serialize;

use crate::{DriverReport, KeptAddresses};

/// One change of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// `registry-value`, `registry-key`, `file`, `folder`, `rename`, `bcd-element`, `boot-ini`, `attributes`, `volume-state`.
    pub kind: &'static str,
    /// Full key and value name, path, object and element.
    pub target: String,
    /// As text; `None` when it did not exist.
    pub before: Option<String>,
    /// As text; `None` when it is gone.
    pub after: Option<String>,
}

/// I/O of the whole run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Io {
    /// Guest bytes read from the image.
    pub image_bytes_read: u64,
    /// Guest bytes written to the image.
    pub image_bytes_written: u64,
    /// Bytes written to the journal beside the image.
    pub journal_bytes: u64,
    /// Times data was made durable.
    pub flushes: u64,
}

impl From<winkiln_disk::IoCounts> for Io {
    fn from(counts: winkiln_disk::IoCounts) -> Self {
        Self {
            image_bytes_read: counts.image_bytes_read,
            image_bytes_written: counts.image_bytes_written,
            journal_bytes: counts.journal_bytes,
            flushes: counts.flushes,
        }
    }
}

/// What was read back, by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifiedBy {
    /// The independent reader: `ntfs`, `fatfs` or `nt-hive`.
    pub reader: String,
    /// Path, or hive file with key and value.
    pub what: String,
}

impl From<winkiln_verify::Verified> for VerifiedBy {
    fn from(verified: winkiln_verify::Verified) -> Self {
        Self { reader: verified.reader.to_owned(), what: verified.what }
    }
}

/// What a bake did. The JSON of every writing command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// False for a dry run and when nothing had to change.
    pub committed: bool,
    /// True for a dry run.
    pub dry_run: bool,
    /// The ledger.
    pub changes: Vec<Change>,
    /// Changes that were made and are not in the ledger, because nobody asked for all of them.
    #[serde(skip)]
    pub untold: usize,
    /// Steps that were already so.
    pub unchanged: usize,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// What became of each driver package; left out of the JSON where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drivers: Vec<DriverReport>,
    /// The file that holds what the commit overwrote; left out of the JSON where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo: Option<String>,
    /// Static addresses that the next network adapter gets; left out of the JSON where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept_addresses: Vec<KeptAddresses>,
    /// The new qcow2 that holds the changes; left out of the JSON where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlay: Option<String>,
    /// I/O.
    pub io: Io,
    /// Read back by independent readers.
    pub verified: Vec<VerifiedBy>,
    /// What else the last of them read back, because nobody asked for all of it.
    #[serde(skip)]
    pub verified_untold: usize,
}
