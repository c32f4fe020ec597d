//! The step that adds driver packages.

pub(super) mod carry_out;
mod guest_facts;
mod in_box;
mod loader;
mod numbers;
pub(super) mod record;
pub(super) mod replaced;

use std::collections::HashMap;

use winkiln_drivers::choice::{Choice, Chosen, Options, choose};
use winkiln_drivers::inf::Inf;
use winkiln_drivers::staging::{Edit, Framework, Guest, Request, Signature, Staging, Value, stage};
use winkiln_drivers::{Guid, Package};
use winkiln_guest::error::with_causes;
use winkiln_hive::ValueType;

use super::Session;
use crate::BakeError;
use crate::drivers::{
    BroughtFramework, Contents, DriverAction, DriverError, DriverReport, DriverSource, Loader,
    PackageProblem, Source, score,
};
use numbers::Numbers;

/// Setup classes.
pub(super) const CLASSES: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\Class";

impl Session {
    /// Adds the packages of a source that are for the guest.
    pub(super) fn add_drivers(&mut self, wanted: &DriverSource) -> Result<(), BakeError> {
        let wanted = &wanted.resolved();
        let mut guest = self.driver_guest()?;
        let target = guest.target;
        let options = self.inf_options()?;
        let source = Source::open(&wanted.path, &options)?;
        let selection = &wanted.selection;
        let packages = &source.found.packages;
        if let Some(name) = selection.unknown(packages).first() {
            let mut known: Vec<String> =
                packages.iter().map(|package| package.name().to_owned()).collect();
            known.sort();
            known.dedup();
            let (path, name) = (wanted.path.clone(), (*name).to_owned());
            return Err(DriverError::UnknownName { path, name, known }.into());
        }
        for unreadable in &source.found.unreadable {
            self.warn(format!("{} was passed over: {}", unreadable.path, unreadable.reason));
        }
        let loader = self.loader(target)?;
        let score = |package: &Package| score(&source.tree, package, &loader);
        let options = Options { selection, signature: &score };
        let choice = choose(packages, &target, &options);
        let mut numbers = self.oem_numbers(&guest)?;
        let first = self.drivers.len();
        let mut added = 0;
        for chosen in &choice.chosen {
            match self.add_package(&source, chosen, &guest, wanted, &loader, &mut numbers) {
                Ok(report) => {
                    added += 1;
                    self.drivers.push(report);
                    if guest.framework == Framework::None {
                        let windows = self.windows()?;
                        guest.framework = self.framework(&windows)?;
                    }
                }
                // Of a companion that was not asked for, the same.
                Err(Refused::Package(problem))
                    if selection.only.is_empty() || !selection.takes(chosen.package) =>
                {
                    let mut report = report_of(chosen.package, DriverAction::LeftOut);
                    let reason = with_causes(&problem);
                    self.warn(format!("{} was left out: {reason}", chosen.package.path()));
                    report.reason = Some(reason);
                    self.drivers.push(report);
                }
                Err(Refused::Package(source)) => {
                    let package = chosen.package.path().to_owned();
                    return Err(DriverError::Package { package, source }.into());
                }
                Err(Refused::Bake(error)) => return Err(error),
            }
        }
        let reasons = self.report_others(&choice, first);
        if added == 0 {
            let (path, target) = (wanted.path.clone(), guest.target.to_string());
            return Err(DriverError::NothingFits { path, target, reasons }.into());
        }
        Ok(())
    }

    /// Notes the packages that were not chosen, and gives a line for each that was left out since the `first` of the source.
    fn report_others(&mut self, choice: &Choice<'_>, first: usize) -> Vec<String> {
        let mut reasons: Vec<String> = self
            .drivers
            .iter()
            .skip(first)
            .filter_map(|report| Some(format!("{}: {}", report.package, report.reason.as_ref()?)))
            .collect();
        for other in &choice.others {
            let reason = other.why.to_string();
            reasons.push(format!("{}: {reason}", other.package.path()));
            let mut report = report_of(other.package, DriverAction::LeftOut);
            report.reason = Some(reason);
            self.drivers.push(report);
        }
        reasons
    }

