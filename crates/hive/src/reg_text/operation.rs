//! Header, keys and values in file order.

use super::cursor::{Cursor, shorten};
use super::value;
use super::{RegAction, RegOperation, RegTextError};
use encoding_rs::Encoding;
use std::sync::Arc;

/// The two versions of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// `REGEDIT4`: 8-bit strings.
    Four,
    /// `Windows Registry Editor Version 5.00`: UTF-16 strings.
    Five,
}

/// What the lines before tell about the next one.
#[derive(Debug)]
pub(super) struct Context {
    version: Version,
    ansi: &'static Encoding,
    /// The key of the values that follow; `None` before the first key, `Err` below a deleted one.
    key: Option<Result<Arc<str>, Arc<str>>>,
}

impl Context {
    pub(super) fn new(version: Version, ansi: &'static Encoding) -> Self {
        Self { version, ansi, key: None }
    }

    /// Takes the next operation, which comes without blank lines before it; `None` at the end of the text.
    pub(super) fn operation(
        &mut self,
        at: &mut Cursor<'_>,
    ) -> Result<Option<RegOperation>, RegTextError> {
        let Self { version, ansi, key } = self;
        let line = at.line();
        match at.peek() {
            None => Ok(None),
            Some('[') => {
                let (path, deleted) = key_line(at)?;
                let path: Arc<str> = path.into();
                let action = if deleted { RegAction::DeleteKey } else { RegAction::CreateKey };
                *key = Some(if deleted { Err(path.clone()) } else { Ok(path.clone()) });
                Ok(Some(RegOperation { line, key: path, action }))
            }
            Some('"' | '@') => {
                let path = match key {
                    Some(Ok(path)) => path.clone(),
                    Some(Err(path)) => {
                        return Err(at.error(format!(
                            "value below the key [-{}], which is deleted",
                            shorten(path)
                        )));
                    }
                    None => return Err(at.error("value before the first key")),
                };
                let action = value::line(at, *version, ansi)?;
                Ok(Some(RegOperation { line, key: path, action }))
            }
            Some(_) => {
                Err(at.error(format!("expected a key, a value or a comment, found {}", at.show())))
            }
        }
    }
}

/// Takes blank lines and the blanks after them, and with `comments` these too, of which the text may begin `within` one.
/// Returns whether it ends within one.
pub(super) fn blank_lines(at: &mut Cursor<'_>, comments: bool, mut within: bool) -> bool {
    loop {
        if within {
            at.take_while(|_| true);
            if at.is_at_end() {
                return true;
            }
        }
        at.take_while(char::is_whitespace);
        within = comments && at.peek() == Some(';');
        if !within && !matches!(at.peek(), Some('\n' | '\r')) {
            return false;
        }
        if !within {
            at.take_line();
        }
    }
}

/// Takes the first line that is not blank.
pub(super) fn header(at: &mut Cursor<'_>) -> Result<Version, RegTextError> {
    while at.peek().is_some() {
        let line = at.line();
        let text = at.take_line();
        let words: Vec<String> = text.split_whitespace().map(str::to_ascii_lowercase).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match *words.as_slice() {
            [] => {}
            ["regedit4"] => return Ok(Version::Four),
            ["windows", "registry", "editor", "version", "5.00"] => return Ok(Version::Five),
            _ => {
                let reason = format!(
                    "expected \"REGEDIT4\" or \"Windows Registry Editor Version 5.00\", found {:?}",
                    shorten(text)
                );
                return Err(RegTextError { line, reason });
            }
        }
    }
    Err(RegTextError { line: 0, reason: "the file is empty".into() })
}

/// Takes `[key]` or `[-key]`: the path, and whether it is deleted. A path may itself hold brackets.
fn key_line<'t>(at: &mut Cursor<'t>) -> Result<(&'t str, bool), RegTextError> {
    let line = at.line();
    let text = at.take_line().trim_end();
    let error = |reason: String| RegTextError { line, reason };
    let inner = text.strip_prefix('[').unwrap_or(text);
    let Some((path, after)) = inner.rsplit_once(']') else {
        return Err(error(format!("key without closing bracket: {:?}", shorten(text))));
    };
    let after = after.trim_start();
    if !after.is_empty() && !after.starts_with(';') {
        return Err(error(format!("{:?} after a key", shorten(after))));
    }
    let (path, deleted) = match path.strip_prefix('-') {
        Some(path) => (path, true),
        None => (path, false),
    };
    if path.is_empty() {
        return Err(error("key without a name".into()));
    }
    Ok((path, deleted))
}
