//! The best of several packages for the same devices.

use std::cmp::{Ordering, Reverse};
use std::collections::{HashMap, HashSet};

use super::{Closeness, Fit, Hint, Refusal, Selection};
use crate::inf::DriverVersion;
use crate::{Package, Target};

/// How packages are compared.
pub struct Options<'a> {
    /// Which ones the user wants.
    pub selection: &'a Selection,
    /// Windows' signature score of a package: the lower the better, the same for all when nothing is known.
    pub signature: &'a dyn Fn(&Package) -> u8,
}

/// What was chosen, and what was not.
#[derive(Debug, Clone)]
pub struct Choice<'a> {
    /// Packages to install, in the order given; where all that fit are taken, the better ones first.
    pub chosen: Vec<Chosen<'a>>,
    /// The others, in the order given.
    pub others: Vec<NotChosen<'a>>,
}

/// A package to install.
#[derive(Debug, Clone)]
pub struct Chosen<'a> {
    /// Its place among those given.
    pub index: usize,
    /// The package.
    pub package: &'a Package,
    /// What of it is for the Windows.
    pub fit: Fit<'a>,
}

/// A package that is not installed.
#[derive(Debug, Clone)]
pub struct NotChosen<'a> {
    /// Its place among those given.
    pub index: usize,
    /// The package.
    pub package: &'a Package,
    /// Why.
    pub why: Why,
}

/// Why a package is not installed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// It is not for this Windows.
    #[error("{0}")]
    Refused(Refusal),
    /// The user does not want it.
    #[error("it was not asked for")]
    NotSelected,
    /// Another is better.
    #[error("{better} {by}")]
    Superseded {
        /// Path of the better one.
        better: String,
        /// What makes it better.
        by: Criterion,
    },
}

/// What makes a package better than another, in the order of its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Criterion {
    /// Its signature.
    #[error("has the better signature")]
    Signature,
    /// The other does not say from which Windows on it is, and its folder names a later one.
    #[error("is for this Windows, while this one's folder is named after a later one")]
    Folder,
    /// Its feature score.
    #[error("has the better feature score")]
    Features,
    /// Its date.
    #[error("is of a later date")]
    Date,
    /// Its version.
    #[error("is of a higher version")]
    Version,
    /// Its decoration.
    #[error("names this Windows more closely")]
    Closeness,
    /// All else being the same, its folder.
    #[error("is the same by its INF, and in the folder that suits this Windows better")]
    SameButFolder,
    /// Nothing.
    #[error("is the same by its INF, and comes first")]
    First,
}

/// What packages are compared by.
struct Merits {
    signature: u8,
    /// It does not say from which Windows on it is, and its folder names a later one.
    for_later: bool,
    hint: Hint,
    feature: u8,
    driver: Option<DriverVersion>,
    closeness: Closeness,
}

