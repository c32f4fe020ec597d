//! What differs between two images, as text and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::files::attributes;
use super::registry_diff::{self, DifferenceJson};
use super::text::{printable, size};
use crate::clock;
use crate::commands::{BootDifference, FileDifference, FileFacts, Found};

/// `diff --json`.
#[derive(Debug, Serialize)]
pub(crate) struct DiffJson {
    files: Vec<FileJson>,
    registry: Vec<DifferenceJson>,
    boot: Vec<BootJson>,
}

#[derive(Debug, Serialize)]
struct FileJson {
    volume: u32,
    path: String,
    /// `added`, `removed`, `changed`.
    kind: &'static str,
    before: Option<FactsJson>,
    after: Option<FactsJson>,
    differs: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct FactsJson {
    folder: bool,
    size: u64,
    attributes: String,
    modified: Option<String>,
}

#[derive(Debug, Serialize)]
struct BootJson {
    target: String,
    before: Option<String>,
    after: Option<String>,
}

/// The JSON form.
pub(crate) fn json(found: &Found) -> DiffJson {
    let facts = |facts: &FileFacts| FactsJson {
        folder: facts.is_directory,
        size: facts.size,
        attributes: attributes(facts.attributes),
        modified: clock::rfc3339(facts.modified),
    };
    let file = |one: &FileDifference| FileJson {
        volume: one.volume,
        path: one.path.clone(),
        kind: match (&one.before, &one.after) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        },
        before: one.before.as_ref().map(facts),
        after: one.after.as_ref().map(facts),
        differs: one.differs.clone(),
    };
    let boot = |one: &BootDifference| BootJson {
        target: one.target.clone(),
        before: one.before.clone(),
        after: one.after.clone(),
    };
    DiffJson {
        files: found.files.iter().map(file).collect(),
        registry: registry_diff::json(&found.registry).differences,
        boot: found.boot.iter().map(boot).collect(),
    }
}

/// The text form: what only the second has with `+`, what only the first has with `-`, the rest with `~`.
pub(crate) fn text(found: &Found) -> String {
    let mut text = String::new();
    let mut volume = None;
    for one in &found.files {
        if volume != Some(one.volume) {
            let _ = writeln!(text, "volume {}", one.volume);
            volume = Some(one.volume);
        }
        let path = printable(&one.path).into_owned();
        let shown = |facts: &FileFacts| {
            if facts.is_directory { "folder".to_owned() } else { size(facts.size) }
        };
        let _ = match (&one.before, &one.after) {
            (None, Some(after)) => writeln!(text, "+ {path}  {}", shown(after)),
            (Some(before), None) => writeln!(text, "- {path}  {}", shown(before)),
            (Some(before), Some(after)) if before.size != after.size => {
                let (before, after) = (shown(before), shown(after));
                writeln!(text, "~ {path}  {}, {before} -> {after}", one.differs.join(", "))
            }
            _ => writeln!(text, "~ {path}  {}", one.differs.join(", ")),
        };
    }
    let registry = registry_diff::text(&found.registry);
    if !registry.is_empty() {
        let _ = write!(text, "registry\n{registry}");
    }
    if !found.boot.is_empty() {
        text.push_str("boot configuration\n");
    }
    for one in &found.boot {
        let line = match (&one.before, &one.after) {
            (None, after) => format!("+ {}  {}", one.target, after.as_deref().unwrap_or_default()),
            (Some(before), None) => format!("- {}  {before}", one.target),
            (Some(before), Some(after)) => format!("~ {}  {before} -> {after}", one.target),
        };
        let _ = writeln!(text, "{}", printable(&line));
    }
    text
}
