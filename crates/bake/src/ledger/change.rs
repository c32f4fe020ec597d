//! An entry as the report tells it.

use winkiln_guest::HiveName;

use super::{Entry, State, Target};
use crate::report::Change;
use crate::value_text::{hidden_value, report_value};

/// What became of a target.
pub(super) fn change(entry: &Entry) -> Change {
    let (before, after) = match (&entry.before, &entry.after) {
        (State::BootIni(before), State::BootIni(after)) => {
            let (before, after) = changed_lines(before, after);
            let some = |text: String| (!text.is_empty()).then_some(text);
            (some(before), some(after))
        }
        (before, after) => (shown(&entry.target, before), shown(&entry.target, after)),
    };
    Change { kind: entry.target.kind(), target: entry.target.text(), before, after }
}

/// What a target held, without secrets: passwords by their names, and all of the hives that accounts and secrets are kept in.
fn shown(target: &Target, state: &State) -> Option<String> {
    match (target, state) {
        (
            Target::Value { hive: HiveName::Sam | HiveName::Security, .. },
            State::Value(kind, data),
        ) => Some(hidden_value(*kind, data)),
        (Target::Value { name, .. }, State::Value(kind, data)) => {
            Some(report_value(name, *kind, data))
        }
        (_, state) => state.text(),
    }
}

/// The lines between the first and the last that differ. Bytes outside UTF-8 have an unknown code page.
fn changed_lines(before: &[u8], after: &[u8]) -> (String, String) {
    let before: Vec<&[u8]> = before.split(|byte| *byte == b'\n').collect();
    let after: Vec<&[u8]> = after.split(|byte| *byte == b'\n').collect();
    let head = before.iter().zip(&after).take_while(|(b, a)| b == a).count();
    let rest = before.len().min(after.len()) - head;
    let equal_tail = before.iter().rev().zip(after.iter().rev()).take_while(|(b, a)| b == a);
    let tail = equal_tail.count().min(rest);
    let text = |lines: &[&[u8]]| {
        let lines = lines[head..lines.len() - tail].join(&b'\n');
        String::from_utf8_lossy(&lines).replace('\r', "").trim_end_matches('\n').to_owned()
    };
    (text(&before), text(&after))
}

#[cfg(test)]
mod tests {
    use super::changed_lines;

    #[test]
    fn boot_ini_shows_only_what_differs() {
        let before = b"[a]\r\nx=1\r\ny=2\r\n";
        assert_eq!(changed_lines(before, b"[a]\r\nx=3\r\ny=2\r\n"), ("x=1".into(), "x=3".into()));
        assert_eq!(
            changed_lines(before, b"[a]\r\nx=1\r\nx=1\r\ny=2\r\n"),
            (String::new(), "x=1".into())
        );
        assert_eq!(changed_lines(before, before), (String::new(), String::new()));
    }
}
