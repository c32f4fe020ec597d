//! What the doctor found and did, as text and as JSON.

use std::fmt::Write as _;

use console::style;
use serde::Serialize;
use winkiln_bake::Report;
use winkiln_doctor::{Diagnosis, Finding, RULES, Repair, Severity};

use super::boots_on::{buses, title};
use super::inspect_json::architecture;
use super::report::kept;
use super::text::{count, printable};

/// Findings of one rule that are told one by one; of more, there is a summary.
const TOLD_ONE_BY_ONE: usize = 3;
/// Findings that a summary names.
const TOLD_OF_MANY: usize = 8;
/// Width of the names of a finding's lines.
const COLUMN: usize = 10;

/// A guest, examined and perhaps repaired.
pub(crate) struct Examined {
    /// As given.
    pub(crate) image: String,
    /// What is wrong now.
    pub(crate) found: Diagnosis,
    /// What was wrong and is repaired.
    pub(crate) repaired: Vec<Finding>,
    /// Of the repairs.
    pub(crate) report: Option<Report>,
}

/// The JSON form.
#[derive(Serialize)]
pub(crate) struct Document<'a> {
    image: &'a str,
    target: Option<&'static str>,
    windows: Option<WindowsJson<'a>>,
    healthy: bool,
    boots_on: &'a [&'static str],
    findings: Vec<FindingJson<'a>>,
    skipped: Vec<SkippedJson<'a>>,
    repaired: Vec<FindingJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'a Report>,
}

#[derive(Serialize)]
struct WindowsJson<'a> {
    volume: u32,
    system_root: &'a str,
    product_name: &'a str,
    arch: &'static str,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    rule: &'static str,
    severity: &'static str,
    object: &'a str,
    found: &'a str,
    expected: &'a str,
    repair: RepairJson<'a>,
}

#[derive(Serialize)]
struct RepairJson<'a> {
    /// `safe`, `asked` or `none`.
    kind: &'static str,
    what: &'a str,
    price: Option<&'a str>,
}

#[derive(Serialize)]
struct SkippedJson<'a> {
    rule: &'static str,
    reason: &'a str,
}

/// The JSON form.
pub(crate) fn document(examined: &Examined) -> Document<'_> {
    let found = &examined.found;
    Document {
        image: &examined.image,
        target: found.target.map(winkiln_doctor::Target::word),
        windows: found.windows.as_ref().map(|windows| WindowsJson {
            volume: windows.volume,
            system_root: &windows.system_root,
            product_name: &windows.product_name,
            arch: architecture(windows.architecture),
        }),
        healthy: found.is_healthy(),
        boots_on: &found.boots_on,
        findings: found.findings.iter().map(finding_json).collect(),
        skipped: found
            .skipped
            .iter()
            .map(|skipped| SkippedJson { rule: skipped.rule, reason: &skipped.reason })
            .collect(),
        repaired: examined.repaired.iter().map(finding_json).collect(),
        report: examined.report.as_ref(),
    }
}

fn finding_json(finding: &Finding) -> FindingJson<'_> {
    let repair = match &finding.repair {
        Repair::Safe { what, .. } => RepairJson { kind: "safe", what, price: None },
        Repair::Asked { what, price, .. } => RepairJson { kind: "asked", what, price: Some(price) },
        Repair::Advice(what) => RepairJson { kind: "none", what, price: None },
    };
    FindingJson {
        rule: finding.rule,
        severity: finding.severity.word(),
        object: &finding.object,
        found: &finding.found,
        expected: &finding.expected,
        repair,
    }
}

/// The page; with `verbose`, the rules that could not look, too.
pub(crate) fn text(examined: &Examined, verbose: bool) -> String {
    let found = &examined.found;
    let mut text = head(examined);
    if let Some(report) = &examined.report {
        for finding in &examined.repaired {
            let done = if report.committed { "repaired" } else { "would repair" };
            let _ = writeln!(
                text,
                "\n{} {}  {}",
                style(done).green().bold(),
                style(finding.rule).bold(),
                printable(&finding.object)
            );
            row(&mut text, "was", &finding.found);
            if let Repair::Safe { what, .. } | Repair::Asked { what, .. } = &finding.repair {
                row(&mut text, "done", what);
            }
        }
    }
    let alike = |a: &Finding, b: &Finding| (a.rule, a.severity) == (b.rule, b.severity);
    for group in found.findings.chunk_by(alike) {
        if verbose || group.len() <= TOLD_ONE_BY_ONE {
            for finding in group {
                text.push('\n');
                one(&mut text, finding);
            }
        } else {
            text.push('\n');
            several(&mut text, group);
        }
    }
    text.push('\n');
    text.push_str(&sum(examined));
    text.push_str(&examined.report.as_ref().map(kept).unwrap_or_default());
    if verbose || found.is_healthy() {
        for skipped in &found.skipped {
            let reason = printable(&skipped.reason);
            let _ = writeln!(text, "not looked at: {}: {reason}", skipped.rule);
        }
    } else if !found.skipped.is_empty() {
        let _ =
            writeln!(text, "{} could not look (-v tells why)", count(found.skipped.len(), "rule"));
    }
    text
}

