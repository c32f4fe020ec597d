//! Files: the package as a whole, and what installing it copies.

use std::collections::{HashMap, HashSet};

use super::places::join;
use super::{Edit, PackageFile, Plan, Signature, StagingError, Value};
use crate::inf::{Existing, FileCopy, Folder};

/// Where catalogs of drivers are, below the Windows folder.
const CATALOGS: &str = r"System32\CatRoot\{F750E6C3-38EE-11D1-85E5-00C04FC295EE}";
/// Files that `PnpLockdown` protects.
const LOCKDOWN: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Setup\PnpLockdownFiles";

/// The package, published: its INF under its new name, its catalog, and its folder.
pub(super) fn package(plan: &mut Plan<'_>, boot_critical: bool) {
    let guest = plan.request.guest;
    let package = plan.request.package;
    let mut folders = Vec::new();
    if guest.has_database() || (boot_critical && !guest.is_nt5()) {
        folders.push(plan.places.store_below_windows());
    }
    if !guest.has_database() {
        folders.push(plan.places.devices_below_windows());
    }
    for folder in folders {
        let folder = plan.places.windows(&folder);
        put(plan, join(&folder, package.file_name()), package.path(), Existing::Replace);
        for file in plan.request.files {
            put(plan, join(&folder, &file.name), &file.from, Existing::Replace);
        }
    }
    if !plan.published {
        return;
    }
    let inf = plan.places.windows(&format!(r"INF\{}", plan.inf));
    put(plan, inf, package.path(), Existing::Replace);
    if let Some(catalog) = plan.request.files.iter().find(|file| file.is_catalog) {
        let name = plan.inf.replace(".inf", ".cat");
        let to = plan.places.windows(&format!(r"{CATALOGS}\{name}"));
        put(plan, to, &catalog.from, Existing::Replace);
    }
}

/// The files that the models copy.
pub(super) fn installed(plan: &mut Plan<'_>) -> Result<(), StagingError> {
    let mut done = HashSet::new();
    let mut files: HashMap<String, &PackageFile> = HashMap::new();
    for file in plan.request.files {
        files.entry(file.name.to_ascii_lowercase()).or_insert(file);
    }
    let copies: Vec<FileCopy> =
        plan.installs.iter().flat_map(|install| &install.files).cloned().collect();
    for copy in copies {
        let Some(from) = source(plan, &files, &copy)? else { continue };
        let folder = copy.destination.folder;
        if folder == Folder::DRIVER_STORE && plan.request.guest.has_database() {
            continue;
        }
        let unknown = || StagingError::Folder { what: copy.name.clone(), dirid: folder.0 };
        let root = plan.places.folder(folder).ok_or_else(unknown)?;
        let below = plan.places.expand(&copy.destination.subfolder);
        let below =
            below.map_err(|dirid| StagingError::Folder { what: copy.name.clone(), dirid })?;
        let to = join(&join(&root, &below), &copy.name);
        if !done.insert(to.to_ascii_lowercase()) {
            continue;
        }
        let existing = match &copy {
            copy if copy.keeps_existing() => Existing::Keep,
            copy if copy.replaces_only() => Existing::Only,
            _ => Existing::Replace,
        };
        if copy.security.is_some() {
            plan.warn(format!("{}: its own security descriptor is left to Windows", copy.name));
        }
        // Of a signed package the flags say nothing.
        let keeps_newer = copy.keeps_newer() && *plan.request.signature == Signature::None;
        plan.edits.push(Edit::PutFile { to: to.clone(), from, existing, keeps_newer });
        lock(plan, &to, &copy);
    }
    Ok(())
}

/// Where a file to copy is in the source; `None` for one of Windows itself.
fn source(
    plan: &Plan<'_>,
    files: &HashMap<String, &PackageFile>,
    copy: &FileCopy,
) -> Result<Option<String>, StagingError> {
    let package = plan.request.package;
    // What an included INF copies, its own package brought to the guest.
    let own = copy.file.eq_ignore_ascii_case(package.inf().name());
    let of_package = copy.source.listed || package.version().layout_files.is_empty();
    match files.get(&copy.source.path.to_ascii_lowercase()) {
        Some(file) => Ok(Some(file.from.clone())),
        None if own && of_package => Err(StagingError::NoFile { name: copy.source.path.clone() }),
        None => Ok(None),
    }
}

/// Protects an installed file, where the INF asks for it.
fn lock(plan: &mut Plan<'_>, to: &str, copy: &FileCopy) {
    let root = &plan.request.guest.system_root;
    let inside = to.get(..root.len()).is_some_and(|head| head.eq_ignore_ascii_case(root));
    let version = plan.request.package.version();
    if !version.pnp_lockdown || !inside || !plan.request.guest.has_database() || !plan.published {
        return;
    }
    let below = to.get(root.len()..).unwrap_or_default().replace('\\', "/");
    let key = format!(r"{LOCKDOWN}\%SystemRoot%{below}");
    let source =
        format!(r"%SystemRoot%\{}\{}", plan.places.store_below_windows(), copy.source.path);
    plan.set(&*key, "Class", Value::dword(4));
    let strings = vec![plan.inf.clone()];
    plan.edits.push(Edit::AppendStrings { key: key.clone(), name: "Owners".to_owned(), strings });
    plan.set(key, "Source", Value::expand_sz(&source));
}

fn put(plan: &mut Plan<'_>, to: String, from: &str, existing: Existing) {
    let from = from.to_owned();
    plan.edits.push(Edit::PutFile { to, from, existing, keeps_newer: false });
}
