//! `.reg` text: REGEDIT4 and "Windows Registry Editor Version 5.00".
//!
//! Source: Microsoft, "How to add, modify, or delete registry subkeys and values by using a .reg file"; the folding of
//! long data as in files exported by Windows 10.

mod cursor;
mod encoding;
mod export;
mod operation;
mod reader;
mod value;

use crate::ValueType;
use encoding::BLOCK;
pub use encoding::code_page;
pub use encoding_rs::Encoding;
pub use export::{Unspellable, export, export_all, write};
pub use reader::Operations;
use std::io::{Cursor, Read, Seek};
use std::sync::Arc;

/// One operation of a `.reg` file, in file order, with the line it stands on (from 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegOperation {
    /// Line number, from 1.
    pub line: u32,
    /// Full key path as written, such as `HKEY_LOCAL_MACHINE\SOFTWARE\X`.
    pub key: Arc<str>,
    /// What to do.
    pub action: RegAction,
}

/// What one line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegAction {
    /// `[key]`
    CreateKey,
    /// `[-key]`
    DeleteKey,
    /// `"name"=...`; the default value (`@`) has an empty name.
    SetValue {
        /// Name.
        name: String,
        /// Type.
        kind: ValueType,
        /// Data as it will be stored.
        data: Vec<u8>,
    },
    /// `"name"=-`
    DeleteValue {
        /// Name.
        name: String,
    },
}

/// A line of a `.reg` file that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct RegTextError {
    /// From 1; 0 for the file as a whole.
    pub line: u32,
    /// What was found and expected.
    pub reason: String,
}

/// Why a `.reg` file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RegReadError {
    /// A line that cannot be understood.
    #[error(transparent)]
    Text(#[from] RegTextError),
    /// What the source said.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Parses a `.reg` file of any of its encodings (UTF-16 with BOM, UTF-8, ANSI code page 1252 for REGEDIT4).
///
/// # Errors
/// The first line that cannot be understood; nothing is skipped.
pub fn parse(bytes: &[u8]) -> Result<Vec<RegOperation>, RegTextError> {
    parse_with(bytes, encoding_rs::WINDOWS_1252)
}

/// Parses a `.reg` file whose 8-bit text, if it is such, is in the code page `ansi`.
///
/// A byte order mark decides first, then UTF-16 is recognised by its header. Other files are `ansi` when they are
/// REGEDIT4; 5.00 ones are UTF-8 if they can be, else `ansi`. Strings get the NUL that ends them. Data given as `hex(n)`
/// are kept as they are, but those of string types in REGEDIT4 are `ansi` text and become UTF-16.
///
/// # Errors
/// The first line that cannot be understood; nothing is skipped.
pub fn parse_with(
    bytes: &[u8],
    ansi: &'static Encoding,
) -> Result<Vec<RegOperation>, RegTextError> {
    in_blocks(bytes, ansi, BLOCK)
}

fn in_blocks(
    bytes: &[u8],
    ansi: &'static Encoding,
    block: usize,
) -> Result<Vec<RegOperation>, RegTextError> {
    let operations = Operations::new(Box::new(Cursor::new(bytes)), ansi, block);
    operations.and_then(Iterator::collect).map_err(|error| match error {
        RegReadError::Text(error) => error,
        RegReadError::Io(error) => RegTextError { line: 0, reason: error.to_string() },
    })
}

/// Reads a `.reg` file as [`parse_with`] does, piece by piece.
///
/// # Errors
/// A missing or unknown header, and what the source says.
pub fn operations<'s>(
    source: impl Read + Seek + Send + 's,
    ansi: &'static Encoding,
) -> Result<Operations<'s>, RegReadError> {
    Operations::new(Box::new(source), ansi, BLOCK)
}

/// For the fuzzers; no part of the interface.
#[doc(hidden)]
pub mod fuzz {
    use super::{Encoding, RegOperation, RegTextError, in_blocks};

    /// Parses as [`super::parse_with`] does, reading so many bytes at once.
    ///
    /// # Errors
    /// As there.
    pub fn parse_in_blocks(
        bytes: &[u8],
        ansi: &'static Encoding,
        block: usize,
    ) -> Result<Vec<RegOperation>, RegTextError> {
        in_blocks(bytes, ansi, block)
    }
}
