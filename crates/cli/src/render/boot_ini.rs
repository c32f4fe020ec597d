//! `boot.ini`, as bootcfg shows it and as JSON.

use std::fmt::Write as _;

use serde::Serialize;
use winkiln_boot::boot_ini::BootIni;
use winkiln_disk::partition::PartitionTable;
use winkiln_guest::{ArcPath, ArcPlace};

use crate::render::text::printable;

/// `bootini show --json`.
#[derive(Debug, Serialize)]
pub(crate) struct BootIniJson {
    timeout: Option<i32>,
    default: Option<String>,
    default_entry: usize,
    entries: Vec<EntryJson>,
}

#[derive(Debug, Serialize)]
struct EntryJson {
    number: usize,
    path: String,
    /// The volume that the path names, or why there is none; absent for files of boot sectors.
    #[serde(flatten)]
    place: Option<PlaceJson>,
    description: String,
    switches: Vec<String>,
    default: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum PlaceJson {
    Volume(u32),
    NoVolume(&'static str),
}

impl PlaceJson {
    fn of(path: &str, table: &PartitionTable) -> Option<Self> {
        Some(match ArcPath::parse(path)?.place(table) {
            ArcPlace::Volume(number) => Self::Volume(number),
            ArcPlace::NoPartition => Self::NoVolume("this disk has no such partition"),
            ArcPlace::AnotherDisk => Self::NoVolume("it is on another disk"),
        })
    }
}

/// The JSON form, on a disk with this table. Entries are numbered from 1.
pub(crate) fn show_json(ini: &BootIni, table: &PartitionTable) -> BootIniJson {
    let default = ini.default_entry();
    let entries = ini.entries();
    BootIniJson {
        timeout: ini.timeout(),
        default: ini.default_path(),
        default_entry: default + 1,
        entries: entries
            .iter()
            .enumerate()
            .map(|(index, entry)| EntryJson {
                number: index + 1,
                path: entry.path.clone(),
                place: PlaceJson::of(&entry.path, table),
                description: String::from_utf8_lossy(&entry.description).into_owned(),
                switches: entry.switches.clone(),
                default: index == default,
            })
            .collect(),
    }
}

/// The text form. Descriptions are in the guest's own code page: bytes outside ASCII may show as replacement characters.
pub(crate) fn show_text(ini: &BootIni, table: &PartitionTable) -> String {
    let show = show_json(ini, table);
    let mut text = String::from("Boot Loader Settings\n--------------------\n");
    let timeout = show.timeout.map(|seconds| seconds.to_string()).unwrap_or_default();
    let _ = writeln!(text, "{}", format!("timeout:          {timeout}").trim_end());
    let default = show.default.unwrap_or_default();
    let _ = writeln!(text, "{}", format!("default:          {}", printable(&default)).trim_end());
    text.push_str("\nBoot Entries\n------------\n");
    for entry in &show.entries {
        let mark = if entry.default { " (default)" } else { "" };
        let _ = writeln!(text, "Boot entry:       {}{mark}", entry.number);
        let _ = writeln!(text, "OS Friendly Name: {}", printable(&entry.description));
        let _ = writeln!(text, "Path:             {}", printable(&entry.path));
        let _ = match &entry.place {
            Some(PlaceJson::Volume(number)) => writeln!(text, "Volume:           {number}"),
            Some(PlaceJson::NoVolume(why)) => writeln!(text, "Volume:           none, {why}"),
            None => Ok(()),
        };
        let switches = entry.switches.join(" ");
        let _ = writeln!(
            text,
            "{}\n",
            format!("OS Load Options:  {}", printable(&switches)).trim_end()
        );
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}
