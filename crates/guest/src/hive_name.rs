//! Names of hives and keys, as administrators write them.

use crate::GuestError;

/// A hive by the place where Windows mounts it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HiveName {
    /// `HKLM\SYSTEM`
    System,
    /// `HKLM\SOFTWARE`
    Software,
    /// `HKLM\SAM`
    Sam,
    /// `HKLM\SECURITY`
    Security,
    /// `HKLM\DRIVERS`, Windows 8 and later
    Drivers,
    /// `HKLM\COMPONENTS`, Vista and later
    Components,
    /// `HKLM\BCD00000000`: the store of the boot configuration
    Bcd,
    /// `HKU\.DEFAULT`
    DefaultUser,
    /// `HKU\<SID or profile folder>`: `NTUSER.DAT`
    User(String),
    /// `HKU\<SID or profile folder>_Classes`: `UsrClass.dat`
    UserClasses(String),
}

/// Names below `HKLM` that are hives.
const MACHINE: [(&str, HiveName); 7] = [
    ("SYSTEM", HiveName::System),
    ("SOFTWARE", HiveName::Software),
    ("SAM", HiveName::Sam),
    ("SECURITY", HiveName::Security),
    ("DRIVERS", HiveName::Drivers),
    ("COMPONENTS", HiveName::Components),
    ("BCD00000000", HiveName::Bcd),
];
/// The end of a user's second hive.
const CLASSES: &str = "_Classes";
/// The account of the system itself, whose hive is `.DEFAULT`.
const LOCAL_SYSTEM: &str = "S-1-5-18";

/// A key's place: hive and path inside it (current control set resolved).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The hive.
    pub hive: HiveName,
    /// Path below the hive's root, `\` between components, may be empty.
    pub path: String,
}

/// Where a hive's file lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HiveFile {
    /// Volume number.
    pub volume: u32,
    /// Path on it.
    pub path: String,
}

impl std::fmt::Display for HiveName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DefaultUser => f.write_str(r"HKU\.DEFAULT"),
            Self::User(user) => write!(f, r"HKU\{user}"),
            Self::UserClasses(user) => write!(f, r"HKU\{user}{CLASSES}"),
            machine => {
                let found = MACHINE.iter().find(|(_, name)| name == machine);
                write!(f, r"HKLM\{}", found.map_or("?", |(text, _)| text))
            }
        }
    }
}

impl HiveName {
    /// The hives below `HKLM`.
    pub(crate) const MACHINE: [Self; 7] = [
        Self::System,
        Self::Software,
        Self::Sam,
        Self::Security,
        Self::Drivers,
        Self::Components,
        Self::Bcd,
    ];
}

impl Location {
    /// Takes a full key apart: `HKLM\SYSTEM\...`, `HKEY_USERS\...`, any case. Links inside hives are not followed:
    /// see [`crate::Registry::locate`].
    ///
    /// `HKCR` is `HKLM\SOFTWARE\Classes`, where Windows writes what is new in that view; a user's own classes, which it
    /// shows there too, are `HKU\<user>_Classes`.
    ///
    /// # Errors
    /// [`GuestError::UnknownKey`] for a root that has no hive.
    pub fn parse(key: &str) -> Result<Self, GuestError> {
        let unknown = |reason: &str| {
            Err(GuestError::UnknownKey { key: key.to_owned(), reason: reason.to_owned() })
        };
        let trimmed = key.trim_matches('\\');
        let (root, rest) = trimmed.split_once('\\').unwrap_or((trimmed, ""));
        let rest = rest.trim_matches('\\');
        let (mount, path) = rest.split_once('\\').unwrap_or((rest, ""));
        let path = path.trim_matches('\\').to_owned();
        match root.to_ascii_uppercase().as_str() {
            "HKLM" | "HKEY_LOCAL_MACHINE" => {
                let found = MACHINE.iter().find(|(name, _)| mount.eq_ignore_ascii_case(name));
                match found {
                    Some((_, hive)) => Ok(Self { hive: hive.clone(), path }),
                    None if mount.is_empty() => {
                        unknown(&format!("name a hive: {}", machine_names()))
                    }
                    None => unknown(&format!(
                        "HKLM\\{mount} is not stored on disk; there are: {}",
                        machine_names()
                    )),
                }
            }
            "HKU" | "HKEY_USERS" if mount.is_empty() => {
                unknown(r"name a user: HKU\.DEFAULT, HKU\<SID> or HKU\<profile folder>")
            }
            "HKU" | "HKEY_USERS" => Ok(Self { hive: user_hive(mount), path }),
            // A merged view: what is written to it goes to the machine's half.
            "HKCR" | "HKEY_CLASSES_ROOT" => Ok(Self {
                hive: HiveName::Software,
                path: format!(r"Classes\{rest}").trim_end_matches('\\').to_owned(),
            }),
            "HKCU" | "HKEY_CURRENT_USER" => {
                unknown(r"nobody is logged on; write HKU\<profile folder> or HKU\<SID>")
            }
            "HKCC" | "HKEY_CURRENT_CONFIG" => unknown(
                r"it is a link; write HKLM\SYSTEM\CurrentControlSet\Hardware Profiles\Current",
            ),
            _ => unknown("a key starts with HKLM, HKU, HKEY_LOCAL_MACHINE or HKEY_USERS"),
        }
    }
}

