//! An entry of a section with its strings substituted.

use super::section::{Row, Section};
use super::{Inf, InfError, InfProblem, Text};

/// A text for people, and how the INF writes it: the registry keeps the token too, so that Windows can show another language.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Localized {
    /// As written, such as `%VENDOR%`.
    pub raw: String,
    /// With the strings substituted.
    pub text: String,
}

/// An entry of a section, seen through the strings of its file.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    inf: &'a Inf,
    section: &'a Section,
    row: &'a Row,
}

impl<'a> Entry<'a> {
    pub(super) fn new(inf: &'a Inf, section: &'a Section, row: &'a Row) -> Self {
        Self { inf, section, row }
    }

    /// The file it is of.
    #[must_use]
    pub fn inf(&self) -> &'a Inf {
        self.inf
    }

    /// Its line, from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.row.number
    }

    /// The name of its section.
    #[must_use]
    pub fn section(&self) -> &'a str {
        &self.section.name
    }

    /// The key in lower case, with its strings substituted; empty when there is none.
    #[must_use]
    pub fn key(&self) -> String {
        let key = self.section.key(self.row);
        key.map(|key| super::fold(&self.plain(key))).unwrap_or_default()
    }

    /// The key as a text for people.
    #[must_use]
    pub fn localized_key(&self) -> Option<Localized> {
        self.section.key(self.row).map(|raw| self.localize(raw))
    }

    /// Compares the key, in any case.
    #[must_use]
    pub fn has_key(&self, key: &str) -> bool {
        self.section.key(self.row).is_some_and(|raw| {
            raw.eq_ignore_ascii_case(key)
                || raw.contains('%') && self.plain(raw).eq_ignore_ascii_case(key)
        })
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        Section::value_count(self.row)
    }

    /// Tells whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A value as written, from 0; empty when there is none.
    #[must_use]
    pub fn raw(&self, index: usize) -> &'a str {
        self.section.value(self.row, index)
    }

    /// A value with its strings substituted, from 0; empty when there is none.
    #[must_use]
    pub fn text(&self, index: usize) -> Text {
        self.inf.substitute(self.raw(index))
    }

    /// A value as a plain string, folders as `%12%`.
    #[must_use]
    pub fn string(&self, index: usize) -> String {
        self.plain(self.raw(index))
    }

    /// A value as a plain string; `None` when there is none or it is empty.
    #[must_use]
    pub fn optional(&self, index: usize) -> Option<String> {
        Some(self.string(index)).filter(|text| !text.is_empty())
    }

    /// A value as a text for people; `None` when there is none or it is empty.
    #[must_use]
    pub fn localized(&self, index: usize) -> Option<Localized> {
        let raw = self.raw(index);
        (!raw.is_empty()).then(|| self.localize(raw))
    }

    /// The values that are not empty, as plain strings.
    pub fn strings(&self) -> impl Iterator<Item = String> + use<'a> {
        let this = *self;
        (0..self.len()).filter_map(move |index| this.optional(index))
    }

    /// A value as a number, decimal or after `0x` in hexadecimal; `None` when there is none or it is empty.
    ///
    /// # Errors
    /// [`InfProblem::NotANumber`].
    pub fn number(&self, index: usize, field: &'static str) -> Result<Option<u32>, InfError> {
        let Some(found) = self.optional(index) else { return Ok(None) };
        match parse_number(&found) {
            Some(number) => Ok(Some(number)),
            None => Err(self.error(InfProblem::NotANumber { field, found })),
        }
    }

    /// Bytes of all its fields with the strings substituted.
    pub(super) fn size(&self) -> usize {
        let fields = self.section.fields(self.row);
        let sizes = fields.map(|raw| Text::length(raw, self.inf.strings()));
        sizes.fold(0, usize::saturating_add)
    }

    /// An error of this line.
    #[must_use]
    pub fn error(&self, problem: InfProblem) -> InfError {
        self.inf.error(self.row.number, problem)
    }

    fn plain(&self, raw: &str) -> String {
        if raw.contains('%') { self.inf.substitute(raw).to_string() } else { raw.to_owned() }
    }

    fn localize(&self, raw: &str) -> Localized {
        Localized { raw: raw.to_owned(), text: self.plain(raw) }
    }
}

/// A number of 32 bits; negative ones in two's complement.
pub(super) fn parse_number(text: &str) -> Option<u32> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let (digits, radix) = hex.map_or((digits, 10), |hex| (hex, 16));
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let number = u32::from_str_radix(digits, radix).ok()?;
    if !negative {
        return Some(number);
    }
    (number <= 1 << 31).then(|| number.wrapping_neg())
}

#[cfg(test)]
mod tests {
    use super::parse_number;

    #[test]
    fn numbers_parse() {
        for (text, expected) in [
            ("0", Some(0)),
            (" 16 ", Some(16)),
            ("0x10", Some(16)),
            ("0XfFffFfff", Some(u32::MAX)),
            ("-1", Some(u32::MAX)),
            ("+7", Some(7)),
            ("4294967296", None),
            ("-4294967295", None),
            ("", None),
            ("0x", None),
            ("--1", None),
            ("10h", None),
        ] {
            assert_eq!(parse_number(text), expected, "{text}");
        }
    }
}
