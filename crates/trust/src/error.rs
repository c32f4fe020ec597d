//! Why a PE file, a catalog or a certificate could not be read.

/// Why a PE file, a catalog or a certificate could not be read. `at` counts bytes from the start of what was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A structure passes the end of what holds it.
    #[error("{structure} at {at:#x} passes the end ({size:#x})")]
    Truncated {
        /// The structure's name in the format's documents.
        structure: &'static str,
        /// Where it lies.
        at: u64,
        /// Bytes of what holds it.
        size: u64,
    },
    /// A structure holds what it may not.
    #[error("{structure} at {at:#x} holds {found:#x}, not {expected}")]
    Damaged {
        /// The structure's name in the format's documents.
        structure: &'static str,
        /// Where it lies.
        at: u64,
        /// The number found.
        found: u64,
        /// What would have been right.
        expected: &'static str,
    },
    /// A form that is not read here.
    #[error("{what} at {at:#x} is not supported")]
    Unsupported {
        /// What it is.
        what: &'static str,
        /// Where it lies.
        at: u64,
    },
    /// A file without any certificate.
    #[error("no certificate in the file")]
    NoCertificate,
}
