//! Where things stand in a `boot.ini`: which line holds `default=`, `timeout=` and each entry.

use std::ops::Range;

use super::entry::{self, Spans};
use super::line::Line;

/// A key of `[boot loader]`: its line, and where in the line its value stands.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) line: usize,
    pub(super) value: Range<usize>,
}

/// An entry's line and the parts of it.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) line: usize,
    pub(super) spans: Spans,
}

/// The places of a file that mean something to NTLDR.
#[derive(Debug, Clone, Default)]
pub(super) struct Layout {
    /// Line of the first `[boot loader]` header.
    pub(super) boot_loader: Option<usize>,
    pub(super) timeout: Option<Key>,
    pub(super) default: Option<Key>,
    pub(super) redirect: Option<Key>,
    pub(super) entries: Vec<Slot>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    /// Above the first header.
    Top,
    BootLoader,
    OperatingSystems,
    Other,
}

impl Layout {
    /// Reads the layout of a file's lines.
    ///
    /// The first `default=` and `timeout=` of `[boot loader]` count; where there is no such header, those above
    /// the first header.
    pub(super) fn of(lines: &[Line]) -> Self {
        let mut layout = Self::default();
        let mut top = Self::default();
        let mut section = Section::Top;
        for (index, line) in lines.iter().enumerate() {
            let text = line.text.as_slice();
            let body = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).trim_ascii();
            if body.is_empty() || body.starts_with(b";") {
                continue;
            }
            if let Some(header) = body.strip_prefix(b"[") {
                section = section_of(header);
                if section == Section::BootLoader && layout.boot_loader.is_none() {
                    layout.boot_loader = Some(index);
                }
                continue;
            }
            match section {
                Section::Top => top.take_key(index, text),
                Section::BootLoader => layout.take_key(index, text),
                Section::OperatingSystems => {
                    if let Some(spans) = entry::spans(text) {
                        layout.entries.push(Slot { line: index, spans });
                    }
                }
                Section::Other => {}
            }
        }
        if layout.boot_loader.is_none() {
            (layout.timeout, layout.default) = (top.timeout, top.default);
            layout.redirect = top.redirect;
        }
        layout
    }

    fn take_key(&mut self, line: usize, text: &[u8]) {
        let Some(equals) = text.iter().position(|byte| *byte == b'=') else { return };
        let name = text[..equals].trim_ascii();
        let key = || Key { line, value: entry::trimmed(text, equals + 1..text.len()) };
        if name.eq_ignore_ascii_case(b"timeout") {
            self.timeout.get_or_insert_with(key);
        } else if name.eq_ignore_ascii_case(b"default") {
            self.default.get_or_insert_with(key);
        } else if name.eq_ignore_ascii_case(b"redirect") {
            self.redirect.get_or_insert_with(key);
        }
    }
}

/// The section of a header whose opening bracket is already taken off.
fn section_of(header: &[u8]) -> Section {
    let end = header.iter().position(|byte| *byte == b']').unwrap_or(header.len());
    let name = header[..end].trim_ascii();
    if name.eq_ignore_ascii_case(b"boot loader") {
        Section::BootLoader
    } else if name.eq_ignore_ascii_case(b"operating systems") {
        Section::OperatingSystems
    } else {
        Section::Other
    }
}
