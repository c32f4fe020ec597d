//! `%strings%`, and text that names folders of the guest by number.

use std::collections::HashMap;
use std::fmt;

/// Text after the substitution of strings. Folders (`%12%`) stay numbers, since only the installer knows where they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Text {
    pieces: Vec<Piece>,
}

/// A part of a [`Text`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece {
    /// As it is.
    Literal(String),
    /// A folder, such as 12 for `System32\drivers`.
    Dirid(i32),
}

impl Text {
    /// The parts, in order.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Tells whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Puts the path of each folder in place; `Err` with the first number that `folder` does not know.
    ///
    /// # Errors
    /// The number of the unknown folder.
    pub fn expand(&self, mut folder: impl FnMut(i32) -> Option<String>) -> Result<String, i32> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Dirid(dirid) => text.push_str(&folder(*dirid).ok_or(*dirid)?),
            }
        }
        Ok(text)
    }

    /// The folder the text begins with, and what follows without its backslash: `(12, "viostor.sys")`.
    #[must_use]
    pub fn in_folder(&self) -> Option<(i32, String)> {
        let [Piece::Dirid(dirid), rest @ ..] = self.pieces.as_slice() else { return None };
        let rest = Self { pieces: rest.to_vec() }.to_string();
        Some((*dirid, rest.trim_start_matches('\\').to_owned()))
    }

    /// Substitutes the strings of `raw`. What names no string and no folder stays as it is.
    pub(super) fn substitute(raw: &str, strings: &HashMap<String, String>) -> Self {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        for part in Parts(raw, strings) {
            match part {
                Part::Literal(text) => literal.push_str(text),
                Part::Dirid(dirid) => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    }
                    pieces.push(Piece::Dirid(dirid));
                }
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Self { pieces }
    }

    /// How long the substitution of `raw` is, in bytes, without making it.
    pub(super) fn length(raw: &str, strings: &HashMap<String, String>) -> usize {
        if !raw.contains('%') {
            return raw.len();
        }
        let lengths = Parts(raw, strings).map(|part| match part {
            Part::Literal(text) => text.len(),
            Part::Dirid(_) => "%-2147483648%".len(),
        });
        lengths.fold(0, usize::saturating_add)
    }
}

/// Folders as an INF writes them: `%12%\viostor.sys`.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => f.write_str(literal)?,
                Piece::Dirid(dirid) => write!(f, "%{dirid}%")?,
            }
        }
        Ok(())
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        let text = self.to_string();
        text == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

/// Raw text comes apart into these.
enum Part<'a> {
    Literal(&'a str),
    Dirid(i32),
}

/// Takes raw text apart, with the strings to substitute.
struct Parts<'a>(&'a str, &'a HashMap<String, String>);

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let text = self.0;
        if text.is_empty() {
            return None;
        }
        let (length, part) = match text.find('%') {
            Some(0) => token(text, self.1),
            end => {
                let end = end.unwrap_or(text.len());
                (end, Part::Literal(text.get(..end).unwrap_or_default()))
            }
        };
        self.0 = text.get(length..).unwrap_or_default();
        Some(part)
    }
}

/// What the percent sign that `text` begins with stands for, and how much of the text that is.
fn token<'a>(text: &'a str, strings: &'a HashMap<String, String>) -> (usize, Part<'a>) {
    let after = text.get(1..).unwrap_or_default();
    match after.find('%') {
        None => (text.len(), Part::Literal(text)),
        Some(0) => (2, Part::Literal("%")),
        Some(end) => {
            let name = after.get(..end).unwrap_or_default();
            if let Some(value) = strings.get(&fold(name)) {
                (end + 2, Part::Literal(value))
            } else if let Ok(dirid) = name.parse() {
                (end + 2, Part::Dirid(dirid))
            } else if name.contains(char::is_whitespace) {
                // A percent sign that opens nothing: "50 % of %token%".
                (1, Part::Literal("%"))
            } else {
                (end + 2, Part::Literal(text.get(..end + 2).unwrap_or_default()))
            }
        }
    }
}

/// Names are compared without case.
pub(super) fn fold(name: &str) -> String {
    name.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{Piece, Text};
    use std::collections::HashMap;

    #[test]
    fn strings_are_substituted_once() {
        let strings: HashMap<_, _> = [("a", "A"), ("b", "%a%"), ("7", "seven")]
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        for (raw, expected) in [
            ("", ""),
            ("x%A%y", "xAy"),
            ("%b%", "%a%"),
            ("%%a%%", "%a%"),
            ("%%SystemRoot%%\\x", "%SystemRoot%\\x"),
            ("%none%", "%none%"),
            ("100%", "100%"),
            ("50% of %a%", "50% of A"),
            ("%none%\\%a%", "%none%\\A"),
            ("%7%", "seven"),
            ("%12%\\x.sys", "%12%\\x.sys"),
        ] {
            let text = Text::substitute(raw, &strings);
            assert_eq!(text, expected, "{raw}");
            assert!(Text::length(raw, &strings) >= text.to_string().len(), "{raw}");
        }
        let text = Text::substitute("%12%\\x%-1%", &strings);
        let pieces = [Piece::Dirid(12), Piece::Literal("\\x".to_owned()), Piece::Dirid(-1)];
        assert_eq!(text.pieces(), pieces);
        assert_eq!(text.in_folder(), Some((12, "x%-1%".to_owned())));
        assert_eq!(text.expand(|id| (id == 12).then(|| "D".to_owned())), Err(-1));
        assert_eq!(text.expand(|_| Some("D".to_owned())).as_deref(), Ok("D\\xD"));
    }
}
