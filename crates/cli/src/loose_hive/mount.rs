//! Where a loose hive would be mounted, and what a key then means inside it.

use winkiln_hive::{Hive, ValueType};

use crate::error::{CliError, Result};

/// Long and short names of the registry's roots.
const ROOTS: [(&str, &str); 5] = [
    ("HKEY_LOCAL_MACHINE", "HKLM"),
    ("HKEY_USERS", "HKU"),
    ("HKEY_CURRENT_USER", "HKCU"),
    ("HKEY_CLASSES_ROOT", "HKCR"),
    ("HKEY_CURRENT_CONFIG", "HKCC"),
];

/// A user's hive.
const USER: &str = "HKCU";

/// Keys below the root that only one hive has, and where that hive is mounted.
const CONTENTS: [(&[&str], &str); 6] = [
    (&["Select", "ControlSet001"], r"HKLM\SYSTEM"),
    (&["Microsoft", "Classes"], r"HKLM\SOFTWARE"),
    (&["Microsoft", r"Microsoft\Windows NT\CurrentVersion"], r"HKLM\SOFTWARE"),
    (&[r"SAM\Domains"], r"HKLM\SAM"),
    (&["Policy"], r"HKLM\SECURITY"),
    (&["Objects", "Description"], r"HKLM\BCD00000000"),
];
const USER_CONTENTS: [&str; 3] = ["Environment", "Control Panel", "Software"];

/// Where a hive is mounted, told by the keys below its root; `None` when they do not make it plain.
pub(crate) fn guess(hive: &Hive) -> Option<&'static str> {
    let has = |path: &str| matches!(hive.find(hive.root(), path), Ok(Some(_)));
    let mut places = CONTENTS.iter().filter(|(keys, _)| keys.iter().all(|key| has(key)));
    match places.next() {
        Some((_, place)) => places.all(|(_, other)| other == place).then_some(*place),
        None => USER_CONTENTS.iter().all(|key| has(key)).then_some(USER),
    }
}

/// True for keys of the hives that accounts and secrets are kept in.
pub(crate) fn is_secret(key: &str) -> bool {
    let (root, rest) = split_root(key);
    let hive = rest.split('\\').next().unwrap_or_default();
    root == "HKLM" && ["SAM", "SECURITY"].iter().any(|secret| hive.eq_ignore_ascii_case(secret))
}

/// The full path of a key with the root's long name.
pub(crate) fn full_name(key: &str) -> String {
    let (root, rest) = split_root(key);
    let known = ROOTS.iter().find(|(_, short)| *short == root);
    let root = known.map_or(root.as_str(), |(long, _)| long);
    if rest.is_empty() { root.to_owned() } else { format!("{root}\\{rest}") }
}

/// Reads `--mount`.
pub(super) fn parse(key: &str) -> Result<String> {
    let (root, rest) = split_root(key);
    if !ROOTS.iter().any(|(_, short)| *short == root) {
        return Err(CliError::usage(format!("--mount {key} does not begin with a root key"))
            .hint(r"such as --mount HKLM\SOFTWARE"));
    }
    Ok(if rest.is_empty() { root } else { format!("{root}\\{rest}") })
}

