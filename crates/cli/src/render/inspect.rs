//! `inspect`: one page.

use std::collections::HashMap;
use std::fmt::Write as _;

use console::style;
use winkiln_bake::drivers::InstalledPackage;
use winkiln_doctor::{Diagnosis, Finding, Link, Severity, Stage};
use winkiln_guest::{DiskVolume, DriverService, Windows};

use crate::render::inspect_json::{
    Inspection, architecture, boot_kind, disk_id, filesystem, firmware, is_active, partition_type,
    serial, table_kind,
};
use crate::render::table::{Align, columns};
use crate::render::text::{count, printable, size};

/// Names in a list of drivers; more are counted, save with `-v`.
const NAMES_MAX: usize = 12;
/// Findings of one rule; more are counted, save with `-v`.
const FINDINGS_MAX: usize = 3;

/// The page.
pub(crate) fn page(found: &Inspection, verbose: bool) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{}  {}, {}",
        style(printable(&found.path)).bold(),
        found.format,
        size(found.virtual_size)
    );
    let table = match table_kind(found.table.kind) {
        "none" => "no partition table".to_owned(),
        kind => format!(
            "{} partition table, {}, disk {}",
            kind.to_uppercase(),
            count(found.volumes.len(), "partition"),
            disk_id(found.table.disk_id).unwrap_or_else(|| "without id".to_owned()),
        ),
    };
    let _ = writeln!(text, "{table}\n");
    text.push_str(&volumes(&found.volumes));
    for windows in &found.windows {
        text.push('\n');
        text.push_str(&one_windows(windows, found, verbose));
    }
    if found.windows.is_empty() {
        text.push_str("\nno Windows found\n");
    }
    for warning in &found.warnings {
        let _ = writeln!(text, "{} {}", style("warning:").yellow(), printable(warning));
    }
    text
}

fn volumes(volumes: &[DiskVolume]) -> String {
    if volumes.is_empty() {
        return "no volume found\n".to_owned();
    }
    let head =
        ["volume", "start", "size", "type", "filesystem", "label", "serial", "free", "state"];
    let mut rows = vec![head.map(|name| style(name).dim().to_string()).to_vec()];
    rows.extend(volumes.iter().map(|volume| {
        let identity = &volume.identity;
        let active = if is_active(&volume.partition) { " active" } else { "" };
        vec![
            volume.number.to_string(),
            size(volume.partition.start),
            size(volume.partition.length),
            format!("{}{active}", partition_type(&volume.partition)),
            filesystem(identity.filesystem).to_owned(),
            printable(&identity.label).into_owned(),
            if identity.serial == 0 { String::new() } else { serial(volume) },
            identity.free_bytes.map(size).unwrap_or_default(),
            state(volume),
        ]
    }));
    let (left, right) = (Align::Left, Align::Right);
    let mut text = columns(2, &[right, right, right, left, left, left, left, right, left], &rows);
    for volume in volumes {
        for detail in &volume.identity.details {
            let word = style(printable(&detail.word)).yellow();
            let evidence = printable(&detail.evidence);
            let _ = writeln!(text, "  volume {}, {word}: {evidence}", volume.number);
        }
    }
    text
}

fn state(volume: &DiskVolume) -> String {
    let identity = &volume.identity;
    let reasons = printable(&identity.reasons.join(", ")).into_owned();
    match (identity.clean, reasons.is_empty()) {
        (true, true) => style("clean").green().to_string(),
        (true, false) => format!("{}, {reasons}", style("clean").green()),
        (false, true) => style("not editable").yellow().to_string(),
        (false, false) => style(reasons).yellow().to_string(),
    }
}

fn one_windows(windows: &Windows, found: &Inspection, verbose: bool) -> String {
    let mut text = String::new();
    let (major, minor) = windows.version;
    let _ = writeln!(
        text,
        "{}  version {major}.{minor}, build {}",
        style(printable(&windows.product_name)).bold().cyan(),
        windows.build
    );
    let mut facts = vec![
        ("installed in", format!("{} of volume {}", windows.system_root, windows.volume)),
        ("architecture", architecture(windows.architecture).to_owned()),
    ];
    let edition: Vec<&str> = [windows.edition.as_str(), windows.installation_type.as_str()]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    if !edition.is_empty() {
        facts.push(("edition", edition.join(", ")));
    }
    let set = match (windows.control_set, windows.next_control_set) {
        (last, next) if last == next => format!("ControlSet{last:03}"),
        (last, next) => format!("ControlSet{next:03} at the next start, ControlSet{last:03} last"),
    };
    facts.push(("control set", set));
    if let Some(hal) = &windows.hal {
        facts.push(("HAL", hal.clone()));
    }
    facts.push(("boots by", boot(windows)));
    for (description, default) in &windows.boot.entries {
        let mark = if *default { " (default)" } else { "" };
        facts.push(("entry", format!("{description}{mark}")));
    }
    let names_max = if verbose { usize::MAX } else { NAMES_MAX };
    let mut drivers = |name, wanted: &dyn Fn(&DriverService) -> bool| {
        let names = driver_names(&windows.drivers, wanted, names_max);
        facts.extend(names.map(|names| (name, names)));
    };
    for (start, name) in
        [(0, "boot drivers"), (1, "system drivers"), (3, "demand drivers"), (4, "disabled")]
    {
        drivers(name, &|driver| driver.present && driver.start == Some(start));
    }
    drivers("file missing", &|driver| {
        !driver.present && driver.start.is_some_and(|start| start < 4)
    });
    if let Some(vendors) = found.vendor_drivers_of(windows) {
        facts.extend(
            vendors.packages.iter().map(|package| ("vendor driver", vendor_driver(package))),
        );
    }
    let tools = if windows.guest_tools.is_empty() {
        "none found".to_owned()
    } else {
        windows.guest_tools.join(", ")
    };
    facts.push(("guest tools", tools));
    for (name, value) in facts {
        let _ = writeln!(text, "  {}{}", style(format!("{name:<16}")).dim(), printable(&value));
    }
    text.push_str(
        &found.health_of(windows).map(|health| chain(health, verbose)).unwrap_or_default(),
    );
    for warning in &windows.warnings {
        let _ = writeln!(text, "  {} {}", style("warning:").yellow(), printable(warning));
    }
    text
}

