//! Boot entries of firmware, as text and as JSON.

use std::path::Path;

use serde::Serialize;
use winkiln_boot::nvram::{LoadOption, NvramStore};

use super::table::{Align, columns};
use super::text::printable;

/// `nvram list --json`.
#[derive(Serialize)]
pub(crate) struct Document {
    vars: String,
    order: Vec<String>,
    entries: Vec<EntryJson>,
}

#[derive(Serialize)]
struct EntryJson {
    name: String,
    description: String,
    active: bool,
    partition: Option<String>,
    path: Option<String>,
}

/// The JSON form.
pub(crate) fn document(vars: &Path, store: &NvramStore) -> Document {
    let entries = store.boot_entries().into_iter().map(|(number, entry)| EntryJson {
        name: name(number),
        description: entry.description.clone(),
        active: entry.is_active,
        partition: partition(&entry),
        path: entry.path,
    });
    Document {
        vars: vars.display().to_string(),
        order: store.boot_order().into_iter().map(name).collect(),
        entries: entries.collect(),
    }
}

/// The text form: in the order of the firmware, then the others.
pub(crate) fn text(store: &NvramStore) -> String {
    let mut entries = store.boot_entries();
    let order: Vec<_> = store
        .boot_order()
        .into_iter()
        .filter_map(|number| entries.remove(&number).map(|entry| (number, entry)))
        .collect();
    if order.is_empty() && entries.is_empty() {
        return "no boot entries: the firmware looks for them when it starts\n".to_owned();
    }
    let row = |place: String, number: u16, entry: &LoadOption| {
        let program = [partition(entry), entry.path.clone()];
        vec![
            place,
            name(number),
            if entry.is_active { "" } else { "inactive" }.to_owned(),
            printable(&entry.description).into_owned(),
            printable(&program.into_iter().flatten().collect::<Vec<_>>().join(" ")).into_owned(),
        ]
    };
    let first = order
        .iter()
        .enumerate()
        .map(|(place, (number, entry))| row(format!("{}.", place + 1), *number, entry));
    let rest = entries.iter().map(|(number, entry)| row(String::new(), *number, entry));
    let rows: Vec<Vec<String>> = first.chain(rest).collect();
    columns(0, &[Align::Right, Align::Left, Align::Left, Align::Left, Align::Left], &rows)
}

/// What an edit came to.
pub(crate) struct Edited<'a> {
    pub(crate) vars: &'a Path,
    pub(crate) store: &'a NvramStore,
    pub(crate) entry: Option<u16>,
    /// The entry is one that `nvram add` was asked for.
    pub(crate) is_added: bool,
    pub(crate) changed: bool,
    pub(crate) committed: bool,
}

/// The JSON form of an edit.
#[derive(Serialize)]
pub(crate) struct EditedJson {
    committed: bool,
    changed: bool,
    entry: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    added: Option<String>,
    #[serde(flatten)]
    now: Document,
}

impl Edited<'_> {
    /// The JSON form.
    pub(crate) fn document(&self) -> EditedJson {
        EditedJson {
            committed: self.committed,
            changed: self.changed,
            entry: self.entry.map(name),
            added: self.entry.filter(|_| self.is_added).map(name),
            now: document(self.vars, self.store),
        }
    }

    /// The text form.
    pub(crate) fn text(&self, what: &str, description: &str) -> String {
        let entry = self.entry.map(name).unwrap_or_default();
        format!("{entry} {what}: {}\n", printable(description))
    }
}

fn name(number: u16) -> String {
    format!("Boot{number:04X}")
}

fn partition(entry: &LoadOption) -> Option<String> {
    let partition = entry.partition?;
    Some(format!("partition {} {}", partition.number, partition.named.identity()))
}