    fn add_package(
        &mut self,
        source: &Source,
        chosen: &Chosen<'_>,
        guest: &Guest,
        wanted: &DriverSource,
        loader: &Loader,
        numbers: &mut Numbers,
    ) -> Result<DriverReport, Refused> {
        let package = chosen.package;
        let architecture = guest.target.architecture;
        let needed = package
            .files(chosen.fit.sections.iter().copied(), architecture)
            .map_err(PackageProblem::from)?;
        let mut contents = source.contents(package, &needed)?;
        contents.check_machine(architecture)?;
        let (signature, unsigned) = self.signature(&contents, package, guest, wanted, loader)?;
        let sources = contents.sources();
        let framework = match guest.framework {
            Framework::None => BroughtFramework::find(source, package, architecture),
            _ => None,
        };
        let with_framework = framework.map(|found| {
            let (major, minor) = found.version;
            found.give(&mut contents);
            Guest { framework: Framework::Brought(major, minor), ..guest.clone() }
        });
        let guest = with_framework.as_ref().unwrap_or(guest);
        let included = self.included_infs(package.inf())?;
        let (class, has_class) = self.class_of(package)?;
        let number = self.number_of(package, &contents, guest, numbers)?;
        let mut taken = numbers.map.clone();
        taken.take(number);
        let origin = origin(wanted, package.folder());
        let request = Request {
            guest,
            package,
            fit: &chosen.fit,
            included: &included,
            files: &contents.files,
            digest: contents.digest,
            oem_number: number,
            oem_numbers: numbers.in_registry.then_some(&taken),
            now: self.now,
            origin: &origin,
            signature: &signature,
            has_class,
            class,
        };
        let staging = stage(&request).map_err(PackageProblem::from)?;
        for service in &staging.services {
            let of_other = |other: &&DriverReport| {
                matches!(other.action, DriverAction::Added | DriverAction::AlreadyThere)
                    && (&*other.package, &other.inf) != (package.path(), &staging.inf)
                    && other.services.iter().any(|known| known.eq_ignore_ascii_case(service))
            };
            let other = self.drivers.iter().find(of_other);
            let Some((other, files)) = other.map(|o| (o.package.clone(), o.files.clone())) else {
                continue;
            };
            if !self.is_same_driver(service, &staging, &contents, &files)? {
                let service = service.clone();
                return Err(PackageProblem::SameService { service, other }.into());
            }
        }
        if staging.inf.is_some() {
            numbers.map = taken;
        }
        let before = self.ledger.change_count();
        let recorder = self.before_adding(&staging, guest)?;
        if recorder.is_some() {
            self.keep_replaced(&staging, &contents, guest)?;
        }
        for edit in &staging.edits {
            self.carry_out(edit, &contents, guest)?;
        }
        if let Some(recorder) = recorder {
            self.record_changes(recorder, &staging, guest)?;
        }
        let changed = self.ledger.change_count() != before;
        let action = if changed { DriverAction::Added } else { DriverAction::AlreadyThere };
        for path in package.copied_infs(chosen.fit.sections.iter().copied(), architecture) {
            if !source.found.packages.iter().any(|other| other.path().eq_ignore_ascii_case(&path)) {
                self.warn(format!("{}: {path}, which it copies along, is missing", package.path()));
            }
        }
        if let Some(reason) = unsigned {
            self.warn(format!("{}: {reason}", package.path()));
        }
        for warning in &staging.warnings {
            self.warn(format!("{}: {warning}", package.path()));
        }
        let report = DriverReport {
            signed_by: signer(&signature).map(str::to_owned),
            sources,
            ..report_of(package, action)
        };
        Ok(filled(report, staging))
    }

    /// The setup class of a package by its name, where the INF gives nothing else; and whether the guest has the class.
    fn class_of(&mut self, package: &Package) -> Result<(Option<Guid>, bool), BakeError> {
        let version = package.version();
        if let Some(guid) = version.class_guid {
            return Ok((None, self.has_key(&format!(r"{CLASSES}\{guid}"))?));
        }
        let Some(name) = &version.class else { return Ok((None, false)) };
        for key in self.subkeys(CLASSES)?.unwrap_or_default() {
            let known = self.text_of(&format!(r"{CLASSES}\{key}"), "Class")?;
            if known.is_some_and(|known| known.eq_ignore_ascii_case(name))
                && let Some(guid) = Guid::parse(&key)
            {
                return Ok((Some(guid), true));
            }
        }
        Ok((None, false))
    }

