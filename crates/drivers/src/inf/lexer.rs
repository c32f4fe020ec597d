//! Lines of an INF: comments, quotes, continuations, fields.
//!
//! Source: "General syntax rules for INF files" of the Windows driver documentation.

use super::error::InfProblem;

/// Bytes of a field before its strings are substituted: eight times what Windows takes.
pub(super) const FIELD_MAX: usize = 32 * 1024;
/// What all tokens of a file may cost: that of the largest file seen, several times over.
const COST_MAX: usize = 2_000_000;
/// What a section header costs, whose section takes as much memory as several lines.
const SECTION_COST: usize = 8;

/// One section header, or one entry of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// The name between the brackets.
    Section(String),
    /// An entry.
    Line(Line),
}

/// An entry of a section: `key = value, value`, or values alone. Quotes are taken off, `%strings%` are as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Where it begins, from 1.
    pub(super) number: u32,
    /// The first field is what is before the equals sign.
    pub(super) has_key: bool,
    /// The fields, one behind the other.
    pub(super) text: String,
    /// Where each field ends in the text.
    pub(super) ends: Vec<usize>,
}

impl Line {
    fn push(&mut self, field: &str) {
        self.text.push_str(field);
        self.ends.push(self.text.len());
    }
}

/// Takes text apart.
pub(super) struct Lexer<'a> {
    rest: &'a str,
    line: u32,
    /// Below `[Strings]`, where commas are part of the value.
    in_strings: bool,
    /// What the tokens so far cost: 1 for a line and for each of its fields, [`SECTION_COST`] for a header.
    cost: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        // Ctrl-Z ends the text of old editors.
        let rest = text.split('\u{1A}').next().unwrap_or_default();
        Self { rest, line: 1, in_strings: false, cost: 0 }
    }

    /// What the tokens so far cost, in lines and fields.
    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    fn charge(&mut self, cost: usize) -> Result<(), InfProblem> {
        self.cost += cost;
        if self.cost > COST_MAX {
            return Err(InfProblem::TooManyFields { max: COST_MAX });
        }
        Ok(())
    }

    /// The next header or entry with its line; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Result<(u32, Token), (u32, InfProblem)>> {
        loop {
            let c = self.rest.chars().next()?;
            match c {
                '\n' => {
                    self.line = self.line.saturating_add(1);
                    self.skip(c);
                }
                c if is_space(c) => self.skip(c),
                ';' => self.skip_comment(),
                '[' => return Some(self.section()),
                _ => {
                    let number = self.line;
                    match self.entry() {
                        Ok(line) if line.ends.is_empty() => {}
                        Ok(line) => return Some(Ok((number, Token::Line(line)))),
                        Err(problem) => return Some(Err((number, problem))),
                    }
                }
            }
        }
    }

    fn skip(&mut self, c: char) {
        self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
    }

    /// Up to the end of the line, which stays.
    fn skip_comment(&mut self) {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        self.rest = self.rest.get(end..).unwrap_or_default();
    }

    fn section(&mut self) -> Result<(u32, Token), (u32, InfProblem)> {
        let number = self.line;
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        let header = self.rest.get(1..end).unwrap_or_default();
        self.skip_comment();
        let Some((name, _)) = header.split_once(']') else {
            return Err((number, InfProblem::UnclosedSection));
        };
        let name = name.trim_matches(is_space);
        if name.len() > FIELD_MAX {
            return Err((number, InfProblem::FieldTooLong { max: FIELD_MAX }));
        }
        self.in_strings = is_strings(name);
        self.charge(SECTION_COST).map_err(|problem| (number, problem))?;
        Ok((number, Token::Section(name.to_owned())))
    }

    fn entry(&mut self) -> Result<Line, InfProblem> {
        let (number, text, ends) = (self.line, String::new(), Vec::new());
        let mut line = Line { number, has_key: false, text, ends };
        let mut field = Field::default();
        while let Some(c) = self.rest.chars().next() {
            match c {
                '\n' => break,
                ';' => {
                    self.skip_comment();
                    break;
                }
                '"' => self.quoted(&mut field),
                '\\' => {
                    if self.continues() {
                        self.continue_line();
                        field.forget_spaces();
                    } else {
                        self.skip(c);
                        field.push(c);
                    }
                }
                '=' if line.ends.is_empty() => {
                    self.skip(c);
                    line.has_key = true;
                    line.push(&field.take());
                    self.charge(1)?;
                }
                ',' if !self.in_strings => {
                    self.skip(c);
                    line.push(&field.take());
                    self.charge(1)?;
                }
                c if is_space(c) => {
                    self.skip(c);
                    field.space(c);
                }
                c => {
                    self.skip(c);
                    field.push(c);
                }
            }
            if field.text.len() > FIELD_MAX {
                return Err(InfProblem::FieldTooLong { max: FIELD_MAX });
            }
        }
        let last = field.take();
        if !last.is_empty() || line.ends.len() > usize::from(line.has_key) {
            line.push(&last);
        }
        self.charge(2)?;
        Ok(line)
    }

    /// A quoted part of a field; it ends with the line at the latest.
    fn quoted(&mut self, field: &mut Field) {
        self.skip('"');
        field.begin();
        while let Some(c) = self.rest.chars().next() {
            match c {
                '\n' => return,
                '"' => {
                    self.skip(c);
                    if !self.rest.starts_with('"') {
                        return;
                    }
                    self.skip(c);
                    field.push(c);
                }
                '\r' if self.rest.starts_with("\r\n") => return,
                c => {
                    self.skip(c);
                    field.push(c);
                }
            }
        }
    }

    /// Tells whether the backslash here is the last of its line, but for spaces and a comment. Of two, the first says nothing.
    fn continues(&self) -> bool {
        let rest = self.rest;
        let rest = rest.strip_prefix("\\\\").or_else(|| rest.strip_prefix('\\')).unwrap_or(rest);
        let rest = rest.trim_start_matches(is_space);
        rest.is_empty() || rest.starts_with(['\n', ';'])
    }

    fn continue_line(&mut self) {
        self.skip_comment();
        if self.rest.starts_with('\n') {
            self.line = self.line.saturating_add(1);
            self.skip('\n');
        }
        self.rest = self.rest.trim_start_matches(is_space);
    }
}

