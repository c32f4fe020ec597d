//! Why an INF was not understood, with file and line.

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {problem}", at(*line))]
pub struct InfError {
    /// The INF's name, as the caller gave it.
    pub file: String,
    /// Line, from 1; 0 where the file as a whole is meant.
    pub line: u32,
    /// What is wrong.
    pub problem: InfProblem,
}

fn at(line: u32) -> String {
    if line == 0 { String::new() } else { format!(" line {line}") }
}

/// What is wrong with an INF.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InfProblem {
    /// Larger than any INF.
    #[error("{length} bytes are more than an INF has ({max} at most)")]
    TooLarge {
        /// Bytes given.
        length: usize,
        /// Bytes taken.
        max: u64,
    },
    /// Text before the first `[section]`.
    #[error("text before the first section: this is no INF")]
    BeforeFirstSection,
    /// A section header without its bracket.
    #[error("the section header has no closing bracket")]
    UnclosedSection,
    /// A field longer than Windows takes, many times over.
    #[error("a field of more than {max} characters (after the substitution of its strings)")]
    FieldTooLong {
        /// Characters taken.
        max: usize,
    },
    /// The substitution of strings makes the file far larger than it is.
    #[error("the strings of the file expand to more than {max} characters")]
    ExpansionTooLong {
        /// Characters taken.
        max: usize,
    },
    /// More lines, fields and sections than any INF has.
    #[error("the file has more than {max} lines and fields")]
    TooManyFields {
        /// Lines, fields and sections taken.
        max: usize,
    },
    /// More to do than any INF asks for: sections that refer to large sections many times.
    #[error("more than {max} entries are referred to")]
    TooManyEntries {
        /// Entries taken.
        max: usize,
    },
    /// There is no section of that name.
    #[error("there is no section [{section}]")]
    NoSection {
        /// Its name.
        section: String,
    },
    /// `[Version]` has no signature of Windows.
    #[error("the signature is {found:?}, not \"$Windows NT$\": this is no INF of Windows")]
    Signature {
        /// What is there; empty when nothing is.
        found: String,
    },
    /// A section lacks an entry it must have.
    #[error("[{section}] has no {entry}")]
    MissingEntry {
        /// The section.
        section: String,
        /// The entry.
        entry: &'static str,
    },
    /// An entry has fewer fields than it must have.
    #[error("{directive} lacks its {field}")]
    MissingField {
        /// The directive.
        directive: &'static str,
        /// What is not there.
        field: &'static str,
    },
    /// A field that should be a number.
    #[error("{found:?} is not a number ({field})")]
    NotANumber {
        /// What the field is.
        field: &'static str,
        /// What is there.
        found: String,
    },
    /// A byte of a binary value.
    #[error("{found:?} is not a byte in hexadecimal")]
    NotAByte {
        /// What is there.
        found: String,
    },
    /// An unknown root key.
    #[error("{found:?} is not a registry root (HKCR, HKCU, HKLM, HKU, HKR)")]
    UnknownRoot {
        /// What is there.
        found: String,
    },
    /// A registry type that cannot be written in the form given.
    #[error("flags {flags:#010x} name no registry type that can be written this way")]
    UnknownType {
        /// The flags.
        flags: u32,
    },
    /// A date or version that is none.
    #[error("{found:?} is not mm/dd/yyyy,a.b.c.d")]
    DriverVer {
        /// What is there.
        found: String,
    },
    /// A GUID that is none.
    #[error("{found:?} is not a GUID")]
    Guid {
        /// What is there.
        found: String,
    },
}
