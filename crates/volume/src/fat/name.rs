//! Names: which are allowed, and which are the same.

use super::FatError;
use super::directory::Node;

/// UTF-16 units of the longest name.
const UNITS_MAX: usize = 255;
/// Names of devices, with any extension, that Win32 does not open as files.
const DEVICES: [&str; 4] = ["CON", "PRN", "AUX", "NUL"];

/// Checks the name of a new file or folder.
pub(super) fn check(name: &str) -> Result<(), FatError> {
    let bad = |reason| Err(FatError::NameNotAllowed { name: name.to_owned(), reason });
    if name.is_empty() {
        return bad("it is empty");
    }
    if name.encode_utf16().count() > UNITS_MAX {
        return bad("it is longer than 255 characters");
    }
    if name.contains(|c: char| c.is_ascii_control() || "\"*/:<>?\\|".contains(c)) {
        return bad("it holds a character that Windows does not allow");
    }
    if name.ends_with(['.', ' ']) {
        return bad("it ends with a dot or a space");
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let port = stem.get(..3).is_some_and(|head| {
        ["COM", "LPT"].iter().any(|port| head.eq_ignore_ascii_case(port))
            && matches!(stem.as_bytes()[3..], [b'1'..=b'9'])
    });
    if port || DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device)) {
        return bad("it is the name of a device");
    }
    Ok(())
}

/// The node of a name, letters of either case: by its long name, else by its 8.3 name.
pub(super) fn find(nodes: Vec<Node>, name: &str) -> Option<Node> {
    let wanted = folded(name);
    let at = nodes.iter().position(|node| folded(&node.name) == wanted).or_else(|| {
        nodes.iter().position(|node| {
            node.short_name.as_deref().is_some_and(|short| folded(short) == wanted)
        })
    })?;
    nodes.into_iter().nth(at)
}

/// A name with its letters in upper case, one for one as Windows folds them.
fn folded(name: &str) -> String {
    name.chars()
        .map(|c| {
            let mut upper = c.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(single), None) => single,
                _ => c,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["BCD", "bootmgfw.efi", "a b.txt", "\u{444}", "COM0", "COMMA", "CONSOLE", ".x"]
        {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in ["", "a:b", "a\\b", "a?", "x.", "x ", "con", "NUL.txt", "com1", "LPT9.x", "a\n"]
        {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check(&"x".repeat(255)).is_ok() && check(&"x".repeat(256)).is_err());
    }
}
