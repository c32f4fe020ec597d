//! The kernel-mode driver framework (KMDF) that drivers are linked against.
//!
//! Source: "KMDF version history".

use std::fmt;

use super::{Edit, Plan, StagingError, Value, service_key};
use crate::inf::Existing;

/// The framework's file.
pub const FRAMEWORK_LIBRARY: &str = "Wdf01000.sys";
/// The file that drivers reach the framework by.
pub const FRAMEWORK_LOADER: &str = "WdfLdr.sys";
/// Where that looks for the framework's service.
const VERSIONS: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\Wdf\Kmdf\KmdfLibrary\Versions\1";
/// The order in which groups of drivers start.
const GROUPS: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\ServiceGroupOrder";

/// The framework that a guest has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framework {
    /// None.
    None,
    /// Up to this version.
    Version(u32, u32),
    /// One that a co-installer brought.
    Unknown,
    /// None; the source brings one of this version.
    Brought(u32, u32),
}

/// A version of Windows, its first build of that kind, and the framework's version.
type Inbox = ((u32, u32), u32, (u32, u32));

/// The versions that came with Windows, by the first build that has each.
const INBOX: [Inbox; 16] = [
    ((6, 0), 6000, (1, 5)),
    ((6, 0), 6001, (1, 7)),
    ((6, 1), 0, (1, 9)),
    ((6, 2), 0, (1, 11)),
    ((6, 3), 0, (1, 13)),
    ((10, 0), 10240, (1, 15)),
    ((10, 0), 10586, (1, 17)),
    ((10, 0), 14393, (1, 19)),
    ((10, 0), 15063, (1, 21)),
    ((10, 0), 16299, (1, 23)),
    ((10, 0), 17134, (1, 25)),
    ((10, 0), 17763, (1, 27)),
    ((10, 0), 18362, (1, 29)),
    ((10, 0), 19041, (1, 31)),
    ((10, 0), 20348, (1, 33)),
    ((10, 0), 22000, (1, 33)),
];

impl Framework {
    /// What a Windows came with.
    #[must_use]
    pub fn inbox(version: (u32, u32), build: u32) -> Self {
        let mut known = INBOX
            .iter()
            .filter(|(from, first, _)| *from < version || (*from == version && *first <= build));
        known.next_back().map_or(Self::None, |(_, _, (major, minor))| Self::Version(*major, *minor))
    }

    fn has(self, needed: (u32, u32)) -> bool {
        match self {
            Self::None | Self::Brought(..) => false,
            Self::Version(major, minor) => (major, minor) >= needed,
            Self::Unknown => true,
        }
    }

    /// Tells whether the source brings one that is new enough.
    fn is_brought(self, needed: (u32, u32)) -> bool {
        matches!(self, Self::Brought(major, minor) if (major, minor) >= needed)
    }
}

/// `1.9`, `none`.
impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None | Self::Brought(..) => f.write_str("none"),
            Self::Version(major, minor) => write!(f, "{major}.{minor}"),
            Self::Unknown => f.write_str("one of unknown version"),
        }
    }
}

/// Tells whether the drivers of a package find the framework that they need when the guest starts.
pub(super) fn suffices(plan: &Plan<'_>) -> bool {
    let found = plan.request.guest.framework;
    let mut needed = plan.installs.iter().flat_map(|install| &install.wdf);
    needed.all(|wdf| {
        let needed = wdf.library_version.as_deref().and_then(parse);
        needed.is_none_or(|needed| found.has(needed) || found.is_brought(needed))
    })
}

/// Refuses a driver that must start with the guest and needs a framework that is not there then, unless the source brings it; tells
/// of others.
pub(super) fn check(plan: &mut Plan<'_>, boot_critical: bool) -> Result<(), StagingError> {
    let found = plan.request.guest.framework;
    let mut told = Vec::new();
    let mut brings = false;
    for install in &plan.installs {
        let coinstaller = !install.coinstallers.files.is_empty();
        for wdf in &install.wdf {
            let Some(text) = &wdf.library_version else { continue };
            let Some(needed) = parse(text) else { continue };
            let service = &wdf.service;
            if found == Framework::Unknown {
                told.push(format!(
                    "{service} needs the kernel-mode driver framework {text}; which version the guest has is not known"
                ));
            }
            if found.has(needed) {
                continue;
            }
            if boot_critical && found.is_brought(needed) {
                brings = true;
                continue;
            }
            if boot_critical {
                let (service, needed) = (service.clone(), text.clone());
                let found = found.to_string();
                return Err(StagingError::Framework { service, needed, found });
            }
            let how = if coinstaller {
                "its co-installer brings it when Windows finds the device"
            } else {
                "the package does not bring it: install it in the guest"
            };
            told.push(format!(
                "{service} needs the kernel-mode driver framework {text}, and this Windows has {found}: {how}"
            ));
        }
    }
    for text in told {
        plan.warn(text);
    }
    if let (true, Framework::Brought(major, minor)) = (brings, found) {
        bring(plan);
        plan.warn(format!(
            "the kernel-mode driver framework {major}.{minor} of the source comes along; it stays when the package is removed"
        ));
    }
    Ok(())
}

/// Puts in the framework that the source brings, as its installer does.
///
/// Source: the service, the group and the key of real hives of Windows 7.
fn bring(plan: &mut Plan<'_>) {
    for name in [FRAMEWORK_LIBRARY, FRAMEWORK_LOADER] {
        let to = plan.places.windows(&format!(r"System32\drivers\{name}"));
        let (from, existing) = (name.to_owned(), Existing::Replace);
        plan.edits.push(Edit::PutFile { to, from, existing, keeps_newer: true });
    }
    let key = format!(r"{}\Wdf01000", service_key::SERVICES);
    let path = format!(r"system32\drivers\{FRAMEWORK_LIBRARY}");
    for (name, value) in [
        ("Type", Value::dword(1)),
        ("Start", Value::dword(0)),
        ("ErrorControl", Value::dword(1)),
        ("Group", Value::sz("WdfLoadGroup")),
        ("DisplayName", Value::sz("Kernel Mode Driver Frameworks service")),
        ("ImagePath", Value::expand_sz(&path)),
    ] {
        plan.set(&*key, name, value);
    }
    plan.set(VERSIONS, "Service", Value::sz("Wdf01000"));
    plan.edits.push(Edit::InsertString {
        key: GROUPS.to_owned(),
        name: "List".to_owned(),
        string: "WdfLoadGroup".to_owned(),
        before: "Boot Bus Extender".to_owned(),
    });
}

fn parse(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::Framework;

    #[test]
    fn each_windows_has_its_framework() {
        for (version, build, expected) in [
            ((5, 1), 2600, Framework::None),
            ((5, 2), 3790, Framework::None),
            ((6, 0), 6000, Framework::Version(1, 5)),
            ((6, 0), 6002, Framework::Version(1, 7)),
            ((6, 1), 7601, Framework::Version(1, 9)),
            ((6, 2), 9200, Framework::Version(1, 11)),
            ((6, 3), 9600, Framework::Version(1, 13)),
            ((10, 0), 16299, Framework::Version(1, 23)),
            ((10, 0), 26100, Framework::Version(1, 33)),
        ] {
            assert_eq!(Framework::inbox(version, build), expected, "{version:?} {build}");
        }
    }
}
