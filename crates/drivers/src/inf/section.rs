//! Sections. Their lines are kept in one piece, so that an INF takes little more memory than its text, however short its lines are.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::lexer::Line;

/// A section, with the entries of all sections of its name in file order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// As its first header spells it.
    pub name: String,
    /// Line of its first header.
    pub line: u32,
    lines: Vec<Row>,
    /// The fields of all lines, one behind the other.
    text: String,
    /// Where each field ends in the text.
    ends: Vec<usize>,
    /// The first line of each key, once one was asked for.
    pub(super) keys: OnceLock<HashMap<String, usize>>,
}

/// A line of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// Where it begins, from 1.
    pub(super) number: u32,
    has_key: bool,
    /// Its first field among those of the section.
    first: usize,
    /// The key, if it has one, and the values.
    fields: usize,
}

impl Section {
    pub(super) fn new(name: &str, line: u32) -> Self {
        Self {
            name: name.to_owned(),
            line,
            lines: Vec::new(),
            text: String::new(),
            ends: Vec::new(),
            keys: OnceLock::new(),
        }
    }

    pub(super) fn push(&mut self, line: &Line) {
        let (first, fields) = (self.ends.len(), line.ends.len());
        let before = self.text.len();
        self.lines.push(Row { number: line.number, has_key: line.has_key, first, fields });
        self.text.push_str(&line.text);
        self.ends.extend(line.ends.iter().map(|end| before + end));
    }

    /// Gives back memory kept for lines that did not come.
    pub(super) fn shrink(&mut self) {
        self.lines.shrink_to_fit();
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.lines
    }

    /// What is before the equals sign of a line.
    pub(super) fn key(&self, row: &Row) -> Option<&str> {
        row.has_key.then(|| self.field(row.first))
    }

    /// How many values a line has.
    pub(super) fn value_count(row: &Row) -> usize {
        row.fields - usize::from(row.has_key)
    }

    /// A value of a line, from 0; empty when there is none.
    pub(super) fn value(&self, row: &Row, index: usize) -> &str {
        if index >= Self::value_count(row) {
            return "";
        }
        self.field(row.first + usize::from(row.has_key) + index)
    }

    /// The key and the values of a line.
    pub(super) fn fields(&self, row: &Row) -> impl Iterator<Item = &str> {
        (row.first..row.first + row.fields).map(|at| self.field(at))
    }

    fn field(&self, at: usize) -> &str {
        let end = self.ends.get(at).copied().unwrap_or_default();
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before));
        self.text.get(start.copied().unwrap_or_default()..end).unwrap_or_default()
    }
}