/// Chooses, among the packages that fit, the best of each name for the same devices or service. INFs that a wanted one copies along
/// (`CopyINF`) are wanted too, unless they are excluded.
///
/// Windows' order holds: the signature, the feature score, the date, the version. A package whose INF does not say from which
/// Windows on it is, in a folder named after a later one, comes after the others of its signature.
#[must_use]
pub fn choose<'a>(packages: &'a [Package], target: &Target, options: &Options<'_>) -> Choice<'a> {
    let mut fitting: Vec<(Chosen<'a>, Merits)> = Vec::new();
    let mut choice = Choice { chosen: Vec::new(), others: Vec::new() };
    let companions = companions(packages, target, options.selection);
    for (index, package) in packages.iter().enumerate() {
        let why = if options.selection.takes(package) || companions.contains(&index) {
            match package.fit(target) {
                Ok(fit) => {
                    let hint = package.hint(target);
                    let merits = merits(package, &fit, hint, target, options);
                    fitting.push((Chosen { index, package, fit }, merits));
                    continue;
                }
                Err(refusal) => Why::Refused(refusal),
            }
        } else {
            Why::NotSelected
        };
        choice.others.push(NotChosen { index, package, why });
    }
    // From the best on: only one that is itself chosen supersedes another.
    fitting.sort_by(|(a, m), (b, n)| order(a, m, b, n).0);
    let mut kept: Vec<(Chosen<'a>, Merits)> = Vec::new();
    let mut taken: HashMap<String, Taken> = HashMap::new();
    for (one, merits) in fitting {
        if !options.selection.all {
            let taken = taken.entry(one.package.name().to_ascii_lowercase()).or_default();
            let claim = Claim::of(&one);
            if let Some((rival, rival_merits)) = taken.by(&claim).and_then(|at| kept.get(at)) {
                let by = order(rival, rival_merits, &one, &merits).1;
                let why = Why::Superseded { better: rival.package.path().to_owned(), by };
                choice.others.push(NotChosen { index: one.index, package: one.package, why });
                continue;
            }
            taken.add(claim, kept.len());
        }
        kept.push((one, merits));
    }
    choice.chosen = kept.into_iter().map(|(chosen, _)| chosen).collect();
    // Of all that fit, the better ones come first: they get what only one can have.
    if !options.selection.all {
        choice.chosen.sort_by_key(|chosen| chosen.index);
    }
    choice.others.sort_by_key(|other| other.index);
    choice
}

/// The places of packages that are not asked for themselves, but copied along by those that are.
fn companions(packages: &[Package], target: &Target, selection: &Selection) -> HashSet<usize> {
    let mut companions = HashSet::new();
    if selection.only.is_empty() {
        return companions;
    }
    let places: HashMap<String, usize> = packages
        .iter()
        .enumerate()
        .filter(|(_, package)| !selection.excludes(package))
        .map(|(index, package)| (package.path().to_lowercase(), index))
        .collect();
    let mut next: Vec<&Package> =
        packages.iter().filter(|package| selection.takes(package)).collect();
    while let Some(package) = next.pop() {
        let Ok(fit) = package.fit(target) else { continue };
        for path in package.copied_infs(fit.sections.iter().copied(), target.architecture) {
            let Some(&index) = places.get(&path.to_lowercase()) else { continue };
            if companions.insert(index) {
                next.extend(packages.get(index));
            }
        }
    }
    companions
}

fn merits(
    package: &Package,
    fit: &Fit<'_>,
    hint: Hint,
    target: &Target,
    options: &Options<'_>,
) -> Merits {
    let models = fit.sections.iter().flat_map(|section| &section.models);
    // Sections are named over and over.
    let sections: HashSet<_> = models.map(|model| model.install_section.as_str()).collect();
    let score = |section: &&str| {
        let actual = crate::inf::actual_section(package.inf(), section, target.architecture)?;
        let entry = package.inf().entry(&actual.name, "FeatureScore")?;
        crate::inf::feature_score(&entry).ok()
    };
    let feature = sections.iter().filter_map(score).min().unwrap_or(0xFF);
    Merits {
        signature: (options.signature)(package),
        for_later: fit.closeness.version.is_none() && hint == Hint::Later,
        hint,
        feature,
        driver: package.version().driver_version,
        closeness: fit.closeness,
    }
}

/// What only one package of a name can have, in lower case.
struct Claim {
    /// Identifiers of its devices.
    ids: HashSet<String>,
    services: HashSet<String>,
}

impl Claim {
    fn of(chosen: &Chosen<'_>) -> Self {
        let models = chosen.fit.sections.iter().flat_map(|section| &section.models);
        let services = chosen.package.services();
        Self {
            ids: models.flat_map(|model| model.ids().map(str::to_lowercase)).collect(),
            services: services.iter().map(|name| name.to_ascii_lowercase()).collect(),
        }
    }
}

/// What the packages of a name that are chosen have: the place of the first that has each.
#[derive(Default)]
struct Taken {
    ids: HashMap<String, usize>,
    services: HashMap<String, usize>,
    /// The first one for no device.
    without_ids: Option<usize>,
}

impl Taken {
    /// The place of the first rival: one for a device in common or with a service in common, or like the other for no device.
    fn by(&self, claim: &Claim) -> Option<usize> {
        let ids = claim.ids.iter().filter_map(|id| self.ids.get(id));
        let services = claim.services.iter().filter_map(|name| self.services.get(name));
        let without_ids = self.without_ids.filter(|_| claim.ids.is_empty());
        ids.chain(services).copied().chain(without_ids).min()
    }

    fn add(&mut self, claim: Claim, at: usize) {
        if claim.ids.is_empty() {
            self.without_ids.get_or_insert(at);
        }
        for id in claim.ids {
            self.ids.entry(id).or_insert(at);
        }
        for name in claim.services {
            self.services.entry(name).or_insert(at);
        }
    }
}

/// `Less` when the first is better, and by what.
fn order(a: &Chosen<'_>, m: &Merits, b: &Chosen<'_>, n: &Merits) -> (Ordering, Criterion) {
    let date = |merits: &Merits| merits.driver.map(|driver| driver.date);
    let version = |merits: &Merits| merits.driver.map(|driver| driver.version);
    let steps = [
        (m.signature.cmp(&n.signature), Criterion::Signature),
        (m.for_later.cmp(&n.for_later), Criterion::Folder),
        (m.feature.cmp(&n.feature), Criterion::Features),
        (Reverse(date(m)).cmp(&Reverse(date(n))), Criterion::Date),
        (Reverse(version(m)).cmp(&Reverse(version(n))), Criterion::Version),
        (Reverse(m.closeness).cmp(&Reverse(n.closeness)), Criterion::Closeness),
        (Reverse(m.hint).cmp(&Reverse(n.hint)), Criterion::SameButFolder),
        (a.index.cmp(&b.index), Criterion::First),
    ];
    let decided = steps.into_iter().find(|(ordering, _)| ordering.is_ne());
    decided.unwrap_or((Ordering::Equal, Criterion::First))
}
