//! Why drivers were not added.

use std::path::PathBuf;

use winkiln_drivers::inf::InfError;
use winkiln_drivers::staging::StagingError;
use winkiln_drivers::vendors::VENDORS;

use crate::ErrorKind;

/// Why drivers were not added.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// The source could not be read.
    #[error("driver source {}", path.display())]
    Source {
        /// On the host.
        path: PathBuf,
        /// Cause.
        source: winkiln_archive::Error,
    },
    /// A name that no package of the source goes by.
    #[error("no package of {} goes by the name {name}; there are: {}", path.display(), known.join(", "))]
    UnknownName {
        /// On the host.
        path: PathBuf,
        /// As given.
        name: String,
        /// Names of the packages.
        known: Vec<String>,
    },
    /// No package of the source is for this Windows.
    #[error("no driver package of {} is for this Windows ({target}): {}", path.display(), reasons_text(reasons))]
    NothingFits {
        /// On the host.
        path: PathBuf,
        /// What the guest is.
        target: String,
        /// Each package, and why not.
        reasons: Vec<String>,
    },
    /// Version or architecture of the guest are not known.
    #[error("drivers cannot be chosen: {what} of this Windows could not be read")]
    UnknownGuest {
        /// `the version`, `the architecture`.
        what: &'static str,
    },
    /// A package that was asked for cannot be added.
    #[error("driver package {package}")]
    Package {
        /// Path of its INF in the source.
        package: String,
        /// Cause.
        source: PackageProblem,
    },
    /// A name that no package and no service of the guest goes by.
    #[error(
        "no driver package of this Windows goes by the name {name}; there are: {}",
        listed(known)
    )]
    NotInstalled {
        /// As given.
        name: String,
        /// The names of the packages.
        known: Vec<String>,
    },
    /// A maker that is not known.
    #[error("no drivers of a maker {name} are known")]
    UnknownVendor {
        /// As given.
        name: String,
    },
    /// What was asked for is part of Windows.
    #[error("{name}: Windows {}.{} has them itself, and they stay", .version.0, .version.1)]
    PartOfWindows {
        /// For people.
        name: String,
        /// That of the guest.
        version: (u32, u32),
    },
    /// A service that was asked for is not one to take out.
    #[error("service {name} is not taken out: {reason}")]
    NotOurs {
        /// As given.
        name: String,
        /// Who needs it.
        reason: String,
    },
    /// No disk controller would be left that the guest boots from.
    #[error(
        "without these drivers this Windows boots from no disk controller any more; it boots from {} now",
        listed(buses)
    )]
    NothingToBootFrom {
        /// Those that it boots from now.
        buses: Vec<String>,
    },
    /// A package whose signature the guest would refuse.
    #[error("driver package {package} is not signed in a way that this Windows accepts: {reason}")]
    Unsigned {
        /// Path of its INF in the source.
        package: String,
        /// What is wrong with the signature.
        reason: String,
    },
}

/// Why a package cannot be added.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageProblem {
    /// Its INF.
    #[error(transparent)]
    Inf(#[from] InfError),
    /// What installing it would mean.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// A file that it names is not there.
    #[error("its file {path} is missing")]
    MissingFile {
        /// Path in the source.
        path: String,
    },
    /// A packed file, or a cabinet, that cannot be unpacked.
    #[error("{path}, which holds a file of it, cannot be unpacked")]
    Packed {
        /// Path in the source.
        path: String,
        /// Cause.
        source: winkiln_archive::Error,
    },
    /// A file that could not be read.
    #[error(transparent)]
    Contents(#[from] winkiln_archive::Error),
    /// Two packages make a service of one name.
    #[error(
        "its service {service} is that of {other} too: choose one of them with --only or --exclude"
    )]
    SameService {
        /// The service.
        service: String,
        /// Path of the other package's INF in the source.
        other: String,
    },
    /// A driver that is no program of Windows.
    #[error("{path} is no Windows program")]
    NoProgram {
        /// Path in the source.
        path: String,
    },
    /// A driver of another architecture.
    #[error("{path} is made for {found}, and this Windows is {expected}")]
    Machine {
        /// Path in the source.
        path: String,
        /// What it is made for.
        found: String,
        /// What the guest is.
        expected: &'static str,
    },
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn reasons_text(reasons: &[String]) -> String {
    if reasons.is_empty() {
        return "it holds no driver package".to_owned();
    }
    let shown: Vec<_> = reasons.iter().take(8).map(String::as_str).collect();
    let more = match reasons.len().saturating_sub(shown.len()) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!("{}{more}", shown.join("; "))
}

impl DriverError {
    /// Failed, or wrong usage.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownName { .. } | Self::NotInstalled { .. } | Self::UnknownVendor { .. } => {
                ErrorKind::Usage
            }
            _ => ErrorKind::Failed,
        }
    }

    /// What to do next.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownVendor { .. } => {
                let words: Vec<_> = VENDORS.iter().map(|vendor| vendor.word).collect();
                return Some(words.join(", "));
            }
            Self::NotInstalled { .. } => "`winkiln drivers installed IMAGE` shows them",
            Self::NothingToBootFrom { .. } => {
                "add a driver for the new disk controller first, in the same recipe; or --force"
            }
            Self::Unsigned { .. } => {
                "take a signed package; or --force-unsigned adds it all the same, and --preset testsigning has Windows load drivers signed with a test certificate"
            }
            Self::Package { .. } => "without --only it would be left out, and the others added",
            Self::NothingFits { .. } => "`winkiln inspect IMAGE` shows what the guest is",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
