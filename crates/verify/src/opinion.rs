//! The outcome when nothing disagrees.

use std::fmt;

/// Something that was read back and agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// `ntfs`, `fatfs` or `nt-hive`.
    pub reader: &'static str,
    /// Path, or `hive file: key\value`.
    pub what: String,
}

/// A claim that could not be put to an independent reader, and why (one of the reader's known faults).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Path, or `hive file: key\value`.
    pub what: String,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not read back by an independent reader: {} ({})", self.what, self.reason)
    }
}

/// The outcome when nothing disagrees.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opinion {
    /// What agreed.
    pub verified: Vec<Verified>,
    /// How much more agreed that nobody asked to be told of.
    pub untold: usize,
    /// What could not be asked.
    pub skipped: Vec<Skipped>,
}

impl Opinion {
    /// Adds another one, of which no more is told than what is missing to `told_max`.
    pub(crate) fn join(&mut self, other: Self, told_max: usize) {
        let Self { verified, untold, skipped } = other;
        let room = told_max.saturating_sub(self.verified.len());
        self.untold += untold + verified.len().saturating_sub(room);
        self.verified.extend(verified.into_iter().take(room));
        self.skipped.extend(skipped);
    }
}
