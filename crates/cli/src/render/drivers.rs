//! Driver packages, as text and as JSON.

mod catalog;

use std::fmt::Write as _;

use serde::Serialize;
use winkiln_archive::Tree;
use winkiln_bake::drivers::PackageCatalog;
use winkiln_drivers::choice::Choice;
use winkiln_drivers::inf::{Decoration, ModelsSection, TargetOs};
use winkiln_drivers::package::Unreadable;
use winkiln_drivers::{Architecture, Package};

use super::text::{count, printable};
use catalog::ListedCatalog;

/// The packages of a source.
pub(crate) struct Listed {
    /// As given.
    pub(crate) source: String,
    /// The Windows that was asked about.
    pub(crate) target: Option<String>,
    pub(crate) packages: Vec<ListedPackage>,
    pub(crate) unreadable: Vec<Unreadable>,
}

/// What becomes of a package on a Windows.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Fate {
    chosen: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Fate {
    /// Of the package at that place.
    pub(crate) fn of(choice: &Choice<'_>, index: usize) -> Self {
        let other = choice.others.iter().find(|other| other.index == index);
        Self { chosen: other.is_none(), reason: other.map(|other| other.why.to_string()) }
    }
}

/// A package as it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct ListedPackage {
    name: String,
    path: String,
    class: Option<String>,
    class_guid: Option<String>,
    provider: Option<String>,
    date: Option<String>,
    version: Option<String>,
    catalog: Vec<String>,
    signatures: Vec<ListedCatalog>,
    services: Vec<String>,
    models: Vec<ListedModels>,
    hardware_ids: Vec<String>,
    files: Vec<ListedFile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fit: Option<Fate>,
    problems: Vec<String>,
}

/// A models section as it is shown.
#[derive(Debug, Serialize)]
struct ListedModels {
    section: String,
    maker: String,
    #[serde(rename = "for")]
    for_windows: String,
    architecture: Option<&'static str>,
    version: Option<String>,
    build: Option<u32>,
    product_type: Option<u32>,
    suite_mask: Option<u32>,
    devices: Vec<ListedDevice>,
}

/// A model as it is shown.
#[derive(Debug, Serialize)]
struct ListedDevice {
    description: String,
    install_section: String,
    ids: Vec<String>,
    excluded_from_select: bool,
}

/// A file as it is shown.
#[derive(Debug, Serialize)]
struct ListedFile {
    path: String,
    present: bool,
}

/// Tells whether one of a package's models sections is for an architecture, or none is for any.
pub(crate) fn is_for(package: &Package, architecture: Architecture) -> bool {
    let mut named = package.models_sections().map(|section| section.decoration.architecture());
    package.models_sections().next().is_none() || named.any(|named| named == Some(architecture))
}

/// Looks at a package. Its files are those for one architecture, or for all that its models sections name.
pub(crate) fn listed(
    package: &Package,
    tree: &Tree,
    architecture: Option<Architecture>,
    fit: Option<Fate>,
) -> ListedPackage {
    let version = package.version();
    let mut problems: Vec<_> = version.problems.iter().map(ToString::to_string).collect();
    let mut models = Vec::new();
    for maker in package.manufacturers() {
        for section in &maker.sections {
            problems.extend(section.problems.iter().map(ToString::to_string));
            models.push(listed_models(section, &maker.name.text));
        }
    }
    let mut hardware_ids: Vec<_> = package
        .models_sections()
        .flat_map(|s| &s.models)
        .flat_map(|m| m.ids().map(str::to_owned))
        .collect();
    hardware_ids.sort();
    hardware_ids.dedup();
    let mut catalog: Vec<_> = version.catalogs.iter().map(|catalog| catalog.file.clone()).collect();
    catalog.sort();
    catalog.dedup();
    let catalogs = PackageCatalog::all(tree, package, architecture);
    ListedPackage {
        name: package.name().to_owned(),
        path: package.path().to_owned(),
        class: version.class.clone(),
        class_guid: version.class_guid.map(|guid| guid.to_string()),
        provider: version.provider.as_ref().map(|provider| provider.text.clone()),
        date: version.driver_version.map(|driver| {
            let date = driver.date;
            format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
        }),
        version: version
            .driver_version
            .map(|driver| driver.version.map(|part| part.to_string()).join(".")),
        catalog,
        signatures: catalogs.into_iter().map(ListedCatalog::from).collect(),
        services: package.services(),
        models,
        hardware_ids,
        files: files(package, tree, architecture, &mut problems),
        fit,
        problems,
    }
}

fn files(
    package: &Package,
    tree: &Tree,
    only: Option<Architecture>,
    problems: &mut Vec<String>,
) -> Vec<ListedFile> {
    let mut files = Vec::new();
    for architecture in Architecture::ALL {
        let sections: Vec<_> = package
            .models_sections()
            .filter(|section| section.decoration.architecture() == Some(architecture))
            .collect();
        let wanted = only.is_none_or(|only| only == architecture);
        let any = package.manufacturers().is_empty()
            && only.unwrap_or(Architecture::Amd64) == architecture;
        if !wanted || sections.is_empty() && !any {
            continue;
        }
        match package.files(sections, architecture) {
            Ok(needed) => files.extend(needed),
            Err(error) => problems.push(error.to_string()),
        }
    }
    files.sort();
    files.dedup();
    let mut shown: Vec<_> = files
        .iter()
        .map(|file| ListedFile { path: file.path.clone(), present: file.find(tree).is_some() })
        .collect();
    shown.dedup_by(|a, b| a.path == b.path && a.present == b.present);
    shown
}

