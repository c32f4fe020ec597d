//! What a writing command did.

mod drivers;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use console::style;
use winkiln_bake::{Change, Report};

use crate::render::table::{Align, columns};
use crate::render::text::{count, printable, size};

/// Data longer than this is cut in the table; JSON has all of it.
const CELL_LETTERS_MAX: usize = 60;

/// Changes shown without `-v`.
pub(crate) const CHANGES_MAX: usize = 200;

/// The whole report: ledger and what became of it. Warnings are told apart from it.
pub(crate) fn text(report: &Report, verbose: bool, took: Option<Duration>) -> String {
    let all = report.changes.len();
    let shown = if verbose { all } else { all.min(CHANGES_MAX) };
    let mut text = ledger(report.changes.get(..shown).unwrap_or_default());
    let more = all - shown + report.untold;
    if more > 0 {
        let _ = writeln!(text, "... and {more} more; --json has them all");
    }
    if verbose {
        for verified in &report.verified {
            let _ =
                writeln!(text, "verified by {}: {}", verified.reader, printable(&verified.what));
        }
    }
    text.push_str(&drivers::text(&report.drivers, verbose));
    for kept in &report.kept_addresses {
        let to =
            kept.mac.as_ref().map_or("the next adapter".to_owned(), |mac| format!("adapter {mac}"));
        let servers = match kept.dns_servers.is_empty() {
            true => String::new(),
            false => format!(", DNS {}", kept.dns_servers.join(" ")),
        };
        let gateways = match kept.gateways.is_empty() {
            true => String::new(),
            false => format!(", gateway {}", kept.gateways.join(" ")),
        };
        let (name, addresses) = (printable(&kept.connection), kept.addresses.join(" "));
        let _ = writeln!(
            text,
            "network {name}: {addresses}{gateways}{servers} to {to} at the next start"
        );
    }
    text.push_str(&summary(report, took));
    text
}

/// Changes below the key, folder or object that they are part of: name, before and after.
pub(crate) fn ledger(changes: &[Change]) -> String {
    let mut groups: Vec<(String, Vec<Vec<String>>)> = Vec::new();
    for change in changes {
        if change.kind == "boot-ini" {
            groups.push((change.target.clone(), changed_lines(change)));
            continue;
        }
        let (parent, name) = split(change);
        let text = if change.kind == "rename" { new_name(change) } else { change_text(change) };
        let row = vec![printable(&name).into_owned(), text];
        match groups.last_mut() {
            Some((last, rows)) if *last == parent => rows.push(row),
            _ => groups.push((parent, vec![row])),
        }
    }
    let mut text = String::new();
    for (parent, rows) in groups {
        let _ = writeln!(text, "{}", style(printable(&parent)).cyan());
        text.push_str(&columns(4, &[Align::Left, Align::Left], &rows));
    }
    text
}

/// Lines of text that went and came, as in a patch.
fn changed_lines(change: &Change) -> Vec<Vec<String>> {
    let lines = |text: &Option<String>, mark: char| -> Vec<Vec<String>> {
        let lines = text.as_deref().unwrap_or_default().lines();
        lines.map(|line| vec![mark.to_string(), printable(line).into_owned()]).collect()
    };
    [lines(&change.before, '-'), lines(&change.after, '+')].concat()
}

/// What a change is part of, and its name there.
fn split(change: &Change) -> (String, String) {
    let target = change.target.as_str();
    let below = |mark: &str| match target.rsplit_once('\\') {
        Some(("", name)) => ("\\".to_owned(), format!("{name}{mark}")),
        Some((parent, name)) => (parent.to_owned(), format!("{name}{mark}")),
        None => (String::new(), format!("{target}{mark}")),
    };
    match change.kind {
        "registry-value" | "file" | "rename" => below(""),
        "registry-key" | "folder" => below("\\"),
        "bcd-element" => match target.split_once(' ') {
            Some((object, element)) => (format!("BCD {object}"), element.to_owned()),
            None => ("BCD".to_owned(), target.to_owned()),
        },
        kind => (target.to_owned(), kind.to_owned()),
    }
}

/// Where a renamed file or folder is now.
fn new_name(change: &Change) -> String {
    let name = change.after.as_deref().unwrap_or_default();
    format!("{} -> {}", style("renamed").dim(), style(printable(name)).green())
}

fn change_text(change: &Change) -> String {
    let (before, after) = match (&change.before, &change.after) {
        (Some(before), Some(after)) => {
            let (before, after) = differing_parts(before, without_same_type(before, after));
            (before, after)
        }
        (before, after) => (
            before.as_ref().map_or_else(|| "(none)".to_owned(), |text| part(text, 0)),
            after.as_ref().map_or_else(|| "(gone)".to_owned(), |text| part(text, 0)),
        ),
    };
    format!("{} -> {}", style(printable(&before)).dim(), style(printable(&after)).green())
}

