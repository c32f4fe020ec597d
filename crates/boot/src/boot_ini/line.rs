//! Lines of a `boot.ini`, each with the line end it was written with.

/// One line without its end, and the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: Vec<u8>,
    /// `\r\n`, `\n`, `\r`, or nothing at the end of the text.
    pub(super) ending: &'static [u8],
}

/// Splits a file into its lines and what follows the text: everything from the first Ctrl-Z or NUL.
pub(super) fn split(bytes: &[u8]) -> (Vec<Line>, &[u8]) {
    let end = bytes.iter().position(|byte| matches!(byte, 0 | 0x1A)).unwrap_or(bytes.len());
    let (mut text, tail) = bytes.split_at(end);
    let mut lines = Vec::new();
    while !text.is_empty() {
        let length =
            text.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(text.len());
        let (line, rest) = text.split_at(length);
        let ending: &'static [u8] = match rest {
            [b'\r', b'\n', ..] => b"\r\n",
            [b'\n', ..] => b"\n",
            [b'\r', ..] => b"\r",
            _ => b"",
        };
        lines.push(Line { text: line.to_vec(), ending });
        text = &rest[ending.len()..];
    }
    (lines, tail)
}

/// The line end for a new line: what the file mostly uses, `\r\n` where it has none.
pub(super) fn usual_ending(lines: &[Line]) -> &'static [u8] {
    let count = |ending: &[u8]| lines.iter().filter(|line| line.ending == ending).count();
    let (crlf, lf, cr) = (count(b"\r\n"), count(b"\n"), count(b"\r"));
    if lf > crlf && lf >= cr {
        b"\n"
    } else if cr > crlf {
        b"\r"
    } else {
        b"\r\n"
    }
}
