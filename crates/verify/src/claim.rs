//! What should be true.

use std::sync::Arc;

use crate::{Fingerprint, ValueFingerprint};

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// Exactly these bytes.
    Bytes(Arc<Vec<u8>>),
    /// Bytes of this length and hash.
    Fingerprint(Fingerprint),
}

impl Contents {
    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Fingerprint(fingerprint) => fingerprint.length,
        }
    }

    /// True for an empty file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What should be true of one volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The file (or `file:stream`) holds exactly this.
    File {
        /// Path on the volume.
        path: String,
        /// Contents.
        contents: Contents,
    },
    /// The path is a file, whatever it holds.
    FileExists {
        /// Path.
        path: String,
    },
    /// The path is a folder.
    Directory {
        /// Path.
        path: String,
    },
    /// Nothing has that path.
    Absent {
        /// Path.
        path: String,
    },
    /// Both paths are names of one file (hard links).
    SameFile {
        /// Path.
        path: String,
        /// The other path.
        other: String,
    },
    /// The path is a symbolic link or a junction.
    Link {
        /// Path.
        path: String,
        /// A junction.
        junction: bool,
        /// The target as it was given.
        target: String,
    },
    /// The hive file holds these bytes, and these facts are read from it by `nt-hive`.
    Hive {
        /// Path.
        path: String,
        /// The whole file.
        contents: Arc<Vec<u8>>,
        /// What it should say.
        facts: Vec<HiveFact>,
    },
}

impl Claim {
    /// The path on the volume that the claim is about.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::File { path, .. }
            | Self::FileExists { path }
            | Self::Directory { path }
            | Self::Absent { path }
            | Self::SameFile { path, .. }
            | Self::Link { path, .. }
            | Self::Hive { path, .. } => path,
        }
    }
}

/// What should be true of a hive. Keys are paths below its root, `\` between components; a value's empty name is the
/// default value; `kind` is the number of the value type as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum HiveFact {
    KeyExists {
        key: String,
    },
    KeyAbsent {
        key: String,
    },
    Value {
        key: String,
        name: String,
        kind: u32,
        data: Vec<u8>,
    },
    ValueAbsent {
        key: String,
        name: String,
    },
    /// The key is there, and this is so of these values of it, each of another name.
    Values {
        key: String,
        values: Vec<ValueFact>,
    },
    /// The key is there, and has values of these fingerprints.
    Fingerprints {
        key: String,
        values: Vec<ValueFingerprint>,
    },
}

/// What should be true of one value of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueFact {
    /// Name; empty for the default value.
    pub name: String,
    /// Type as stored, and data; `None` when there should be no value of that name.
    pub found: Option<(u32, Vec<u8>)>,
}

impl HiveFact {
    /// The key that the fact is about.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::KeyExists { key }
            | Self::KeyAbsent { key }
            | Self::Value { key, .. }
            | Self::ValueAbsent { key, .. }
            | Self::Values { key, .. }
            | Self::Fingerprints { key, .. } => key,
        }
    }
}
