//! Files and folders.

use std::fmt::Write as _;

use console::style;
use serde::Serialize;
use winkiln_volume::{Entry, Link, LinkKind, Metadata};

use crate::clock;
use crate::render::table::{Align, columns};
use crate::render::text::{count, printable, size};

/// DOS attribute bits and their letters, as `attrib` shows them.
const ATTRIBUTES: [(u32, char); 9] = [
    (0x1, 'R'),
    (0x2, 'H'),
    (0x4, 'S'),
    (0x20, 'A'),
    (0x200, 'P'),
    (0x400, 'L'),
    (0x800, 'C'),
    (0x2000, 'I'),
    (0x4000, 'E'),
];

/// `fs ls --json`.
#[derive(Debug, Serialize)]
pub(crate) struct ListJson {
    volume: u32,
    path: String,
    entries: Vec<EntryJson>,
}

#[derive(Debug, Serialize)]
struct EntryJson {
    name: String,
    short_name: Option<String>,
    #[serde(rename = "type")]
    kind: &'static str,
    size: u64,
    attributes: String,
    modified: Option<String>,
    link: Option<LinkJson>,
}

/// A symbolic link or a junction.
#[derive(Debug, Serialize)]
struct LinkJson {
    kind: &'static str,
    target: String,
}

fn link_json(link: &Link) -> LinkJson {
    let kind = match link.kind {
        LinkKind::Symbolic => "symbolic",
        LinkKind::Junction => "junction",
    };
    LinkJson { kind, target: link.target.clone() }
}

/// A link in words.
pub(crate) fn link_text(link: &Link) -> String {
    let kind = match link.kind {
        LinkKind::Symbolic => "symbolic link",
        LinkKind::Junction => "junction",
    };
    format!("{kind} to {}", printable(&link.target))
}

/// `fs security --json`.
#[derive(Debug, Serialize)]
pub(crate) struct SecurityJson {
    volume: u32,
    path: String,
    sddl: String,
}

/// The JSON form of a path's security descriptor.
pub(crate) fn security_json(volume: u32, path: &str, sddl: &str) -> SecurityJson {
    SecurityJson { volume, path: path.to_owned(), sddl: sddl.to_owned() }
}

/// The letters of attribute bits: R read-only, H hidden, S system, A archive, P sparse, L reparse point, C compressed, I not content indexed,
/// E encrypted.
pub(crate) fn attributes(bits: u32) -> String {
    ATTRIBUTES.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, letter)| letter).collect()
}

fn kind(is_directory: bool) -> &'static str {
    if is_directory { "folder" } else { "file" }
}

/// The JSON form of a listing; `links` tells for each entry where it leads.
pub(crate) fn list_json(
    volume: u32,
    path: &str,
    entries: &[Entry],
    links: &[Option<Link>],
) -> ListJson {
    let entry = |(entry, link): (&Entry, &Option<Link>)| EntryJson {
        name: entry.name.clone(),
        short_name: entry.short_name.clone(),
        kind: kind(entry.is_directory),
        size: entry.size,
        attributes: attributes(entry.attributes),
        modified: clock::rfc3339(entry.modified),
        link: link.as_ref().map(link_json),
    };
    let entries = entries.iter().zip(links).map(entry).collect();
    ListJson { volume, path: path.to_owned(), entries }
}

/// The text form: time, attributes, size, name, and where a link leads.
pub(crate) fn list_text(entries: &[Entry], links: &[Option<Link>]) -> String {
    let row = |(entry, link): (&Entry, &Option<Link>)| {
        let name = printable(&entry.name);
        let led = link.as_ref().map(|link| format!(" -> {}", printable(&link.target)));
        let led = led.unwrap_or_default();
        vec![
            clock::show(entry.modified),
            attributes(entry.attributes),
            if entry.is_directory { "<DIR>".to_owned() } else { entry.size.to_string() },
            if entry.is_directory {
                format!("{}{led}", style(name).blue().bold())
            } else {
                format!("{name}{led}")
            },
        ]
    };
    let rows: Vec<Vec<String>> = entries.iter().zip(links).map(row).collect();
    columns(0, &[Align::Left, Align::Left, Align::Right, Align::Left], &rows)
}

