//! A `.reg` file read piece by piece.

use super::cursor::Cursor;
use super::encoding::{Source, Text};
use super::operation::{Context, blank_lines, header};
use super::{RegOperation, RegReadError, RegTextError};
use encoding_rs::Encoding;

/// Bytes that are looked at for the end of the first line.
const HEADER_MAX: usize = 64 << 10;

/// The operations of a `.reg` file, one after the other. Of the file no more is held than what one of them needs.
///
/// Ends with the first line that cannot be understood.
pub struct Operations<'s> {
    lines: Lines<'s>,
    context: Context,
    failed: bool,
}

impl<'s> Operations<'s> {
    pub(super) fn new(
        source: Box<dyn Source + 's>,
        ansi: &'static Encoding,
        block: usize,
    ) -> Result<Self, RegReadError> {
        let text = Text::new(source, ansi, block)?;
        let (held, line_max) = (String::new(), HEADER_MAX);
        let mut lines = Lines { text, held, at: 0, end: 0, line: 1, line_max };
        lines.skip_blank(false)?;
        let version = lines.take(header)?;
        lines.line_max = usize::MAX;
        Ok(Self { lines, context: Context::new(version, ansi), failed: false })
    }
}

impl Iterator for Operations<'_> {
    type Item = Result<RegOperation, RegReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let Self { lines, context, .. } = self;
        let operation =
            lines.skip_blank(true).and_then(|()| lines.take(|at| context.operation(at)));
        self.failed = operation.is_err();
        operation.transpose()
    }
}

/// Whole lines of a file.
struct Lines<'s> {
    text: Text<'s>,
    /// Text that was decoded, in which `at` is the start of what is not yet taken, and `end` that of the last whole line.
    held: String,
    at: usize,
    end: usize,
    /// The line at `at`.
    line: u32,
    /// A line that is longer is cut.
    line_max: usize,
}

impl Lines<'_> {
    /// Takes something from the text. What looked past the end of the lines at hand is tried again with more of them.
    fn take<T>(
        &mut self,
        mut what: impl FnMut(&mut Cursor<'_>) -> Result<T, RegTextError>,
    ) -> Result<T, RegReadError> {
        loop {
            let rest = self.held.get(self.at..self.end).unwrap_or_default();
            let mut cursor = Cursor::new(rest, self.line);
            let taken = what(&mut cursor);
            if !cursor.is_short() || self.is_ended() {
                let (left, line) = (cursor.left(), cursor.line());
                (self.at, self.line) = (self.end - left, line);
                return Ok(taken?);
            }
            self.more()?;
        }
    }

    /// Takes blank lines and, with `comments`, these too. None are kept, whole or not.
    fn skip_blank(&mut self, comments: bool) -> Result<(), RegReadError> {
        let mut within = false;
        loop {
            let rest = self.held.get(self.at..).unwrap_or_default();
            // Perhaps the first half of a line end.
            let open = rest.strip_suffix('\r').filter(|_| !self.text.is_over());
            let rest = open.unwrap_or(rest);
            let mut cursor = Cursor::new(rest, self.line);
            within = blank_lines(&mut cursor, comments, within);
            (self.at, self.line) = (self.at + rest.len() - cursor.left(), cursor.line());
            self.end = self.end.max(self.at);
            if !cursor.is_at_end() {
                return Ok(());
            }
            if self.text.is_malformed {
                return Err(self.malformed());
            }
            if self.text.is_ended {
                return Ok(());
            }
            self.fetch()?;
        }
    }

    /// True when the lines at hand are the last.
    fn is_ended(&self) -> bool {
        self.text.is_ended && !self.text.is_malformed && self.end == self.held.len()
    }

    /// Adds lines: as many again as there are, so that what spans many lines is not tried too often.
    fn more(&mut self) -> Result<(), RegReadError> {
        let wanted = (self.held.len() - self.at).max(self.text.block() / 2) * 2;
        let before = self.end - self.at;
        while !self.text.is_over() {
            let (left, added) = (self.held.len() - self.at, self.end - self.at > before);
            if left >= wanted && (added || left >= self.line_max) {
                break;
            }
            self.fetch()?;
        }
        let added = self.end - self.at > before;
        if self.text.is_malformed && !added {
            return Err(self.malformed());
        }
        if !self.text.is_malformed && (self.text.is_ended || !added) {
            self.end = self.held.len();
        }
        Ok(())
    }

    /// Drops what was taken, and decodes one more block.
    fn fetch(&mut self) -> Result<(), RegReadError> {
        self.held.drain(..self.at);
        self.end -= self.at;
        self.at = 0;
        let start = self.held.len().saturating_sub(1);
        self.text.read(&mut self.held)?;
        let added = self.held.as_bytes().get(start..).unwrap_or_default();
        let is_over = self.text.is_over();
        // A CR at the end may be half a line end.
        let whole = added.strip_suffix(b"\r").filter(|_| !is_over).unwrap_or(added);
        if let Some(last) = whole.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')) {
            self.end = self.end.max(start + last + 1);
        }
        Ok(())
    }

    /// What comes behind the text at hand is no text.
    fn malformed(&self) -> RegReadError {
        let mut cursor = Cursor::new(self.held.get(self.at..).unwrap_or_default(), self.line);
        while cursor.next().is_some() {}
        let reason = format!("text is not valid {}", self.text.encoding());
        RegTextError { line: cursor.line(), reason }.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reg_text::encoding::BLOCK;
    use std::io::Cursor as Bytes;

    #[test]
    fn a_comment_without_an_end_is_not_held() {
        let long = "\u{e9}".repeat(1 << 20);
        for text in [
            format!("REGEDIT4\r\n;{long}\r\n[K]\n"),
            format!("{}REGEDIT4{}\r[K]\r;{long}", " \r\n".repeat(1 << 18), " ".repeat(100)),
            format!("Windows Registry Editor Version 5.00\n{}\r\n[K]", " ".repeat(2 << 20)),
        ] {
            let source = Box::new(Bytes::new(text.as_bytes()));
            let mut all = Operations::new(source, encoding_rs::WINDOWS_1252, BLOCK).unwrap();
            let operation = all.next().unwrap().unwrap();
            let line = text.split("[K]").next().unwrap().matches(['\r', '\n']).count();
            let line = line - text.split("[K]").next().unwrap().matches("\r\n").count() + 1;
            assert_eq!((&*operation.key, operation.line as usize), ("K", line));
            assert!(all.next().is_none());
            assert!(all.lines.held.capacity() < 16 * BLOCK, "{}", all.lines.held.capacity());
        }
        let source = Box::new(Bytes::new(long.as_bytes()));
        let error = Operations::new(source, encoding_rs::UTF_8, BLOCK).err().unwrap();
        assert!(error.to_string().starts_with("line 1: expected"), "{error}");
    }
}
