//! A `.reg` file read piece by piece.

use super::cursor::Cursor;
use super::encoding::{Source, Text};
use super::operation::{Context, blank_lines, header};
use super::{RegOperation, RegReadError, RegTextError};
use encoding_rs::Encoding;

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
        let mut lines = Lines { text, held: String::new(), at: 0, end: 0, line: 1 };
        let version = lines.take(header)?;
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
        let operation = lines.skip_blank().and_then(|()| lines.take(|at| context.operation(at)));
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
}

impl Lines<'_> {
    /// Takes something from the text. What reached the end of the lines at hand is tried again with more of them.
    fn take<T>(
        &mut self,
        mut what: impl FnMut(&mut Cursor<'_>) -> Result<T, RegTextError>,
    ) -> Result<T, RegReadError> {
        loop {
            let rest = self.held.get(self.at..self.end).unwrap_or_default();
            let mut cursor = Cursor::new(rest, self.line);
            let taken = what(&mut cursor);
            if !cursor.is_at_end() || self.is_ended() {
                let (left, line) = (cursor.left(), cursor.line());
                (self.at, self.line) = (self.end - left, line);
                return Ok(taken?);
            }
            self.more()?;
        }
    }

    /// Takes blank lines and comments, of which none are kept.
    fn skip_blank(&mut self) -> Result<(), RegReadError> {
        loop {
            let rest = self.held.get(self.at..self.end).unwrap_or_default();
            let mut cursor = Cursor::new(rest, self.line);
            blank_lines(&mut cursor);
            (self.at, self.line) = (self.end - cursor.left(), cursor.line());
            if !cursor.is_at_end() || self.is_ended() {
                return Ok(());
            }
            self.more()?;
        }
    }

    /// True when the lines at hand are the last.
    fn is_ended(&self) -> bool {
        self.text.is_ended && !self.text.is_malformed && self.end == self.held.len()
    }

    /// Adds lines: as many again as there are, so that what spans many lines is not tried too often.
    fn more(&mut self) -> Result<(), RegReadError> {
        self.held.drain(..self.at);
        self.end -= self.at;
        self.at = 0;
        let wanted = self.held.len().max(self.text.block() / 2) * 2;
        let before = self.end;
        let is_over = |text: &Text<'_>| text.is_ended || text.is_malformed;
        while !is_over(&self.text) && (self.held.len() < wanted || self.end == before) {
            let start = self.held.len();
            self.text.read(&mut self.held)?;
            let found = self.held.get(start..).and_then(|added| added.rfind('\n'));
            self.end = found.map_or(self.end, |at| start + at + 1);
        }
        if self.text.is_malformed {
            if self.end > before {
                return Ok(());
            }
            let lines = u32::try_from(self.held.matches('\n').count()).unwrap_or(u32::MAX);
            let reason = format!("text is not valid {}", self.text.encoding());
            return Err(RegTextError { line: self.line.saturating_add(lines), reason }.into());
        }
        if self.text.is_ended {
            self.end = self.held.len();
        }
        Ok(())
    }
}
