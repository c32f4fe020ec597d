//! Presets: named, well-tried settings that know what they mean on each Windows.

mod acpi_shutdown;
mod boot_words;
mod crash_dump;
mod ems;
mod ide_fallback;
mod last_known_good;
mod nic_watchdog;
mod no_auto_update;
mod no_fast_startup;
mod online_disks;
mod plan;
mod rdp;
mod restore_hive;
mod safe_mode;
mod service;
mod tcp_tuning;
mod testsigning;
mod trust_certificate;
mod utc_clock;

use std::path::{Path, PathBuf};

use crate::facts::{Facts, Lookup};
use crate::nearest::nearest;
use crate::{BakeError, ErrorKind};

pub use plan::Planned;
use plan::Planner;

/// A preset with its argument, as `--preset NAME[=ARG]` and `[presets]` give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preset {
    /// Such as `crash-dump`.
    pub name: String,
    /// Such as `small,no-reboot`.
    pub argument: Option<String>,
}

/// Why a preset was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PresetError {
    /// No such preset.
    #[error("unknown preset {name:?}{}", nearest.map(|name| format!("; did you mean {name}?")).unwrap_or_default())]
    Unknown {
        /// As given.
        name: String,
        /// The known name nearest to it.
        nearest: Option<&'static str>,
    },
    /// The preset needs an argument.
    #[error("preset {name} needs an argument: {name}={expected}")]
    MissingArgument {
        /// The preset.
        name: &'static str,
        /// What it takes.
        expected: &'static str,
    },
    /// The preset takes no argument.
    #[error("preset {name} takes no argument, not {argument:?}")]
    SuperfluousArgument {
        /// The preset.
        name: &'static str,
        /// As given.
        argument: String,
    },
    /// The argument is not one that the preset takes.
    #[error("preset {name} does not take {argument:?}; expected {expected}")]
    BadArgument {
        /// The preset.
        name: &'static str,
        /// As given.
        argument: String,
        /// What it takes.
        expected: &'static str,
    },
    /// A file without certificates that can be read.
    #[error("cannot take certificates from {}", path.display())]
    Certificate {
        /// On the host.
        path: PathBuf,
        /// What is wrong with it.
        source: winkiln_trust::Error,
    },
    /// The preset cannot do its work on this guest.
    #[error("preset {name} does not fit this guest: {reason}")]
    NotForGuest {
        /// The preset.
        name: &'static str,
        /// Why.
        reason: &'static str,
    },
}

impl PresetError {
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::NotForGuest { .. } | Self::Certificate { .. } => ErrorKind::Failed,
            _ => ErrorKind::Usage,
        }
    }

    pub(crate) fn hint(&self) -> Option<String> {
        matches!(self, Self::Unknown { .. })
            .then(|| format!("the presets are {}", Preset::names().join(", ")))
    }
}

