//! Whether a package is for a Windows: the decorations of its models sections.

use crate::inf::{Decoration, ModelsSection, TargetOs, actual_section};
use crate::package::DEFAULT_INSTALL;
use crate::{Architecture, Package, Target};

/// How near a decoration comes to a Windows; the greater the nearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Closeness {
    /// The lowest version it names, which goes before everything else.
    pub version: Option<(u32, u32)>,
    /// The lowest build it names.
    pub build: Option<u32>,
    /// It names the product type.
    pub product_type: bool,
    /// Suites that it names.
    pub suites: u32,
    /// It names the architecture.
    pub architecture: bool,
}

/// Why a package, or a models section, is not for a Windows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It is for other architectures.
    #[error("it is for {}", names(.for_architectures))]
    Architecture {
        /// Those it is for.
        for_architectures: Vec<Architecture>,
    },
    /// It names no architecture, which is for x86 alone.
    #[error("it names no architecture, which Windows takes to mean x86")]
    NoArchitecture,
    /// It is for later releases.
    #[error("it is for Windows {}.{}{} and later", .version.0, .version.1, from_build(*.build))]
    LaterWindows {
        /// The lowest version that it is for.
        version: (u32, u32),
        /// The lowest build.
        build: Option<u32>,
    },
    /// It is for another kind of Windows.
    #[error("it is for {} only", product(*.product_type))]
    ProductType {
        /// `VER_NT_*` that it is for.
        product_type: u32,
    },
    /// It is for suites that this Windows is not.
    #[error("it is for product suites {suite_mask:#x} only")]
    Suite {
        /// `VER_SUITE_*` that it asks for.
        suite_mask: u32,
    },
    /// Its decoration is not one that Windows knows.
    #[error(
        "{decoration:?} is no target that Windows knows: this is a template, not a finished INF"
    )]
    UnknownDecoration {
        /// As written.
        decoration: String,
    },
    /// The section nearest to this Windows is empty, which says that the package is not for it.
    #[error("its section [{section}] has no devices, which excludes this Windows")]
    Excluded {
        /// The empty section.
        section: String,
    },
    /// It installs nothing: no models and no `DefaultInstall`.
    #[error("it installs nothing: it has neither models nor DefaultInstall")]
    Nothing,
}

fn names(architectures: &[Architecture]) -> String {
    architectures.iter().map(|a| a.name()).collect::<Vec<_>>().join(", ")
}

fn from_build(build: Option<u32>) -> String {
    build.map(|build| format!(" build {build}")).unwrap_or_default()
}

fn product(product_type: u32) -> String {
    match product_type {
        1 => "clients".to_owned(),
        2 => "domain controllers".to_owned(),
        3 => "servers".to_owned(),
        other => format!("product type {other}"),
    }
}

/// What of a package is for a Windows.
#[derive(Debug, Clone)]
pub struct Fit<'a> {
    /// The models section in force of each maker; empty for a package that installs by `DefaultInstall`.
    pub sections: Vec<&'a ModelsSection>,
    /// The nearest of their decorations.
    pub closeness: Closeness,
}

/// Tells how near a decoration comes to a Windows.
///
/// # Errors
/// Why it is not for it at all.
pub fn fit(decoration: &Decoration, target: &Target) -> Result<Closeness, Refusal> {
    let os = match decoration {
        Decoration::Target(os) => *os,
        Decoration::None => TargetOs::default(),
        Decoration::Unknown(decoration) => {
            return Err(Refusal::UnknownDecoration { decoration: decoration.clone() });
        }
    };
    match os.architecture {
        Some(architecture) if architecture != target.architecture => {
            return Err(Refusal::Architecture { for_architectures: vec![architecture] });
        }
        // Every Windows for something else than x86 is later than the service pack that brought the rule.
        None if target.architecture != Architecture::X86 => return Err(Refusal::NoArchitecture),
        _ => {}
    }
    if let Some(version) = os.version {
        // A build counts within its own version alone.
        let early = version == target.version && os.build.is_some_and(|build| build > target.build);
        if version > target.version || early {
            return Err(Refusal::LaterWindows { version, build: os.build });
        }
    }
    if let Some(product_type) = os.product_type.filter(|&kind| kind != target.product_type.number())
    {
        return Err(Refusal::ProductType { product_type });
    }
    if let Some(suite_mask) = os.suite_mask.filter(|mask| mask & !target.suite_mask != 0) {
        return Err(Refusal::Suite { suite_mask });
    }
    Ok(Closeness {
        version: os.version,
        build: os.build,
        product_type: os.product_type.is_some(),
        suites: os.suite_mask.map_or(0, u32::count_ones),
        architecture: os.architecture.is_some(),
    })
}