/// The path below the hive's root that `key` means: a full key, or one that begins with `\`.
pub(super) fn locate(hive: &Hive, mount: Option<&str>, key: &str) -> Result<String> {
    if let Some(relative) = key.strip_prefix('\\') {
        return Ok(clean(relative));
    }
    let (root, rest) = split_root(key);
    if !ROOTS.iter().any(|(_, short)| *short == root) {
        return Err(CliError::usage(format!("{key} does not begin with a root key such as HKLM"))
            .hint(format!("a key below the hive's own root begins with a backslash: \\{key}")));
    }
    let Some(mount) = mount else {
        return Err(CliError::usage("the hive's contents do not tell where it would be mounted")
            .hint(r"say so with --mount, such as --mount HKLM\SOFTWARE, or begin the key with \"));
    };
    let key = clean(&format!("{root}\\{rest}"));
    let inside = strip_key_prefix(&key, mount).map(str::to_owned).or_else(|| alias(&key, mount));
    match inside {
        Some(path) => Ok(through_current_control_set(hive, mount, path)),
        None if mount == USER && is_classes_root(&key) => {
            Err(CliError::usage("a user's classes lie in UsrClass.dat, not in NTUSER.DAT")
                .hint(r"--hive UsrClass.dat --mount HKU\<SID>_Classes"))
        }
        None => {
            Err(CliError::usage(format!("the key lies outside of {mount}, which this hive holds"))
                .hint("if the hive is another one, say which with --mount"))
        }
    }
}

/// The path of a full key, where it lies in this hive for sure.
pub(super) fn inside(hive: &Hive, mount: &str, key: &str) -> Option<String> {
    let (root, rest) = split_root(key);
    let key = clean(&format!("{root}\\{rest}"));
    let path = strip_key_prefix(&key, mount)?.to_owned();
    Some(through_current_control_set(hive, mount, path))
}

/// The other names that a hive's keys go by.
fn alias(key: &str, mount: &str) -> Option<String> {
    if mount.eq_ignore_ascii_case(r"HKLM\SOFTWARE") {
        let rest = strip_key_prefix(key, "HKCR")?;
        return Some(clean(&format!("Classes\\{rest}")));
    }
    if mount == USER {
        // HKU\<who>\...
        let below = strip_key_prefix(key, "HKU")?;
        let (who, rest) = below.split_once('\\').unwrap_or((below, ""));
        return (!who.is_empty() && !is_classes_root(key)).then(|| rest.to_owned());
    }
    None
}

/// True for `HKU\<who>_Classes` and what is below it.
fn is_classes_root(key: &str) -> bool {
    let who = strip_key_prefix(key, "HKU").and_then(|below| below.split('\\').next());
    who.is_some_and(|who| who.to_ascii_lowercase().ends_with("_classes"))
}

/// True for a path in a user's hive that Windows takes for one in `UsrClass.dat`.
pub(super) fn is_users_classes(mount: Option<&str>, path: &str) -> bool {
    mount == Some(USER) && strip_key_prefix(path, r"Software\Classes").is_some()
}

/// `CurrentControlSet` is a link that only a running system has.
fn through_current_control_set(hive: &Hive, mount: &str, path: String) -> String {
    if !mount.eq_ignore_ascii_case(r"HKLM\SYSTEM") {
        return path;
    }
    let Some(rest) = strip_key_prefix(&path, "CurrentControlSet") else { return path };
    let number = hive
        .find(hive.root(), "Select")
        .ok()
        .flatten()
        .and_then(|select| hive.value(select, "Current").ok().flatten())
        .filter(|value| value.kind == ValueType::Dword)
        .and_then(|value| <[u8; 4]>::try_from(value.data.as_slice()).ok())
        .map(u32::from_le_bytes)
        .filter(|number| (1..=999).contains(number));
    match number {
        Some(number) => clean(&format!("ControlSet{number:03}\\{rest}")),
        None => path,
    }
}

/// A key, its full name and its path, in every control set that the hive has; a key elsewhere alone.
pub(super) fn in_all_control_sets(
    hive: &Hive,
    place: &(String, String),
) -> Result<Vec<(String, String)>> {
    let is_set = |name: &str| {
        let digits = name.get(10..).unwrap_or_default();
        name.get(..10).is_some_and(|head| head.eq_ignore_ascii_case("ControlSet"))
            && digits.len() == 3
            && digits.bytes().all(|digit| digit.is_ascii_digit())
    };
    let (first, rest) = place.1.split_once('\\').unwrap_or((&place.1, ""));
    if !is_set(first) {
        return Ok(vec![place.clone()]);
    }
    let mut sets: Vec<String> = hive
        .subkeys(hive.root())?
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| is_set(name))
        .collect();
    sets.sort_by_key(|set| !set.eq_ignore_ascii_case(first));
    let path = |set: String| clean(&format!("{set}\\{rest}"));
    Ok(sets.into_iter().map(path).map(|path| (format!(r"HKLM\SYSTEM\{path}"), path)).collect())
}

/// The short name of the root in capitals, and what follows it.
fn split_root(key: &str) -> (String, String) {
    let (root, rest) = key.split_once('\\').unwrap_or((key, ""));
    let known = ROOTS
        .iter()
        .find(|(long, short)| root.eq_ignore_ascii_case(long) || root.eq_ignore_ascii_case(short));
    (known.map_or_else(|| root.to_owned(), |(_, short)| (*short).to_owned()), clean(rest))
}

fn clean(path: &str) -> String {
    if !path.starts_with('\\') && !path.ends_with('\\') && !path.contains("\\\\") {
        return path.to_owned();
    }
    let parts: Vec<&str> = path.split('\\').filter(|part| !part.is_empty()).collect();
    parts.join("\\")
}

/// What follows `prefix` in `key`, both taken apart at backslashes, in any case.
fn strip_key_prefix<'k>(key: &'k str, prefix: &str) -> Option<&'k str> {
    let head = key.get(..prefix.len())?;
    if !head.eq_ignore_ascii_case(prefix) {
        return None;
    }
    let rest = &key[prefix.len()..];
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('\\') }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system() -> Hive {
        let mut hive = Hive::create("SYSTEM", 1);
        let root = hive.root();
        hive.create_key(root, r"ControlSet002\Services", 1).unwrap();
        hive.create_key(root, "ControlSet001", 1).unwrap();
        let (select, _) = hive.create_key(root, "Select", 1).unwrap();
        hive.set_value(select, "Current", ValueType::Dword, &2u32.to_le_bytes(), 1).unwrap();
        hive
    }

    #[test]
    fn contents_tell_the_mount() {
        assert_eq!(guess(&system()), Some(r"HKLM\SYSTEM"));
        assert_eq!(guess(&Hive::create("SYSTEM", 1)), None);
    }

    #[test]
    fn keys_are_placed_below_the_mount() {
        let hive = system();
        let mount = Some(r"HKLM\SYSTEM");
        let rows = [
            (r"HKLM\SYSTEM\CurrentControlSet\Services", Some(r"ControlSet002\Services")),
            (r"HKEY_LOCAL_MACHINE\System\Select\", Some("Select")),
            (r"hklm\system", Some("")),
            (r"\ControlSet001", Some("ControlSet001")),
            (r"\", Some("")),
            (r"HKLM\SYSTEMX\a", None),
            (r"HKLM\SOFTWARE\a", None),
            ("Select", None),
        ];
        for (key, expected) in rows {
            assert_eq!(locate(&hive, mount, key).ok().as_deref(), expected, "{key}");
        }
        assert!(locate(&hive, None, r"HKLM\SYSTEM\Select").is_err());
        assert_eq!(
            locate(&hive, Some(r"HKLM\SOFTWARE"), r"HKCR\.txt").ok().as_deref(),
            Some(r"Classes\.txt")
        );
        assert_eq!(
            locate(&hive, Some("HKCU"), r"HKU\S-1-5-18\Software").ok().as_deref(),
            Some("Software")
        );
        assert!(locate(&hive, Some("HKCU"), r"HKU\S-1-5-21-1-2-3-1001_Classes\.txt").is_err());
        assert!(is_users_classes(Some("HKCU"), r"software\classes\.txt"));
        assert!(!is_users_classes(Some("HKCU"), r"Software\Classesx"));
        assert!(!is_users_classes(Some(r"HKLM\SOFTWARE"), r"Software\Classes"));
    }
}
