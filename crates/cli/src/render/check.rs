//! What `check` found, as text and as JSON.

use std::fmt::Write as _;

use serde::Serialize;
use winkiln_bake::Report;
use winkiln_volume::check::{Finding, Severity};

use super::report::kept;
use super::rewrite::{RepairedHive, RepairedJson};
use super::text::{count, printable};

/// Everything that was checked.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// The image or hive, as given.
    pub(crate) target: String,
    pub(crate) volumes: Vec<CheckedVolume>,
    /// What became of the damaged hives, with `--repair`.
    pub(crate) repaired: Vec<RepairedHive>,
    /// Of that, when there was something to write.
    pub(crate) report: Option<Report>,
}

impl Checked {
    /// True when nothing is damaged.
    pub(crate) fn is_clean(&self) -> bool {
        self.volumes.iter().all(|volume| volume.problems() == 0)
    }

    /// True when nothing is damaged any more.
    pub(crate) fn is_mended(&self) -> bool {
        let is_mended = |row: &Row| {
            self.repaired.iter().any(|hive| {
                hive.committed
                    && hive.volume == row.volume
                    && row.path.as_deref() == Some(hive.path.as_str())
            })
        };
        self.volumes.iter().all(|volume| {
            let mut damage = volume.rows.iter().filter(|row| row.severity == Severity::Damage);
            volume.untold == 0 && damage.all(is_mended)
        })
    }
}

/// One volume with its hives; a loose hive is one without a number.
#[derive(Debug, Default)]
pub(crate) struct CheckedVolume {
    pub(crate) number: Option<u32>,
    pub(crate) filesystem: String,
    /// Files and folders, when they were counted.
    pub(crate) files: Option<u64>,
    /// Why it was not checked.
    pub(crate) skipped: Option<String>,
    /// Hives and stores that were checked.
    pub(crate) hives: Vec<String>,
    /// Damage that was counted, not told.
    pub(crate) untold: u64,
    pub(crate) rows: Vec<Row>,
}

impl CheckedVolume {
    /// True when what is damaged is not only in its hives.
    pub(crate) fn is_damaged_itself(&self) -> bool {
        let own = |row: &Row| row.severity == Severity::Damage && row.object != "hive";
        self.untold > 0 || self.rows.iter().any(own)
    }

    /// Paths of the hives that are damaged.
    pub(crate) fn damaged_hives(&self) -> Vec<String> {
        let damaged = |path: &&String| {
            self.rows.iter().any(|row| {
                row.severity == Severity::Damage
                    && row.object == "hive"
                    && row.path.as_ref() == Some(path)
            })
        };
        self.hives.iter().filter(damaged).cloned().collect()
    }

    fn problems(&self) -> u64 {
        let told = self.rows.iter().filter(|row| row.severity == Severity::Damage).count();
        told as u64 + self.untold
    }
}

/// One finding.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) severity: Severity,
    volume: Option<u32>,
    path: Option<String>,
    object: String,
    code: String,
    record: Option<u64>,
    offset: Option<u64>,
    found: String,
    expected: String,
}

impl Row {
    /// A finding of a volume.
    pub(crate) fn of_finding(volume: u32, finding: Finding) -> Self {
        let Finding { code, severity, record, offset, object, path, found, expected } = finding;
        Self {
            severity,
            volume: Some(volume),
            path,
            object,
            code: code.to_owned(),
            record,
            offset,
            found,
            expected,
        }
    }

    /// Something that could not be checked.
    pub(crate) fn failure(volume: u32, path: Option<&str>, code: &str, why: String) -> Self {
        Self::new(Severity::Damage, Some(volume), path, "volume", code, None, why)
    }

    /// A finding of a hive.
    pub(crate) fn hive(
        severity: Severity,
        volume: Option<u32>,
        path: Option<&str>,
        code: &str,
        offset: Option<u64>,
        found: &str,
    ) -> Self {
        Self::new(severity, volume, path, "hive", code, offset, found.to_owned())
    }