/// A field while it is read: spaces around it are dropped, those between quotes are not.
#[derive(Default)]
struct Field {
    text: String,
    spaces: String,
    begun: bool,
}

impl Field {
    fn begin(&mut self) {
        self.text.push_str(&std::mem::take(&mut self.spaces));
        self.begun = true;
    }

    fn push(&mut self, c: char) {
        self.begin();
        self.text.push(c);
    }

    fn space(&mut self, c: char) {
        // Longer than a field may be is long enough to be found out.
        if self.begun && self.spaces.len() <= FIELD_MAX {
            self.spaces.push(c);
        }
    }

    fn forget_spaces(&mut self) {
        self.spaces.clear();
    }

    fn take(&mut self) -> String {
        let field = std::mem::take(self);
        field.text
    }
}

fn is_space(c: char) -> bool {
    c != '\n' && (c.is_whitespace() || c == '\0' || c == '\u{FEFF}')
}

/// Tells `Strings` and `Strings.0407`.
pub(super) fn is_strings(section: &str) -> bool {
    let mut parts = section.splitn(2, '.');
    parts.next().is_some_and(|name| name.eq_ignore_ascii_case("Strings"))
        && parts.next().is_none_or(|id| u16::from_str_radix(id.trim(), 16).is_ok())
}

#[cfg(test)]
mod tests {
    use super::{Lexer, Token};

    /// Entries as `line:key=value|value`.
    fn entries(text: &str) -> Vec<String> {
        let mut lexer = Lexer::new(text);
        let mut found = Vec::new();
        while let Some(token) = lexer.next() {
            found.push(match token.expect("text that can be read") {
                (line, Token::Section(name)) => format!("{line}:[{name}]"),
                (line, Token::Line(entry)) => {
                    let starts = [0].into_iter().chain(entry.ends.iter().copied());
                    let fields = starts.zip(&entry.ends).map(|(from, to)| &entry.text[from..*to]);
                    let (key, values) = fields.partition::<Vec<_>, _>({
                        let mut first = entry.has_key;
                        move |_| std::mem::take(&mut first)
                    });
                    let equals = if entry.has_key { "=" } else { "" };
                    format!("{line}:{}{equals}{}", key.concat(), values.join("|"))
                }
            });
        }
        found
    }

    #[test]
    fn lines_come_apart() {
        for (text, expected) in [
            ("[A]\r\nk = v ; c\r\n", &["1:[A]", "2:k=v"][..]),
            ("[ A ] junk", &["1:[A]"]),
            ("a , b,,c", &["1:a|b||c"]),
            ("k=", &["1:k="]),
            ("k=a=b,c=d", &["1:k=a=b|c=d"]),
            ("a,k=v", &["1:a|k=v"]),
            (r#"k = " a;b "" c ", d"#, &[r#"1:k= a;b " c |d"#]),
            (r#"k = "a"b" c""#, &["1:k=ab c"]),
            (r#"k = "not closed"#, &["1:k=not closed"]),
            ("k = \"cr\r\nl=2", &["1:k=cr", "2:l=2"]),
            ("k = a,\\ ; comment\n b\nl=2", &["1:k=a|b", "3:l=2"]),
            ("k = a \\\n b", &["1:k=ab"]),
            ("k = \"a\" \\\n \"b\"", &["1:k=ab"]),
            (r"k = ,,,\amd64", &[r"1:k=|||\amd64"]),
            ("k = \"dir\\\"\\\n,f", &["1:k=dir\\|f"]),
            ("k = dir\\\\\n,f", &["1:k=dir|f"]),
            ("k = a\\", &["1:k=a"]),
            (";only\n\n  ;a comment", &[]),
            ("[Strings]\nk = a, b", &["1:[Strings]", "2:k=a, b"]),
            ("[strings.0407]\nk = a, b", &["1:[strings.0407]", "2:k=a, b"]),
            ("[Strings_x]\nk = a, b", &["1:[Strings_x]", "2:k=a|b"]),
            ("k=v\n\u{1A}rest", &["1:k=v"]),
        ] {
            assert_eq!(entries(text), expected, "{text:?}");
        }
    }
}
