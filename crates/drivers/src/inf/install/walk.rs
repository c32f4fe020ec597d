//! The walk over an install section and those that belong to it.

use std::collections::HashSet;

use super::super::{Entry, Inf, InfError, InfProblem, Section, version};
use super::copy_files::copy_files;
use super::filter::add_filter;
use super::lookup::Lookup;
use super::registry::{Directive, edits};
use super::service::{Added, add_service, del_service};
use super::wdf::kmdf_service;
use super::{Included, IncludedInfs, Install, not_carried_out};
use crate::Architecture;

/// How deep `Needs` may name sections that have `Needs` themselves; Windows documents one level.
const NEEDS_DEPTH_MAX: usize = 8;

/// Which section belonging to an install section it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    Base,
    Hardware,
    Services,
    CoInstallers,
    Wdf,
    Filters,
    /// Whatever it asks for is not carried out.
    Other,
}

/// Extensions of an install section's name, and what they are.
const PARTS: &[(&str, Part)] = &[
    ("HW", Part::Hardware),
    ("Services", Part::Services),
    ("CoInstallers", Part::CoInstallers),
    ("Wdf", Part::Wdf),
    ("Filters", Part::Filters),
    ("Events", Part::Other),
    ("Components", Part::Other),
    ("Software", Part::Other),
    ("Interfaces", Part::Other),
    ("LogConfigOverride", Part::Other),
    ("FactDef", Part::Other),
    ("WMI", Part::Other),
    ("PosDup", Part::Other),
    ("GeneralConfigData", Part::Other),
    ("SoftwareSettings", Part::Other),
];

/// Entries that the class installer of network adapters writes to the software key.
const CLASS_ENTRIES: &[&str] = &[
    "characteristics",
    "bustype",
    "enabledhcp",
    "*iftype",
    "*mediatype",
    "*physicalmediatype",
    "*ifconnectorpresent",
    "*connectiontype",
    "*directiontype",
    "*accesstype",
    "*hardwareloopback",
    "*numconfigportstouse",
];

/// The walk.
pub(super) struct Walk<'a> {
    root: &'a Inf,
    architecture: Architecture,
    lookup: Lookup<'a>,
    install: Install,
    /// Sections that `Needs` brought in: none is carried out twice for a part.
    needed: HashSet<(String, String, Part)>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        root: &'a Inf,
        architecture: Architecture,
        included: &'a dyn IncludedInfs,
        left: &'a mut usize,
    ) -> Self {
        Self {
            root,
            architecture,
            lookup: Lookup::new(included, left),
            install: Install::default(),
            needed: HashSet::new(),
        }
    }

    pub(super) fn run(mut self, section: &'a Section) -> Result<Install, InfError> {
        self.install.section = section.name.clone();
        let root = self.root;
        self.section(root, section, Part::Base, 0)?;
        for (extension, part) in PARTS {
            if let Some(section) = root.section(&format!("{}.{extension}", section.name)) {
                self.section(root, section, *part, 0)?;
            }
        }
        let (included, not_carried_out) = self.lookup.missing();
        self.install.included.extend(included);
        self.install.not_carried_out.extend(not_carried_out);
        Ok(self.install)
    }

    fn section(
        &mut self,
        inf: &'a Inf,
        section: &'a Section,
        part: Part,
        depth: usize,
    ) -> Result<(), InfError> {
        let includes: Vec<_> = inf
            .entries(&section.name)
            .filter(|entry| entry.has_key("Include"))
            .flat_map(|entry| entry.strings())
            .collect();
        self.lookup.include(&includes);
        for entry in inf.entries(&section.name) {
            self.lookup.take(&entry)?;
            match entry.key().as_str() {
                "include" => {}
                "needs" => self.needs(&entry, &includes, part, depth)?,
                key => self.entry(&entry, key, part)?,
            }
        }
        Ok(())
    }

    /// Carries out what `Needs` names: of the included INFs, or of this one.
    fn needs(
        &mut self,
        entry: &Entry<'a>,
        includes: &[String],
        part: Part,
        depth: usize,
    ) -> Result<(), InfError> {
        for name in entry.strings() {
            // Each of them is looked into, and noted.
            self.lookup.take_many(entry, 1 + includes.len())?;
            let found = self.lookup.needed(includes, entry.inf(), &name);
            let found = found.filter(|_| depth < NEEDS_DEPTH_MAX);
            self.install.included.push(Included {
                line: entry.line(),
                files: includes.to_vec(),
                section: name,
                found_in: found.map(|(inf, _)| inf.name().to_owned()),
            });
            let Some((inf, section)) = found else { continue };
            let this = (inf.name().to_owned(), section.name.clone(), part);
            if self.needed.insert(this) {
                self.section(inf, section, part, depth + 1)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Entry<'a>, key: &str, part: Part) -> Result<(), InfError> {
        let lookup = &mut self.lookup;
        let install = &mut self.install;
        if let Some(kind) = Directive::from_key(key) {
            let target = match part {
                Part::Base => &mut install.registry,
                Part::Hardware => &mut install.hardware_registry,
                Part::CoInstallers => &mut install.coinstallers.registry,
                _ => return self.leave(entry),
            };
            target.extend(edits(entry, kind, lookup)?);
            return Ok(());
        }
        match (part, key) {
            (Part::Base, "copyfiles") => {
                install.files.extend(copy_files(entry, self.root, self.architecture, lookup)?);
            }
            (Part::CoInstallers, "copyfiles") => {
                let files = copy_files(entry, self.root, self.architecture, lookup)?;
                install.coinstallers.files.extend(files);
            }
            (Part::Base, "featurescore") if install.feature_score.is_none() => {
                install.feature_score = Some(feature_score(entry)?);
            }
            (Part::Base, "driverver") => install.driver_version = version::driver_version(entry)?,
            // What the package's own INFs are: see `Package::copied_infs`.
            (Part::Base, "copyinf") => {}
            (Part::Base, key) if CLASS_ENTRIES.contains(&key) => {
                let name = entry.localized_key().unwrap_or_default().text;
                install.class_entries.push((name, entry.string(0)));
            }
            (Part::Services, "addservice") => match add_service(entry, lookup)? {
                Added::Elsewhere => {}
                Added::Service(service, left) => {
                    install.services.push(*service);
                    install.not_carried_out.extend(left);
                }
                Added::Null => install.null_service = true,
            },
            (Part::Services, "delservice") => install.removed_services.push(del_service(entry)?),
            (Part::Wdf, "kmdfservice") => install.wdf.push(kmdf_service(entry, lookup)?),
            (Part::Filters, "addfilter") => install.filters.extend(add_filter(entry, lookup)?),
            _ => return self.leave(entry),
        }
        Ok(())
    }

    fn leave(&mut self, entry: &Entry<'a>) -> Result<(), InfError> {
        self.install.not_carried_out.push(not_carried_out(entry));
        Ok(())
    }
}

/// `FeatureScore`, a byte in hexadecimal with or without `0x`.
pub(crate) fn feature_score(entry: &Entry<'_>) -> Result<u8, InfError> {
    let found = entry.string(0);
    let digits = found.trim();
    let number = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    // The documentation's own example is `xFD`.
    let digits = number.or_else(|| digits.strip_prefix('x')).unwrap_or(digits);
    u8::from_str_radix(digits, 16).map_err(|_| entry.error(InfProblem::NotAByte { found }))
}
