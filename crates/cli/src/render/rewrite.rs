//! Hives written anew, as text and as JSON.

use std::fmt::Write as _;

use serde::Serialize;
use winkiln_hive::Loss;

use super::text::{printable, size};

/// What was left out of a hive.
#[derive(Debug, Serialize)]
pub(crate) struct LostJson {
    key: String,
    offset: u64,
    what: String,
}

/// A hive that `check --repair` repaired, or could not.
#[derive(Debug)]
pub(crate) struct RepairedHive {
    pub(crate) volume: Option<u32>,
    pub(crate) path: String,
    /// False in a dry run.
    pub(crate) committed: bool,
    pub(crate) bytes_before: u64,
    pub(crate) bytes_after: u64,
    pub(crate) losses: Vec<Loss>,
    pub(crate) notes: Vec<String>,
    /// Why it was left as it is.
    pub(crate) failure: Option<String>,
}

/// Its JSON.
#[derive(Debug, Serialize)]
pub(crate) struct RepairedJson<'a> {
    volume: Option<u32>,
    path: &'a str,
    committed: bool,
    bytes_before: u64,
    bytes_after: u64,
    lost: Vec<LostJson>,
    notes: &'a [String],
    failure: Option<&'a str>,
}

impl RepairedHive {
    /// The JSON form.
    pub(crate) fn json(&self) -> RepairedJson<'_> {
        RepairedJson {
            volume: self.volume,
            path: &self.path,
            committed: self.committed,
            bytes_before: self.bytes_before,
            bytes_after: self.bytes_after,
            lost: lost(&self.losses),
            notes: &self.notes,
            failure: self.failure.as_deref(),
        }
    }

    /// The text form.
    pub(crate) fn text(&self) -> String {
        let place = match self.volume {
            Some(number) => format!("volume {number}: {}", self.path),
            None => self.path.clone(),
        };
        let place = printable(&place);
        if let Some(why) = &self.failure {
            return format!("not repaired: {place}: {}\n", printable(why));
        }
        let (before, after) = (size(self.bytes_before), size(self.bytes_after));
        let verb = if self.committed { "repaired" } else { "would repair" };
        let mut text = format!("{verb} {place} ({before} before, {after} after)\n");
        for note in &self.notes {
            let _ = writeln!(text, "  note: {}", printable(note));
        }
        if self.losses.is_empty() {
            text.push_str("  nothing was lost\n");
        }
        for line in lost_lines(&self.losses) {
            let _ = writeln!(text, "  {line}");
        }
        text
    }
}

/// Losses as JSON; keys begin with a backslash.
pub(crate) fn lost(losses: &[Loss]) -> Vec<LostJson> {
    let one = |loss: &Loss| LostJson {
        key: format!("\\{}", loss.key),
        offset: loss.offset,
        what: loss.text.clone(),
    };
    losses.iter().map(one).collect()
}

/// Losses as lines of text.
pub(crate) fn lost_lines(losses: &[Loss]) -> impl Iterator<Item = String> + '_ {
    losses.iter().map(|loss| {
        let key = format!("\\{}", loss.key);
        format!("lost at {:#x}: {}: {}", loss.offset, printable(&key), printable(&loss.text))
    })
}