impl Package {
    /// What of the package is for a Windows: of each maker, the section whose decoration comes nearest.
    ///
    /// # Errors
    /// Why nothing is.
    pub fn fit(&self, target: &Target) -> Result<Fit<'_>, Refusal> {
        let mut refusals = Vec::new();
        let mut fits = Vec::new();
        for maker in self.manufacturers() {
            let mut best: Option<(Closeness, &ModelsSection)> = None;
            for section in &maker.sections {
                match fit(&section.decoration, target) {
                    Ok(near) if best.is_none_or(|(other, _)| near > other) => {
                        best = Some((near, section));
                    }
                    Ok(_) => {}
                    Err(refusal) => refusals.push(refusal),
                }
            }
            match best {
                Some((_, section)) if section.models.is_empty() => {
                    refusals.push(Refusal::Excluded { section: section.name.clone() });
                }
                best => fits.extend(best),
            }
        }
        if let Some(closeness) = fits.iter().map(|(near, _)| *near).max() {
            let sections = fits.into_iter().map(|(_, section)| section).collect();
            return Ok(Fit { sections, closeness });
        }
        let by_default = actual_section(self.inf(), DEFAULT_INSTALL, target.architecture);
        if self.manufacturers().is_empty() && by_default.is_some() {
            return Ok(Fit { sections: Vec::new(), closeness: Closeness::default() });
        }
        let others = || {
            let named = |architecture: &Architecture| {
                self.inf().section(&format!("{DEFAULT_INSTALL}.NT{architecture}")).is_some()
            };
            Architecture::ALL.into_iter().filter(named).collect::<Vec<_>>()
        };
        Err(most_telling(refusals).unwrap_or_else(|| match others() {
            others if others.is_empty() => Refusal::Nothing,
            for_architectures => Refusal::Architecture { for_architectures },
        }))
    }
}

/// Of several refusals the one that came nearest to a fit.
fn most_telling(refusals: Vec<Refusal>) -> Option<Refusal> {
    let weight = |refusal: &Refusal| match refusal {
        Refusal::Excluded { .. } => 6,
        Refusal::ProductType { .. } | Refusal::Suite { .. } => 5,
        Refusal::LaterWindows { .. } => 4,
        Refusal::Architecture { .. } => 3,
        Refusal::NoArchitecture => 2,
        _ => 1,
    };
    let architectures: Vec<_> = refusals
        .iter()
        .filter_map(|refusal| match refusal {
            Refusal::Architecture { for_architectures } => Some(for_architectures.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    // The lowest version says from when on it would fit.
    let earliest = refusals.iter().filter_map(|refusal| match refusal {
        Refusal::LaterWindows { version, build } => Some((*version, *build)),
        _ => None,
    });
    let earliest = earliest.min();
    let refusal = refusals.into_iter().max_by_key(weight)?;
    Some(match refusal {
        Refusal::Architecture { .. } => {
            let mut for_architectures = architectures;
            for_architectures.sort();
            for_architectures.dedup();
            Refusal::Architecture { for_architectures }
        }
        Refusal::LaterWindows { version, build } => {
            let (version, build) = earliest.unwrap_or((version, build));
            Refusal::LaterWindows { version, build }
        }
        other => other,
    })
}