/// `viostor.inf (oem3.inf), SCSIAdapter, 01/31/2024,1.2.3.4, Red Hat: viostor`.
fn vendor_driver(package: &InstalledPackage) -> String {
    let inf = package.inf.as_deref();
    let original = package.original.as_deref().or(inf).unwrap_or("without a name");
    let mut text = original.to_owned();
    if let Some(inf) = inf.filter(|inf| *inf != original) {
        let _ = write!(text, " ({inf})");
    }
    for part in [&package.class, &package.driver_version, &package.provider].into_iter().flatten() {
        let _ = write!(text, ", {part}");
    }
    let services: Vec<&str> = package.services.iter().map(|service| &*service.name).collect();
    if !services.is_empty() {
        let _ = write!(text, ": {}", services.join(", "));
    }
    text
}

/// The way from the firmware to Windows, with what speaks against it where it does.
fn chain(health: &Diagnosis, verbose: bool) -> String {
    let mut text = format!("  {}\n", style("boot chain").dim());
    for Link { stage, what } in with_stages_of_findings(health) {
        let findings: Vec<&Finding> =
            health.findings.iter().filter(|finding| stage_of(finding) == Some(stage)).collect();
        let mark = match findings.iter().map(|finding| finding.severity).min() {
            None => style("ok ").green(),
            Some(Severity::Stops) => style("!! ").red().bold(),
            Some(Severity::Hinders) => style("!  ").yellow().bold(),
            Some(Severity::Note) => style("i  ").blue().bold(),
        };
        let name = style(format!("{:<14}", stage.word())).dim();
        let _ = writeln!(text, "{}", format!("    {mark}{name}{}", printable(&what)).trim_end());
        let mut told: HashMap<&str, usize> = HashMap::new();
        for Finding { rule, object, found, .. } in findings {
            let count = told.entry(rule).or_default();
            *count += 1;
            if verbose || *count <= FINDINGS_MAX {
                let line = format!("{}: {}", printable(object), printable(found));
                let _ = writeln!(text, "       {}  {line}", style(rule).bold());
            }
        }
        let more: usize = told.values().map(|count| count.saturating_sub(FINDINGS_MAX)).sum();
        if !verbose && more > 0 {
            let _ = writeln!(text, "       and {more} more like these");
        }
    }
    let sum = if health.is_healthy() {
        "nothing found that speaks against booting".to_owned()
    } else {
        let stops = if health.stops() { ", will not boot" } else { "" };
        let findings = count(health.findings.len(), "finding");
        format!("{findings}{stops} (winkiln doctor tells what to do)")
    };
    let _ = writeln!(text, "  {}{sum}", style(format!("{:<16}", "health")).dim());
    text
}

fn stage_of(finding: &Finding) -> Option<Stage> {
    winkiln_doctor::rule(finding.rule).map(|rule| rule.stage)
}

/// The links, and one for each stretch of the way that has none of its own, and a finding.
fn with_stages_of_findings(health: &Diagnosis) -> Vec<Link> {
    let mut links = health.chain.clone();
    for stage in health.findings.iter().filter_map(stage_of) {
        if links.iter().all(|link| link.stage != stage) {
            links.push(Link { stage, what: String::new() });
        }
    }
    links.sort_by_key(|link| link.stage);
    links
}

fn boot(windows: &Windows) -> String {
    let boot = &windows.boot;
    let Some(kind) = boot_kind(boot.kind) else { return "no boot configuration found".to_owned() };
    let mut text = kind.to_owned();
    if let Some((volume, path)) = &boot.file {
        let _ = write!(text, " {path} of volume {volume}");
    }
    if let Some(firmware) = firmware(boot.firmware) {
        let _ = write!(text, ", {}", firmware.to_uppercase());
    }
    if let Some(testsigning) = boot.testsigning {
        let _ = write!(text, ", test signing {}", if testsigning { "on" } else { "off" });
    }
    text
}

/// The names of some drivers, at most so many of them; `None` when there is none.
fn driver_names(
    drivers: &[DriverService],
    wanted: &dyn Fn(&DriverService) -> bool,
    names_max: usize,
) -> Option<String> {
    let names: Vec<&str> =
        drivers.iter().filter(|driver| wanted(driver)).map(|driver| driver.name.as_str()).collect();
    let shown = names.get(..names_max).unwrap_or(&names).join(" ");
    match names.len().saturating_sub(names_max) {
        _ if names.is_empty() => None,
        0 => Some(shown),
        more => Some(format!("{shown} and {more} more")),
    }
}