fn listed_models(section: &ModelsSection, maker: &str) -> ListedModels {
    let os = match &section.decoration {
        Decoration::Target(os) => *os,
        _ => TargetOs::default(),
    };
    let devices = section.models.iter().map(|model| ListedDevice {
        description: model.description.text.clone(),
        install_section: model.install_section.clone(),
        ids: model.ids().map(str::to_owned).collect(),
        excluded_from_select: model.excluded_from_select,
    });
    ListedModels {
        section: section.name.clone(),
        maker: maker.to_owned(),
        for_windows: for_windows(&section.decoration),
        architecture: os.architecture.map(Architecture::name),
        version: os.version.map(|(major, minor)| format!("{major}.{minor}")),
        build: os.build,
        product_type: os.product_type,
        suite_mask: os.suite_mask,
        devices: devices.collect(),
    }
}

/// `Windows 10.0 build 19041 and later, amd64`.
fn for_windows(decoration: &Decoration) -> String {
    let os = match decoration {
        Decoration::None => return "any Windows, x86".to_owned(),
        Decoration::Unknown(text) => return format!("no Windows: {text} is a template's"),
        Decoration::Target(os) => os,
    };
    let mut text = match (os.version, os.build) {
        (None, _) => "any Windows".to_owned(),
        (Some((major, minor)), None) => format!("Windows {major}.{minor} and later"),
        (Some((major, minor)), Some(build)) => {
            format!("Windows {major}.{minor} build {build} and later")
        }
    };
    let _ = write!(text, ", {}", os.architecture.unwrap_or(Architecture::X86));
    match os.product_type {
        None => {}
        Some(1) => text.push_str(", clients"),
        Some(2) => text.push_str(", domain controllers"),
        Some(3) => text.push_str(", servers"),
        Some(other) => {
            let _ = write!(text, ", product type {other}");
        }
    }
    if let Some(mask) = os.suite_mask {
        let _ = write!(text, ", suites {mask:#x}");
    }
    text
}

/// The JSON form.
#[derive(Serialize)]
pub(crate) struct Document<'a> {
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    packages: &'a [ListedPackage],
    unreadable: Vec<UnreadableFile<'a>>,
}

#[derive(Serialize)]
struct UnreadableFile<'a> {
    path: &'a str,
    reason: &'a str,
}

/// The JSON form.
pub(crate) fn document(listed: &Listed) -> Document<'_> {
    let unreadable = listed
        .unreadable
        .iter()
        .map(|file| UnreadableFile { path: &file.path, reason: &file.reason });
    Document {
        source: &listed.source,
        target: listed.target.as_deref(),
        packages: &listed.packages,
        unreadable: unreadable.collect(),
    }
}

/// The text form: a block for each package; with `verbose`, all devices and files.
pub(crate) fn text(listed: &Listed, verbose: bool) -> String {
    let mut text = String::new();
    for package in &listed.packages {
        block(&mut text, package, verbose);
        text.push('\n');
    }
    let total = count(listed.packages.len(), "driver package");
    let chosen =
        listed.packages.iter().filter(|package| package.fit.as_ref().is_some_and(|fit| fit.chosen));
    let _ = match &listed.target {
        Some(target) => {
            writeln!(text, "{} of {total} for Windows {}", chosen.count(), printable(target))
        }
        None => writeln!(text, "{total}"),
    };
    text
}

fn block(text: &mut String, package: &ListedPackage, verbose: bool) {
    let or = |part: &Option<String>, otherwise: &str| {
        printable(part.as_deref().unwrap_or(otherwise)).into_owned()
    };
    let (version, date) = (or(&package.version, "no version"), or(&package.date, "no date"));
    let _ = writeln!(
        text,
        "{}  {}  {version}  {date}",
        printable(&package.name),
        or(&package.class, "no class")
    );
    let mut line = |label: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "  {label:<10}{}", printable(value));
        }
    };
    line("inf", &package.path);
    line("provider", &or(&package.provider, ""));
    for catalog in &package.signatures {
        line("catalog", &catalog.text());
    }
    line("services", &package.services.join(", "));
    for models in &package.models {
        let devices = count(models.devices.len(), "device");
        let hidden = models.devices.iter().filter(|device| device.excluded_from_select).count();
        let hidden = match hidden {
            0 => String::new(),
            hidden => format!(", {hidden} not for choice by hand"),
        };
        line("for", &format!("{} ({devices}{hidden})", models.for_windows));
        if verbose {
            for device in &models.devices {
                line("", &format!("  {}: {}", device.description, device.ids.join(", ")));
            }
        }
    }
    if !verbose {
        // A few are enough to know it by.
        let shown: Vec<_> = package.hardware_ids.iter().take(4).map(String::as_str).collect();
        let more = package.hardware_ids.len().saturating_sub(shown.len());
        let more = if more == 0 { String::new() } else { format!(", and {more} more") };
        line("devices", &format!("{}{more}", shown.join(", ")));
    }
    let missing: Vec<_> =
        package.files.iter().filter(|file| !file.present).map(|file| file.path.as_str()).collect();
    let names: Vec<_> =
        package.files.iter().map(|file| file.path.rsplit('/').next().unwrap_or_default()).collect();
    line("files", &names.join(", "));
    line("missing", &missing.join(", "));
    for problem in &package.problems {
        line("problem", problem);
    }
    if let Some(fit) = &package.fit {
        match &fit.reason {
            None => line("fits", "yes"),
            Some(reason) => line("fits", &format!("no: {reason}")),
        }
    }
}