/// `after` without the value type when `before` has the same.
fn without_same_type<'t>(before: &str, after: &'t str) -> &'t str {
    match (before.split_once(' '), after.split_once(' ')) {
        (Some((kind, _)), Some((same, data))) if kind == same && kind.starts_with("REG_") => data,
        _ => after,
    }
}

/// Both texts, cut around the place where they begin to differ when they are long.
fn differing_parts(before: &str, after: &str) -> (String, String) {
    // What stands before the difference tells where it is.
    const CONTEXT: usize = 20;
    let data = before.split_once(' ').map_or(before, |(_, data)| data);
    let head = before.len() - data.len();
    let same = data.chars().zip(after.chars()).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(CONTEXT);
    let is_long = |text: &str| text.chars().count() > CELL_LETTERS_MAX;
    if !after.starts_with("REG_") && (is_long(data) || is_long(after)) {
        return (format!("{}{}", &before[..head], part(data, from)), part(after, from));
    }
    (part(before, 0), part(after, 0))
}

/// A part of a long text from a letter on.
fn part(text: &str, from: usize) -> String {
    let length = text.chars().count();
    let lead = if from > 0 { "..." } else { "" };
    let tail = if length > from + CELL_LETTERS_MAX { "..." } else { "" };
    let middle: String = text.chars().skip(from).take(CELL_LETTERS_MAX).collect();
    format!("{lead}{middle}{tail}")
}

/// How it ended, in a line or two.
pub(crate) fn summary(report: &Report, took: Option<Duration>) -> String {
    let mut line = match (report.changes.len() + report.untold, report.unchanged) {
        (0, 0) => "nothing to do".to_owned(),
        (0, same) => format!("nothing to change: {} already so", count(same, "step")),
        (changes, 0) => count(changes, "change"),
        (changes, same) => format!("{}, {same} already so", count(changes, "change")),
    };
    if report.dry_run {
        line.push_str("; dry run, nothing written");
    } else if report.committed {
        let _ = write!(line, "; committed, {} written", size(report.io.image_bytes_written));
        if report.io.journal_bytes > 0 {
            let _ = write!(line, " (and {} of journal)", size(report.io.journal_bytes));
        }
    } else {
        line.push_str("; nothing written");
    }
    if let Some(took) = took {
        let _ = write!(line, " in {:.2} s", took.as_secs_f64());
    }
    let mut readers: BTreeMap<&str, usize> = BTreeMap::new();
    for verified in &report.verified {
        *readers.entry(&verified.reader).or_default() += 1;
    }
    if let Some(last) = report.verified.last() {
        *readers.entry(&last.reader).or_default() += report.verified_untold;
    }
    if !readers.is_empty() {
        let list: Vec<String> =
            readers.iter().map(|(reader, number)| format!("{number} by {reader}")).collect();
        let _ = write!(line, "\nread back and agreed: {}", list.join(", "));
    }
    line.push('\n');
    line.push_str(&kept(report));
    line
}

/// What is kept beside the image, or instead of changing it.
pub(crate) fn kept(report: &Report) -> String {
    let mut text = String::new();
    if let Some(overlay) = &report.overlay {
        let _ = writeln!(text, "the image is as it was; the result is {}", printable(overlay));
    }
    if let Some(undo) = &report.undo {
        let _ = writeln!(text, "to put it back: winkiln undo {}", printable(undo));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(kind: &'static str, target: &str, before: &str, after: &str) -> Change {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Change { kind, target: target.to_owned(), before: text(before), after: text(after) }
    }

    #[test]
    fn changes_stand_below_what_they_are_part_of() {
        let long =
            |state: &str| format!("REG_SZ \"v2.30|{}|Active={state}|Dir=In|\"", "x".repeat(60));
        let changes = [
            change("registry-value", r"HKLM\A\one", "REG_DWORD 0x00000000", "REG_DWORD 0x00000001"),
            change("registry-value", r"HKLM\A\two", "", "REG_SZ \"x\""),
            change("registry-value", r"HKLM\A\rule", &long("FALSE"), &long("TRUE")),
            change("registry-key", r"HKLM\B", "key", ""),
            change("folder", r"\New", "", "folder"),
            change("rename", r"\Old", r"\Old", r"\New\Old"),
            change("bcd-element", "{default} testsigning", "", "Yes"),
            change("boot-ini", r"\boot.ini", "one /a", "one /a /b\none /a"),
        ];
        let expected = r#"HKLM\A
    one   REG_DWORD 0x00000000 -> 0x00000001
    two   (none) -> REG_SZ "x"
    rule  REG_SZ ...xxxxxxxxxxxx|Active=FALSE|Dir=In|" -> ...xxxxxxxxxxxx|Active=TRUE|Dir=In|"
HKLM
    B\  key -> (gone)
\
    New\  (none) -> folder
    Old   renamed -> \New\Old
BCD {default}
    testsigning  (none) -> Yes
\boot.ini
    -  one /a
    +  one /a /b
    +  one /a
"#;
        assert_eq!(ledger(&changes), expected);
    }
}