/// The name that administrators use for a key that the kernel calls `\Registry\Machine\...` or `\Registry\User\...`; `None`
/// for other names.
#[must_use]
pub fn native_key(name: &str) -> Option<String> {
    let (registry, rest) = name.strip_prefix('\\')?.split_once('\\')?;
    let (root, rest) = rest.split_once('\\').unwrap_or((rest, ""));
    let short = match root.to_ascii_uppercase().as_str() {
        "MACHINE" => "HKLM",
        "USER" => "HKU",
        _ => return None,
    };
    let is_key = registry.eq_ignore_ascii_case("Registry");
    is_key.then(|| format!("{short}\\{}", rest.trim_matches('\\')))
}

fn user_hive(mount: &str) -> HiveName {
    let classes = mount
        .len()
        .checked_sub(CLASSES.len())
        .and_then(|at| mount.split_at_checked(at))
        .filter(|(user, end)| !user.is_empty() && end.eq_ignore_ascii_case(CLASSES));
    match classes {
        Some((user, _)) => HiveName::UserClasses(user.to_owned()),
        None if mount.eq_ignore_ascii_case(".DEFAULT") => HiveName::DefaultUser,
        None if mount.eq_ignore_ascii_case(LOCAL_SYSTEM) => HiveName::DefaultUser,
        None => HiveName::User(mount.to_owned()),
    }
}

fn machine_names() -> String {
    let names: Vec<String> = MACHINE.iter().map(|(name, _)| format!("HKLM\\{name}")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: &str, hive: HiveName, path: &str) {
        let location = Location::parse(key).expect(key);
        assert_eq!(location, Location { hive, path: path.into() }, "{key}");
    }

    #[test]
    fn keys_name_hives() {
        check(r"HKLM\SYSTEM", HiveName::System, "");
        check(r"hkey_local_machine\software\A\b", HiveName::Software, r"A\b");
        check(r"\HKLM\Sam\SAM\", HiveName::Sam, "SAM");
        check(r"HKLM\bcd00000000\Objects", HiveName::Bcd, "Objects");
        check(r"HKEY_USERS\.Default\X", HiveName::DefaultUser, "X");
        check(r"HKU\s-1-5-18\X", HiveName::DefaultUser, "X");
        check(r"HKU\bob\Software", HiveName::User("bob".into()), "Software");
        check(r"HKU\S-1-5-21-1_classes\CLSID", HiveName::UserClasses("S-1-5-21-1".into()), "CLSID");
        check(r"HKU\_Classes", HiveName::User("_Classes".into()), "");
        check(r"HKU\Б", HiveName::User("Б".into()), "");
        check(r"HKCR\.txt\shell", HiveName::Software, r"Classes\.txt\shell");
        check("hkey_classes_root", HiveName::Software, "Classes");
    }

    #[test]
    fn names_of_the_kernel_become_those_of_administrators() {
        for (name, key) in [
            (r"\Registry\Machine\SOFTWARE\Classes", Some(r"HKLM\SOFTWARE\Classes")),
            (r"\REGISTRY\USER\S-1-5-18\X\", Some(r"HKU\S-1-5-18\X")),
            (r"\Registry\Machine", Some("HKLM\\")),
            (r"\Registry\A\{1}", None),
            (r"\Device\Machine\SOFTWARE", None),
            (r"Registry\Machine\SOFTWARE", None),
        ] {
            assert_eq!(native_key(name).as_deref(), key, "{name}");
        }
    }

    #[test]
    fn keys_without_a_hive_say_what_to_write() {
        for (key, hint) in [
            (r"HKCU\Software", r"HKU\<profile folder>"),
            (r"HKLM\HARDWARE", r"HKLM\SYSTEM, HKLM\SOFTWARE"),
            ("HKLM", r"HKLM\SYSTEM, HKLM\SOFTWARE"),
            ("HKU", r"HKU\.DEFAULT"),
            (r"SYSTEM\Select", "a key starts with HKLM"),
            ("", "a key starts with HKLM"),
        ] {
            let error = Location::parse(key).expect_err(key);
            assert!(error.to_string().contains(hint), "{key}: {error}");
            assert!(!error.is_refusal());
        }
    }
}
