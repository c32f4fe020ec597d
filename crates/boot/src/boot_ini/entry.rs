//! The parts of one line below `[operating systems]`.

use std::ops::Range;

/// Where the parts of an entry stand in its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spans {
    pub(super) path: Range<usize>,
    /// Without the quotes.
    pub(super) description: Range<usize>,
    /// One past the description and its closing quote: where the first switch goes.
    pub(super) after_description: usize,
    pub(super) switches: Vec<Range<usize>>,
    /// The description opens a quote that is never closed.
    pub(super) unclosed: bool,
}

/// Takes `path="description" /switch /switch` apart; `None` when it is no entry.
pub(super) fn spans(text: &[u8]) -> Option<Spans> {
    let equals = text.iter().position(|byte| *byte == b'=')?;
    let path = trimmed(text, 0..equals);
    if path.is_empty() {
        return None;
    }
    let rest = trimmed(text, equals + 1..text.len());
    let (description, after_description, unclosed) = if text.get(rest.start) == Some(&b'"') {
        let start = rest.start + 1;
        match bytes(text, &(start..text.len())).iter().position(|byte| *byte == b'"') {
            Some(length) => (start..start + length, start + length + 1, false),
            None => (start..rest.end, rest.end, true),
        }
    } else {
        let length = bytes(text, &rest).iter().position(|byte| *byte == b'/');
        let end = length.map_or(rest.end, |length| rest.start + length);
        let description = trimmed(text, rest.start..end);
        let after = description.end;
        (description, after, false)
    };
    let switches = switches(text, after_description);
    Some(Spans { path, description, after_description, switches, unclosed })
}

/// Switches from `start` on: each ends at white space or where the next `/` begins.
fn switches(text: &[u8], start: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut begin = None;
    for (at, byte) in text.iter().enumerate().skip(start) {
        let space = byte.is_ascii_whitespace();
        if space || *byte == b'/' {
            found.extend(begin.take().map(|begin| begin..at));
        }
        if !space && begin.is_none() {
            begin = Some(at);
        }
    }
    found.extend(begin.map(|begin| begin..text.len()));
    found
}

/// `range` of `text` without the white space around.
pub(super) fn trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    let part = bytes(text, &range);
    let start = range.start + (part.len() - part.trim_ascii_start().len());
    start..start + part.trim_ascii().len()
}

/// The bytes of a span; empty when it does not lie in `text`.
pub(super) fn bytes<'a>(text: &'a [u8], span: &Range<usize>) -> &'a [u8] {
    text.get(span.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, path: &str, description: &str, switches: &[&str]) {
        let spans = spans(line.as_bytes()).expect(line);
        assert_eq!(&line[spans.path], path, "{line}");
        assert_eq!(&line[spans.description], description, "{line}");
        let found: Vec<&str> = spans.switches.into_iter().map(|span| &line[span]).collect();
        assert_eq!(found, switches, "{line}");
    }

    #[test]
    fn entries_come_apart() {
        check(r#"multi(0)\W="A B" /x /y=1"#, r"multi(0)\W", "A B", &["/x", "/y=1"]);
        check("C:\\wubildr.mbr = \"Ubuntu\"  ", "C:\\wubildr.mbr", "Ubuntu", &[]);
        check("a=\"b\"\t/x/y", "a", "b", &["/x", "/y"]);
        check("a=b c /x", "a", "b c", &["/x"]);
        check("a=/x", "a", "", &["/x"]);
        check("a=\"b /x", "a", "b /x", &[]);
        check("a=", "a", "", &[]);
        check("a=\"d=e\" NOGPLPV /x", "a", "d=e", &["NOGPLPV", "/x"]);
        assert_eq!(spans(b"no equals sign"), None);
        assert_eq!(spans(b" = \"x\""), None);
    }
}