/// What a preset takes after `=`.
#[derive(Debug, Clone, Copy)]
enum Argument {
    /// Nothing.
    None,
    /// Words separated by commas; may be left out.
    Optional { check: fn(&str) -> bool, expected: &'static str },
    /// One word; must be given. A list in a recipe gives the preset once for each.
    Required { check: fn(&str) -> bool, expected: &'static str },
    /// A file of the host; must be given. A list in a recipe gives the preset once for each.
    File { expected: &'static str },
}

/// One line of the catalogue.
struct Entry {
    name: &'static str,
    argument: Argument,
    plan: fn(&mut Planner<'_>) -> Result<(), BakeError>,
}

const CATALOGUE: &[Entry] = &[
    Entry { name: "acpi-shutdown", argument: Argument::None, plan: acpi_shutdown::plan },
    Entry { name: "tcp-tuning", argument: Argument::None, plan: tcp_tuning::plan },
    Entry {
        name: "crash-dump",
        argument: Argument::Optional {
            check: crash_dump::is_argument,
            expected: crash_dump::EXPECTED,
        },
        plan: crash_dump::plan,
    },
    Entry { name: "no-auto-update", argument: Argument::None, plan: no_auto_update::plan },
    Entry { name: "rdp", argument: Argument::None, plan: rdp::plan },
    Entry { name: "pae", argument: Argument::None, plan: boot_words::pae },
    Entry { name: "gplpv", argument: Argument::None, plan: boot_words::gplpv },
    Entry {
        name: "boot-switch",
        argument: Argument::Required {
            check: boot_words::is_switch,
            expected: boot_words::SWITCH_EXPECTED,
        },
        plan: boot_words::boot_switch,
    },
    Entry { name: "testsigning", argument: Argument::None, plan: testsigning::plan },
    Entry {
        name: "trust-certificate",
        argument: Argument::File { expected: trust_certificate::EXPECTED },
        plan: trust_certificate::plan,
    },
    Entry { name: "no-fast-startup", argument: Argument::None, plan: no_fast_startup::plan },
    Entry { name: "utc-clock", argument: Argument::None, plan: utc_clock::plan },
    Entry { name: "online-disks", argument: Argument::None, plan: online_disks::plan },
    Entry { name: "last-known-good", argument: Argument::None, plan: last_known_good::plan },
    Entry {
        name: "safe-mode",
        argument: Argument::Required {
            check: safe_mode::is_argument,
            expected: safe_mode::EXPECTED,
        },
        plan: safe_mode::plan,
    },
    Entry { name: "ems", argument: Argument::None, plan: ems::plan },
    Entry {
        name: "restore-hive",
        argument: Argument::Required {
            check: restore_hive::is_argument,
            expected: restore_hive::EXPECTED,
        },
        plan: restore_hive::plan,
    },
    Entry {
        name: "service",
        argument: Argument::Required { check: service::is_argument, expected: service::EXPECTED },
        plan: service::plan,
    },
    Entry { name: "ide-fallback", argument: Argument::None, plan: ide_fallback::plan },
    Entry {
        name: "nic-watchdog",
        argument: Argument::Required {
            check: nic_watchdog::is_host,
            expected: nic_watchdog::EXPECTED,
        },
        plan: nic_watchdog::plan,
    },
];

impl Preset {
    /// Parses `NAME[=ARG]`.
    ///
    /// # Errors
    /// An unknown name (with the nearest known one), a missing or wrong argument.
    pub fn parse(text: &str) -> Result<Self, BakeError> {
        let (name, argument) = match text.split_once('=') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        Ok(Self::new(name.trim(), argument)?)
    }

    /// Checks a name and an argument.
    ///
    /// # Errors
    /// As [`Preset::parse`].
    pub fn new(name: &str, argument: Option<&str>) -> Result<Self, PresetError> {
        let entry = entry(name)?;
        match (entry.argument, argument) {
            (Argument::None, Some(argument)) => {
                return Err(PresetError::SuperfluousArgument {
                    name: entry.name,
                    argument: argument.to_owned(),
                });
            }
            (Argument::Required { expected, .. } | Argument::File { expected }, None) => {
                return Err(PresetError::MissingArgument { name: entry.name, expected });
            }
            (
                Argument::Optional { check, expected } | Argument::Required { check, expected },
                Some(argument),
            ) if !check(argument) => {
                return Err(PresetError::BadArgument {
                    name: entry.name,
                    argument: argument.to_owned(),
                    expected,
                });
            }
            _ => {}
        }
        Ok(Self { name: entry.name.to_owned(), argument: argument.map(str::to_owned) })
    }

    /// Checks a name alone.
    pub(crate) fn check_name(name: &str) -> Result<(), PresetError> {
        entry(name).map(|_| ())
    }

    /// What a list of arguments in a recipe means: one preset with all of them, or one preset for each.
    pub(crate) fn from_list(name: &str, arguments: &[&str]) -> Result<Vec<Self>, PresetError> {
        match entry(name)?.argument {
            Argument::Required { .. } | Argument::File { .. } => {
                arguments.iter().map(|argument| Self::new(name, Some(argument))).collect()
            }
            _ => Ok(vec![Self::new(name, Some(&arguments.join(",")))?]),
        }
    }

    /// Makes a relative path that the preset takes one below `folder`, the recipe's own.
    ///
    /// # Errors
    /// A path that is no text.
    pub(crate) fn resolve(mut self, folder: &Path) -> Result<Self, PresetError> {
        let entry = entry(&self.name)?;
        if let (Argument::File { expected }, Some(argument)) = (entry.argument, &self.argument) {
            let path = folder.join(argument);
            let bad = || PresetError::BadArgument {
                name: entry.name,
                argument: path.display().to_string(),
                expected,
            };
            self.argument = Some(path.to_str().ok_or_else(bad)?.to_owned());
        }
        Ok(self)
    }

    /// The names of the presets that work, in the order of the documentation.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        CATALOGUE.iter().map(|entry| entry.name).collect()
    }

    /// Says what the preset means for this guest.
    ///
    /// # Errors
    /// A guest that the preset does not fit, or that cannot be read.
    pub fn plan(&self, facts: &Facts, lookup: &mut dyn Lookup) -> Result<Planned, BakeError> {
        let entry = entry(&self.name)?;
        let argument = self.argument.as_deref();
        let planned = Planned::default();
        let mut planner = Planner { name: entry.name, argument, facts, lookup, planned };
        (entry.plan)(&mut planner)?;
        Ok(planner.planned)
    }
}

fn entry(name: &str) -> Result<&'static Entry, PresetError> {
    if let Some(entry) = CATALOGUE.iter().find(|entry| entry.name == name) {
        return Ok(entry);
    }
    let known: Vec<&'static str> = CATALOGUE.iter().map(|entry| entry.name).collect();
    Err(PresetError::Unknown {
        name: name.chars().take(80).collect(),
        nearest: nearest(name, &known),
    })
}
