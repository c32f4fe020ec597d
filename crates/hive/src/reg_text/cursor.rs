//! A place in the text, with its line. Lines end with CR LF, LF or CR, as regedit has them.
//!
//! Source: the tests of Wine's regedit, which Windows' own passes.

use super::RegTextError;

/// Reads text from front to back and counts its lines.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a str,
    line: u32,
    /// What comes behind the end of the text would have made a difference.
    short: bool,
}

impl<'a> Cursor<'a> {
    /// Begins a text that is part of a longer one, at this line of it.
    pub(super) fn new(text: &'a str, line: u32) -> Self {
        Self { rest: text, line, short: false }
    }

    /// Bytes that are left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// The line of what comes next, from 1.
    pub(super) fn line(&self) -> u32 {
        self.line
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// True when the end of the text was looked at: with more of it, what was taken may be another.
    pub(super) fn is_short(&self) -> bool {
        self.short
    }

    pub(super) fn peek(&mut self) -> Option<char> {
        let letter = self.rest.chars().next();
        self.short |= letter.is_none();
        letter
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.rest = self.rest.get(letter.len_utf8()..).unwrap_or_default();
        if letter == '\n' || letter == '\r' && !self.rest.starts_with('\n') {
            self.line = self.line.saturating_add(1);
        }
        Some(letter)
    }

    /// Takes `letter` if it comes next.
    pub(super) fn take(&mut self, letter: char) -> bool {
        let found = self.peek() == Some(letter);
        if found {
            self.next();
        }
        found
    }

    /// Takes an ASCII word, in upper or lower case, if it comes next.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        match self.rest.split_at_checked(word.len()) {
            Some((start, rest)) if start.eq_ignore_ascii_case(word) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Takes letters as long as `wanted` says so; never a line end.
    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|letter| is_line_end(letter) || !wanted(letter));
        self.short |= end.is_none();
        let end = end.unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// Skips blanks within the line.
    pub(super) fn skip_blanks(&mut self) {
        self.take_while(|letter| matches!(letter, ' ' | '\t'));
    }

    /// The rest of the line without its end, which is taken too.
    pub(super) fn take_line(&mut self) -> &'a str {
        let line = self.take_while(|_| true);
        let end = ["\r\n", "\n", "\r"].into_iter().find_map(|end| self.rest.strip_prefix(end));
        if let Some(rest) = end {
            self.rest = rest;
            self.line = self.line.saturating_add(1);
        }
        line
    }

    /// True at the end of a line, before a comment, or at the end of the text.
    pub(super) fn is_at_line_end(&mut self) -> bool {
        self.peek().is_none_or(|letter| is_line_end(letter) || letter == ';')
    }

    /// Takes blanks, a comment and the line end.
    ///
    /// # Errors
    /// When something else comes first; `after` says after what.
    pub(super) fn end_line(&mut self, after: &str) -> Result<(), RegTextError> {
        self.skip_blanks();
        if !self.is_at_line_end() {
            let line = self.line;
            let reason = format!("{:?} after {after}", shorten(self.take_line()));
            return Err(RegTextError { line, reason });
        }
        self.take_line();
        Ok(())
    }

    pub(super) fn error(&self, reason: impl Into<String>) -> RegTextError {
        RegTextError { line: self.line, reason: reason.into() }
    }

    /// What comes next in this line, for a message.
    pub(super) fn show(&self) -> String {
        let line = self.rest.split(['\r', '\n']).next().unwrap_or_default();
        if line.is_empty() { "the end of the line".into() } else { format!("{:?}", shorten(line)) }
    }
}

fn is_line_end(letter: char) -> bool {
    matches!(letter, '\n' | '\r')
}

/// Cuts text for a message.
pub(super) fn shorten(text: &str) -> String {
    const MAX: usize = 40;
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
