//! `boot.ini`, which tells NTLDR (Windows NT to Server 2003) what to start.
//!
//! A file is kept byte for byte, whatever its code page, line ends, comments and unknown lines are;
//! an edit changes the place it was asked to change and nothing else.
//!
//! ```text
//! [boot loader]
//! timeout=30
//! default=multi(0)disk(0)rdisk(0)partition(1)\WINDOWS
//! [operating systems]
//! multi(0)disk(0)rdisk(0)partition(1)\WINDOWS="Windows Server 2003, Standard" /fastdetect
//! ```

mod edit;
mod entry;
mod layout;
mod line;
mod switch;
mod utf16;

use layout::Layout;
use line::Line;
pub use utf16::utf16_text;

/// Why a `boot.ini` was not read or edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BootIniError {
    /// No `[operating systems]` section with an entry.
    #[error("boot.ini holds no operating system entry")]
    NoEntries,
    /// The text is UTF-16, which NTLDR does not read.
    #[error("boot.ini is UTF-16 text, which NTLDR cannot read")]
    Utf16,
    /// There is no entry of that index.
    #[error("boot.ini holds {count} entries, there is no entry {entry} (counted from 0)")]
    NoSuchEntry {
        /// As asked, from 0.
        entry: usize,
        /// Entries in the file.
        count: usize,
    },
    /// A switch that cannot stand in a `boot.ini` line.
    #[error("{switch:?} is not a boot.ini switch: {reason}")]
    BadSwitch {
        /// As asked.
        switch: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A description that cannot stand between quotes.
    #[error("{text:?} cannot be part of a description: {reason}")]
    BadDescription {
        /// As asked.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The description of an entry has no closing quote, so where its switches start is unknown.
    #[error("the description of entry {entry} (counted from 0) has no closing quote")]
    UnclosedQuote {
        /// Index of the entry, from 0.
        entry: usize,
    },
    /// `default=` names a path that no entry has: NTLDR would start that path without an entry.
    #[error("default={path} names no entry of boot.ini")]
    DefaultNotListed {
        /// The path of `default=`.
        path: String,
    },
    /// The default entry starts a boot sector file, not Windows.
    #[error("the default entry starts {path}, which is not a Windows folder")]
    DefaultNotWindows {
        /// The path of the entry.
        path: String,
    },
}

/// One line below `[operating systems]`. Text is bytes of an unknown OEM or ANSI code page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootEntry {
    /// ARC path or drive path, such as `multi(0)disk(0)rdisk(0)partition(1)\WINDOWS`.
    pub path: String,
    /// What the menu shows, without quotes.
    pub description: Vec<u8>,
    /// Switches as written, such as `/fastdetect`.
    pub switches: Vec<String>,
}

impl BootEntry {
    /// Tells whether the entry starts Windows by an ARC path, as opposed to a boot sector file on a drive letter.
    #[must_use]
    pub fn is_windows(&self) -> bool {
        is_arc_path(self.path.as_bytes())
    }
}

/// Tells an ARC path (`multi(0)...`, `scsi(0)...`, `signature(...)`) from a drive path.
fn is_arc_path(path: &[u8]) -> bool {
    ["multi(", "scsi(", "signature("].iter().any(|start| {
        path.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes()))
    })
}

/// A parsed `boot.ini`.
#[derive(Debug, Clone)]
pub struct BootIni {
    lines: Vec<Line>,
    /// Bytes from the first Ctrl-Z or NUL on, which end the text.
    tail: Vec<u8>,
}

impl BootIni {
    /// Parses; any bytes that have an entry are accepted, and kept.
    ///
    /// # Errors
    /// [`BootIniError::Utf16`], [`BootIniError::NoEntries`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BootIniError> {
        if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
            return Err(BootIniError::Utf16);
        }
        let (lines, tail) = line::split(bytes);
        let ini = Self { lines, tail: tail.to_vec() };
        if ini.layout().entries.is_empty() {
            return Err(BootIniError::NoEntries);
        }
        Ok(ini)
    }

    /// The file as it will be written.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for line in &self.lines {
            bytes.extend_from_slice(&line.text);
            bytes.extend_from_slice(line.ending);
        }
        bytes.extend_from_slice(&self.tail);
        bytes
    }

    /// Menu timeout in seconds, when given. -1 waits for ever.
    #[must_use]
    pub fn timeout(&self) -> Option<i32> {
        let layout = self.layout();
        let key = layout.timeout.as_ref()?;
        let text = self.lines.get(key.line)?.text.get(key.value.clone())?;
        std::str::from_utf8(text).ok()?.parse().ok()
    }

    /// The path of `default=`, when given.
    #[must_use]
    pub fn default_path(&self) -> Option<String> {
        self.default_bytes(&self.layout()).map(lossy)
    }

    /// Entries in file order.
    #[must_use]
    pub fn entries(&self) -> Vec<BootEntry> {
        self.layout()
            .entries
            .iter()
            .map(|slot| {
                let text = &self.line(slot.line).text;
                BootEntry {
                    path: lossy(entry::bytes(text, &slot.spans.path)),
                    description: entry::bytes(text, &slot.spans.description).to_vec(),
                    switches: slot
                        .spans
                        .switches
                        .iter()
                        .map(|span| lossy(entry::bytes(text, span)))
                        .collect(),
                }
            })
            .collect()
    }

    /// Index of the default entry: the first entry whose path is `default=`'s, as NTLDR picks it;
    /// the first entry when there is no `default=` or no match.
    #[must_use]
    pub fn default_entry(&self) -> usize {
        let layout = self.layout();
        self.listed_default(&layout).unwrap_or(0)
    }

    /// Index of the first entry that has the path of `default=`; `None` when there is none.
    fn listed_default(&self, layout: &Layout) -> Option<usize> {
        let default = self.default_bytes(layout)?;
        layout.entries.iter().position(|slot| {
            let text = &self.line(slot.line).text;
            entry::bytes(text, &slot.spans.path).eq_ignore_ascii_case(default)
        })
    }

    fn default_bytes(&self, layout: &Layout) -> Option<&[u8]> {
        let key = layout.default.as_ref()?;
        self.lines.get(key.line)?.text.get(key.value.clone()).filter(|path| !path.is_empty())
    }

    fn layout(&self) -> Layout {
        Layout::of(&self.lines)
    }

    /// The line that a layout of these very lines names.
    fn line(&self, index: usize) -> &Line {
        &self.lines[index]
    }
}

/// Text for showing; bytes outside ASCII have an unknown code page.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
