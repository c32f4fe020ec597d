//! Drivers that a Windows has besides its own, as text.

use std::fmt::Write as _;

use winkiln_bake::drivers::InstalledPackage;
use winkiln_bake::{InstalledDrivers, InstalledService};

use super::text::{count, printable};

/// A block for each package, then what belongs to none.
pub(crate) fn text(found: &InstalledDrivers, verbose: bool) -> String {
    let mut text = String::new();
    for package in &found.packages {
        let or = |part: &Option<String>, otherwise: &str| {
            printable(part.as_deref().unwrap_or(otherwise)).into_owned()
        };
        let _ = writeln!(
            text,
            "{}  {}  {}  {}  {}",
            or(&package.inf, without_inf(package)),
            or(&package.original, "original name not known"),
            or(&package.class, "no class"),
            or(&package.driver_version, "no version"),
            or(&package.provider, "")
        );
        if verbose {
            for folder in &package.folders {
                let _ = writeln!(text, "  folder    {}", printable(folder));
            }
        }
        for service in &package.services {
            let _ = writeln!(text, "  service   {}", words(service));
        }
    }
    for leftover in &found.leftovers {
        let words = words(&leftover.service);
        let _ = writeln!(text, "{}  service {words}, without a package", leftover.vendor);
    }
    let packages = count(found.packages.len(), "driver package");
    let _ = match found.leftovers.len() {
        0 => writeln!(text, "{packages}"),
        more => writeln!(text, "{packages}, {} without one", count(more, "service")),
    };
    text
}

/// What stands for the INF of a package that Windows has not numbered.
fn without_inf(package: &InstalledPackage) -> &'static str {
    if package.services.is_empty() { "waits for its device" } else { "has no device" }
}

/// `viostor: start 0, \\Windows\\System32\\drivers\\viostor.sys`.
fn words(service: &InstalledService) -> String {
    let start = service.start.map_or("none".to_owned(), |start| start.to_string());
    let file = match (&service.file, service.present) {
        (None, _) => "on another volume".to_owned(),
        (Some(file), true) => printable(file).into_owned(),
        (Some(file), false) => format!("{} (missing)", printable(file)),
    };
    format!("{}: start {start}, {file}", printable(&service.name))
}