    /// Tells whether a package wants the same service as another one, and every driver that it brings is one that the other
    /// brought: makers put several INFs beside one driver. What lies in the package's own folder alone counts for none.
    fn is_same_driver(
        &mut self,
        service: &str,
        staging: &Staging,
        contents: &Contents,
        brought: &[String],
    ) -> Result<bool, BakeError> {
        let own = format!(r"HKLM\SYSTEM\CurrentControlSet\Services\{service}");
        for edit in &staging.edits {
            let Edit::SetValue { key, name, value: Value::Data { kind, bytes }, .. } = edit else {
                continue;
            };
            let decides = ["Type", "Start", "ErrorControl", "Group"].contains(&name.as_str());
            if decides
                && key.eq_ignore_ascii_case(&own)
                && self.value_of(key, name)? != Some((ValueType::from_raw(*kind), bytes.clone()))
            {
                return Ok(false);
            }
        }
        let volume = self.windows()?.volume;
        let name = |path: &str| path.rsplit('\\').next().unwrap_or_default().to_lowercase();
        let brought: HashMap<String, &String> =
            brought.iter().map(|path| (name(path), path)).collect();
        let mut same = false;
        for edit in &staging.edits {
            let Edit::PutFile { to, from, .. } = edit else { continue };
            if !name(to).ends_with(".sys") {
                continue;
            }
            let Some(known) = brought.get(&name(to)) else {
                if to.contains(&staging.store_name) {
                    continue;
                }
                return Ok(false);
            };
            let bytes = contents.bytes.get(from).map_or(&[][..], Vec::as_slice);
            let limit = bytes.len() as u64;
            let size = self.metadata(volume, known)?.map(|found| found.size);
            if size != Some(limit) || self.read(volume, known, limit)? != bytes {
                return Ok(false);
            }
            same = true;
        }
        Ok(same)
    }

    /// INFs of the guest that a package includes; those it does not have are missing here.
    fn included_infs(&mut self, inf: &Inf) -> Result<Vec<Inf>, BakeError> {
        let windows = self.windows()?;
        let options = self.inf_options()?;
        let mut infs = Vec::new();
        for name in inf.included_files() {
            if name.contains(['\\', '/', ':']) || name == ".." {
                continue;
            }
            let path = format!(r"{}\INF\{name}", windows.system_root);
            let bytes = self.inf_bytes(&path)?;
            // What cannot be read is missing, and said to be so where it matters.
            infs.extend(Inf::parse(&name, &bytes, &options).ok().filter(|_| !bytes.is_empty()));
        }
        Ok(infs)
    }
}

/// Why a package was not added: it is unfit, or the whole bake has failed.
enum Refused {
    Package(PackageProblem),
    Bake(BakeError),
}

impl From<PackageProblem> for Refused {
    fn from(problem: PackageProblem) -> Self {
        Self::Package(problem)
    }
}

impl From<BakeError> for Refused {
    fn from(error: BakeError) -> Self {
        Self::Bake(error)
    }
}

/// Where the package comes from, for the driver store: the source's name, not where the host has it.
fn origin(wanted: &DriverSource, folder: &str) -> String {
    let name = wanted.path.file_name().map(|name| name.to_string_lossy().into_owned());
    let parts = [name.unwrap_or_default(), folder.replace('/', "\\")];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\\")
}

fn signer(signature: &Signature) -> Option<&str> {
    match signature {
        Signature::None => None,
        Signature::Publisher(name) | Signature::Microsoft(name) => name.as_deref(),
    }
}

fn report_of(package: &Package, action: DriverAction) -> DriverReport {
    DriverReport::new(package.path(), action).described(package.version())
}

fn filled(report: DriverReport, staging: Staging) -> DriverReport {
    let files = staging.edits.iter().filter_map(|edit| match edit {
        Edit::PutFile { to, .. } => Some(to.clone()),
        _ => None,
    });
    DriverReport {
        files: files.collect(),
        inf: staging.inf,
        boot_critical: staging.boot_critical,
        services: staging.services,
        bound: staging.bound,
        warnings: staging.warnings,
        ..report
    }
}
