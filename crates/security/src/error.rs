//! Why a security descriptor, or the store of them, was not read or changed.

/// Why a security descriptor, or the store of them, was not read or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecurityError {
    /// Bytes are not a self-relative security descriptor. Offsets count from its start.
    #[error("security descriptor is malformed at offset {offset:#x}: {problem}")]
    Descriptor {
        /// Where.
        offset: usize,
        /// What is wrong there.
        problem: &'static str,
    },
    /// The descriptor would be longer than an access control list can be.
    #[error("security descriptor needs an access control list of {size} bytes")]
    ListTooLong {
        /// Bytes needed.
        size: usize,
    },
    /// Text that is not SDDL, or that holds what is not handled.
    #[error("sddl: {problem} at character {at}: {found:?}")]
    Sddl {
        /// Characters before the place.
        at: usize,
        /// What is wrong there.
        problem: &'static str,
        /// What stands there.
        found: String,
    },
    /// Letters of SDDL that mean an account of a machine or domain whose identifier was not given.
    #[error(
        "sddl: {letters} is an account of the {whose}, whose identifier is not known; write its S-1-5-21-... instead"
    )]
    SddlDomain {
        /// The letters.
        letters: String,
        /// `machine`, `domain` or `forest`.
        whose: &'static str,
    },
    /// No descriptor has this security id.
    #[error("security id {id:#x} is not in $Secure")]
    NoSuchId {
        /// The id.
        id: u32,
    },
    /// An entry of `$SDS` is not what `$SII` or `$SDH` says. The offset counts from the start of `$SDS`.
    #[error("security id {id:#x} is damaged at {offset:#x} of $SDS: {problem}")]
    Store {
        /// The id.
        id: u32,
        /// Offset of its entry.
        offset: u64,
        /// What is wrong there.
        problem: &'static str,
    },
    /// An entry of `$SII` or `$SDH` is not one.
    #[error("an entry of {index} of $Secure is malformed: key of {key} bytes")]
    IndexEntry {
        /// `$SII` or `$SDH`.
        index: &'static str,
        /// Bytes of its key.
        key: usize,
    },
    /// An index of `$Secure` was not opened.
    #[error("index {index} of $Secure was not opened")]
    NoIndex {
        /// `$SII` or `$SDH`.
        index: &'static str,
    },
    /// All security ids are taken.
    #[error("no security id is left")]
    NoIdLeft,
}
