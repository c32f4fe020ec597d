//! Why a log was not read or replayed.

use crate::log::Operation;

/// Why a log was not read or replayed. An LSN names the record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// Neither restart page is valid.
    #[error("neither of the log's restart pages is valid")]
    NoRestartPage,
    /// A field of the restart area that no log has.
    #[error("restart area of the log: {field} is {found:#x}")]
    RestartArea {
        /// The field.
        field: &'static str,
        /// Its value.
        found: u64,
    },
    /// A version of the log, or of the tables in it, that is not known.
    #[error("{what} version {major}.{minor} is not known")]
    Version {
        /// `log` or `checkpoint`.
        what: &'static str,
        /// Major version.
        major: u32,
        /// Minor version.
        minor: u32,
    },
    /// A record that should be there is not, or not whole.
    #[error("the log has no whole record at LSN {lsn:#x}")]
    NoRecord {
        /// Its LSN.
        lsn: u64,
    },
    /// The records that follow each other do not reach the last one that a page names.
    #[error("the log's records end at LSN {end:#x}, but a page holds LSN {newest:#x}")]
    Gap {
        /// The last record reached.
        end: u64,
        /// The last one there is.
        newest: u64,
    },
    /// A record, or a table in one, that contradicts itself or what came before.
    #[error("log record {lsn:#x}: {problem} ({found:#x})")]
    Record {
        /// Its LSN.
        lsn: u64,
        /// What is wrong.
        problem: &'static str,
        /// The value found.
        found: u64,
    },
    /// An operation that is not replayed.
    #[error("log record {lsn:#x} holds {operation}, which is not replayed")]
    Operation {
        /// Its LSN.
        lsn: u64,
        /// The operation.
        operation: Operation,
    },
    /// A change that does not fit what is on the volume.
    #[error(
        "log record {lsn:#x}, {operation}: does not fit the block at byte {offset:#x}: {problem}"
    )]
    Misfit {
        /// Its LSN.
        lsn: u64,
        /// The operation.
        operation: Operation,
        /// The block, from the start of the volume.
        offset: u64,
        /// What does not fit.
        problem: &'static str,
    },
    /// More than the memory that a replay may take.
    #[error("the log is too long to be replayed: {found} bytes of {what}, at most {most}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// Bytes found.
        found: u64,
        /// Bytes allowed.
        most: u64,
    },
}