    fn new(
        severity: Severity,
        volume: Option<u32>,
        path: Option<&str>,
        object: &str,
        code: &str,
        offset: Option<u64>,
        found: String,
    ) -> Self {
        Self {
            severity,
            volume,
            path: path.map(str::to_owned),
            object: object.to_owned(),
            code: code.to_owned(),
            record: None,
            offset,
            found,
            expected: String::new(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct CheckJson<'a> {
    target: &'a str,
    clean: bool,
    volumes: Vec<VolumeJson<'a>>,
    findings: Vec<FindingJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    repaired: Vec<RepairedJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'a Report>,
}

#[derive(Debug, Serialize)]
struct VolumeJson<'a> {
    number: Option<u32>,
    filesystem: &'a str,
    checked: bool,
    reason: Option<&'a str>,
    files: Option<u64>,
    hives: &'a [String],
    problems: u64,
}

#[derive(Debug, Serialize)]
struct FindingJson<'a> {
    volume: Option<u32>,
    path: Option<&'a str>,
    object: &'a str,
    code: &'a str,
    severity: &'static str,
    record: Option<u64>,
    offset: Option<u64>,
    found: &'a str,
    expected: Option<&'a str>,
}

/// The document.
pub(crate) fn document(checked: &Checked) -> CheckJson<'_> {
    CheckJson {
        target: &checked.target,
        clean: checked.is_clean(),
        volumes: checked
            .volumes
            .iter()
            .map(|volume| VolumeJson {
                number: volume.number,
                filesystem: &volume.filesystem,
                checked: volume.skipped.is_none(),
                reason: volume.skipped.as_deref(),
                files: volume.files,
                hives: &volume.hives,
                problems: volume.problems(),
            })
            .collect(),
        findings: checked.volumes.iter().flat_map(|volume| &volume.rows).map(finding).collect(),
        repaired: checked.repaired.iter().map(RepairedHive::json).collect(),
        report: checked.report.as_ref(),
    }
}

fn finding(row: &Row) -> FindingJson<'_> {
    FindingJson {
        volume: row.volume,
        path: row.path.as_deref(),
        object: &row.object,
        code: &row.code,
        severity: word(row.severity),
        record: row.record,
        offset: row.offset,
        found: &row.found,
        expected: Some(row.expected.as_str()).filter(|expected| !expected.is_empty()),
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Damage => "damage",
    }
}

/// The text: a line for each volume, its findings below.
pub(crate) fn text(checked: &Checked, verbose: bool) -> String {
    let mut text = String::new();
    for volume in &checked.volumes {
        let name = match volume.number {
            Some(number) => format!("volume {number} ({})", volume.filesystem),
            None => format!("hive {}", printable(&checked.target)),
        };
        if let Some(reason) = &volume.skipped {
            let _ = writeln!(text, "{name}: not checked, {reason}");
            continue;
        }
        let mut facts = Vec::new();
        facts.extend(volume.files.map(|files| count(files as usize, "file record")));
        if volume.number.is_some() && !volume.hives.is_empty() {
            facts.push(count(volume.hives.len(), "hive"));
        }
        let facts =
            if facts.is_empty() { String::new() } else { format!("{}: ", facts.join(", ")) };
        let problems = match volume.problems() {
            0 => "no problems".to_owned(),
            problems => count(problems as usize, "problem"),
        };
        let _ = writeln!(text, "{name}: {facts}{problems}");
        if verbose && volume.number.is_some() {
            for hive in &volume.hives {
                let _ = writeln!(text, "  checked  {}", printable(hive));
            }
        }
        for row in &volume.rows {
            line(&mut text, row);
        }
    }
    for hive in &checked.repaired {
        text.push_str(&hive.text());
    }
    text.push_str(&checked.report.as_ref().map(kept).unwrap_or_default());
    text
}

fn line(text: &mut String, row: &Row) {
    let mut place: Vec<String> = vec![row.object.clone()];
    place.extend(row.record.map(|record| format!("record {record}")));
    place.extend(row.offset.map(|offset| format!("offset {offset:#x}")));
    let path = row.path.as_deref().map_or(String::new(), |path| format!("{path}: "));
    let severity = word(row.severity);
    let head = format!("{path}{}", place.join(", "));
    let _ = writeln!(text, "  {severity:<6}  {}  {}", row.code, printable(&head));
    let expected = match row.expected.as_str() {
        "" => String::new(),
        expected => format!("; expected {expected}"),
    };
    let _ = writeln!(text, "          {}", printable(&format!("{}{expected}", row.found)));
}