/// `fs attrib --json`.
#[derive(Debug, Serialize)]
pub(crate) struct AttribJson {
    volume: u32,
    path: String,
    attributes: String,
    attribute_bits: u32,
}

/// The JSON form of a path's attributes.
pub(crate) fn attrib_json(volume: u32, path: &str, bits: u32) -> AttribJson {
    AttribJson { volume, path: path.to_owned(), attributes: attributes(bits), attribute_bits: bits }
}

/// The text form: letters, path.
pub(crate) fn attrib_text(path: &str, bits: u32) -> String {
    format!("{:<10}{}\n", attributes(bits), printable(path))
}

/// `fs stat --json`.
#[derive(Debug, Serialize)]
pub(crate) struct StatJson {
    volume: u32,
    path: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    size: u64,
    allocated: u64,
    attributes: String,
    attribute_bits: u32,
    created: Option<String>,
    modified: Option<String>,
    accessed: Option<String>,
    file_reference: Option<u64>,
    links: u32,
    reparse_tag: Option<u32>,
    link: Option<LinkJson>,
    streams: Vec<StreamJson>,
    security: Option<String>,
}

#[derive(Debug, Serialize)]
struct StreamJson {
    name: String,
    size: u64,
}

/// The JSON form of a path's facts.
pub(crate) fn stat_json(volume: u32, path: &str, facts: &Metadata) -> StatJson {
    let streams = facts.streams.iter();
    StatJson {
        volume,
        path: path.to_owned(),
        name: facts.name.clone(),
        kind: kind(facts.is_directory),
        size: facts.size,
        allocated: facts.allocated,
        attributes: attributes(facts.attributes),
        attribute_bits: facts.attributes,
        created: clock::rfc3339(facts.created),
        modified: clock::rfc3339(facts.modified),
        accessed: clock::rfc3339(facts.accessed),
        file_reference: facts.file_reference,
        links: facts.links,
        reparse_tag: facts.reparse_tag,
        link: facts.link.as_ref().map(link_json),
        streams: streams
            .map(|stream| StreamJson { name: stream.name.clone(), size: stream.size })
            .collect(),
        security: facts.security.as_ref().map(|bytes| crate::render::text::hex(bytes)),
    }
}

fn bytes(number: u64) -> String {
    let exact = count(usize::try_from(number).unwrap_or(usize::MAX), "byte");
    if number < 1024 { exact } else { format!("{} ({exact})", size(number)) }
}

/// The text form of a path's facts.
pub(crate) fn stat_text(volume: u32, path: &str, facts: &Metadata) -> String {
    let mut rows = vec![
        ("path", format!("{} (volume {volume})", printable(path))),
        ("name", printable(&facts.name).into_owned()),
        ("type", kind(facts.is_directory).to_owned()),
    ];
    if !facts.is_directory {
        rows.push(("size", bytes(facts.size)));
        rows.push(("allocated", bytes(facts.allocated)));
    }
    let letters = attributes(facts.attributes);
    rows.push(("attributes", format!("{:#x} {letters}", facts.attributes).trim_end().to_owned()));
    for (name, time) in
        [("created", facts.created), ("modified", facts.modified), ("accessed", facts.accessed)]
    {
        if time != 0 {
            rows.push((name, format!("{} UTC", clock::show(time))));
        }
    }
    if let Some(reference) = facts.file_reference {
        let (record, sequence) = (reference & 0xffff_ffff_ffff, reference >> 48);
        rows.push(("record", format!("{record} (sequence {sequence})")));
    }
    rows.push(("links", facts.links.to_string()));
    if let Some(tag) = facts.reparse_tag {
        rows.push(("reparse tag", format!("{tag:#010x}")));
    }
    if let Some(link) = &facts.link {
        rows.push(("link", link_text(link)));
    }
    if let Some(security) = &facts.security {
        rows.push(("security", format!("{} bytes of descriptor", security.len())));
    }
    let mut text = String::new();
    for (name, value) in rows {
        let _ = writeln!(text, "{name:<12}{value}");
    }
    for stream in facts.streams.iter().filter(|stream| !stream.name.is_empty()) {
        let _ =
            writeln!(text, "{:<12}:{} ({})", "stream", printable(&stream.name), size(stream.size));
    }
    text
}