fn head(examined: &Examined) -> String {
    let mut text = String::new();
    let _ = write!(text, "{}", style(printable(&examined.image)).bold());
    match &examined.found.windows {
        Some(windows) => {
            let (name, rest) = title(windows);
            let _ = writeln!(text, "  {}{rest}", style(name).cyan());
        }
        None => text.push_str("  no whole Windows found\n"),
    }
    let boots_on = buses(&examined.found.boots_on);
    let target = examined.found.target.map(|target| format!("; asked for: {}", target.word()));
    let _ = writeln!(text, "finds its disk on {boots_on}{}", target.unwrap_or_default());
    text
}

fn one(text: &mut String, finding: &Finding) {
    headline(text, finding, &finding.object);
    row(text, "found", &finding.found);
    row(text, "expected", &finding.expected);
    repair(text, finding, "");
}

/// What one rule found many times, in short.
fn several(text: &mut String, findings: &[Finding]) {
    let Some(first) = findings.first() else { return };
    headline(text, first, &format!("{} times", findings.len()));
    let mut name = "found";
    for finding in &findings[..TOLD_OF_MANY.min(findings.len())] {
        row(text, name, &format!("{}: {}", finding.object, finding.found));
        name = "";
    }
    if let Some(more @ 1..) = findings.len().checked_sub(TOLD_OF_MANY) {
        row(text, "", &format!("and {more} more (-v tells them all)"));
    }
    if findings.iter().all(|finding| finding.expected == first.expected) {
        row(text, "expected", &first.expected);
    }
    // The first of each kind stands for the others.
    let kind = |finding: &Finding| std::mem::discriminant(&finding.repair);
    let mut kinds = Vec::new();
    for finding in findings {
        if kinds.contains(&kind(finding)) {
            continue;
        }
        kinds.push(kind(finding));
        let others = findings.iter().filter(|other| kind(other) == kind(finding)).count() - 1;
        let others = if others > 0 { format!("; {others} more like it") } else { String::new() };
        repair(text, finding, &others);
    }
}

fn headline(text: &mut String, finding: &Finding, object: &str) {
    let severity = match finding.severity {
        Severity::Stops => style("stops boot").red().bold(),
        Severity::Hinders => style("hinders boot").yellow().bold(),
        Severity::Note => style("note").blue().bold(),
    };
    let rule = style(finding.rule).bold();
    let _ = writeln!(text, "{severity}  {rule}  {}", printable(object));
}

fn repair(text: &mut String, finding: &Finding, others: &str) {
    match &finding.repair {
        Repair::Safe { what, .. } => row(text, "--fix", &format!("will {what}{others}")),
        Repair::Asked { what, price, .. } => {
            let name = format!("--fix={}", finding.rule);
            row(text, &name, &format!("will {what}; {price}{others}"));
        }
        Repair::Advice(what) => row(text, "do", &format!("{what}{others}")),
    }
}

/// A line of a finding; a name that has no room in its column has a line of its own.
fn row(text: &mut String, name: &str, value: &str) {
    let name = if name.len() < COLUMN {
        format!("{name:<COLUMN$}")
    } else {
        format!("{name}\n  {:COLUMN$}", "")
    };
    let _ = writeln!(text, "  {}{}", style(name).dim(), printable(value));
}

fn sum(examined: &Examined) -> String {
    let found = &examined.found;
    if found.is_healthy() {
        let rules = RULES.len() - found.skipped.len();
        return format!(
            "{}: {} found nothing\n",
            style("healthy").green().bold(),
            count(rules, "rule")
        );
    }
    let of = |severity| found.findings.iter().filter(|one| one.severity == severity).count();
    let mut parts = Vec::new();
    for (severity, words) in
        [(Severity::Stops, "stop"), (Severity::Hinders, "hinder"), (Severity::Note, "only tell")]
    {
        let number = of(severity);
        if number > 0 {
            parts.push(format!("{number} {words}"));
        }
    }
    let safe =
        found.findings.iter().filter(|one| matches!(one.repair, Repair::Safe { .. })).count();
    let fix = if safe > 0 { format!("; --fix repairs {safe}") } else { String::new() };
    format!("{}: {}{fix}\n", count(found.findings.len(), "finding"), parts.join(", "))
}

/// The table of rules.
#[derive(Serialize)]
pub(crate) struct RulesDocument {
    rules: Vec<RuleJson>,
}

#[derive(Serialize)]
struct RuleJson {
    id: &'static str,
    about: &'static str,
}

/// The JSON form of the table.
pub(crate) fn rules_document() -> RulesDocument {
    let rules = RULES.iter().map(|rule| RuleJson { id: rule.id, about: rule.about });
    RulesDocument { rules: rules.collect() }
}

/// The text form of the table.
pub(crate) fn rules_text() -> String {
    RULES.iter().fold(String::new(), |mut text, rule| {
        let _ = writeln!(text, "{:<24}{}", rule.id, rule.about);
        text
    })
}
