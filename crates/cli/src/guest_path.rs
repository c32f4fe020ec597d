//! Paths inside the image, as far as destinations need them taken apart.

use std::path::Path;

use crate::error::{CliError, Result};

/// Folders below folders, which bounds a walk over a damaged volume. Paths of 32767 letters hold half as many names.
pub(crate) const LEVELS_MAX: usize = 16_384;

/// The last component of a path; `None` for the root folder.
pub(crate) fn base_name(path: &str) -> Option<&str> {
    strip_drive(path).rsplit(['\\', '/']).find(|part| !part.is_empty())
}

/// True when the path can only mean a folder: it ends with a separator or is the root.
pub(crate) fn names_a_folder(path: &str) -> bool {
    path.ends_with(['\\', '/']) || base_name(path).is_none()
}

/// The folder of a path; the root for a path of one component.
pub(crate) fn parent(path: &str) -> &str {
    let trimmed = path.trim_end_matches(['\\', '/']);
    let end =
        trimmed.rfind(['\\', '/']).unwrap_or_else(|| trimmed.len() - strip_drive(trimmed).len());
    let head = &trimmed[..end];
    if strip_drive(head).is_empty() { "\\" } else { head }
}

/// Puts a name below a folder.
pub(crate) fn join(folder: &str, name: &str) -> String {
    format!("{}\\{name}", folder.trim_end_matches(['\\', '/']))
}

/// A path in one spelling: `\Windows\x`.
pub(crate) fn normal(path: &str) -> String {
    let mut text = String::new();
    for part in strip_drive(path).split(['\\', '/']).filter(|part| !part.is_empty()) {
        text.push('\\');
        text.push_str(part);
    }
    if text.is_empty() { "\\".to_owned() } else { text }
}

/// The last component of a host path as a name inside the image.
pub(crate) fn name_of_host(path: &Path) -> Result<String> {
    let name = path.file_name().ok_or_else(|| {
        CliError::usage(format!("{} has no name that the copy could take", path.display()))
    })?;
    let name = name.to_str().ok_or_else(|| {
        CliError::failed(format!("the name of {} is not UTF-8 text", path.display()))
    })?;
    if name.contains(['\\', ':']) {
        return Err(CliError::failed(format!(
            "{} has a name that Windows does not allow",
            path.display()
        ))
        .hint("give the name that the copy should have"));
    }
    Ok(name.to_owned())
}

/// A name of the image as the name of a host file, when it can be one and stays in its folder.
pub(crate) fn safe_host_name(name: &str) -> Option<&str> {
    let unsafe_name = name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']);
    (!unsafe_name).then_some(name)
}

fn strip_drive(path: &str) -> &str {
    let mut chars = path.chars();
    match (chars.next(), chars.next()) {
        (Some(letter), Some(':'))
            if letter.is_ascii_alphabetic() && is_separator(chars.clone().next()) =>
        {
            chars.as_str()
        }
        _ => path,
    }
}

fn is_separator(next: Option<char>) -> bool {
    matches!(next, None | Some('\\' | '/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_apart() {
        let rows = [
            (r"C:\Windows\x", Some("x"), r"C:\Windows", r"\Windows\x", false),
            ("/Windows/x/", Some("x"), "/Windows", r"\Windows\x", true),
            ("x", Some("x"), r"\", r"\x", false),
            (r"C:\x", Some("x"), r"\", r"\x", false),
            (r"C:\", None, r"\", r"\", true),
            ("C:", None, r"\", r"\", true),
            ("", None, r"\", r"\", true),
            ("a:stream", Some("a:stream"), r"\", r"\a:stream", false),
        ];
        for (path, name, folder, spelt, is_folder) in rows {
            assert_eq!(base_name(path), name, "{path:?}");
            assert_eq!(parent(path), folder, "{path:?}");
            assert_eq!(normal(path), spelt, "{path:?}");
            assert_eq!(names_a_folder(path), is_folder, "{path:?}");
        }
    }

    #[test]
    fn a_name_of_the_image_never_leaves_its_folder_on_the_host() {
        for name in ["", ".", "..", "../x", "/etc/passwd", "a\0b"] {
            assert_eq!(safe_host_name(name), None, "{name:?}");
        }
        assert_eq!(safe_host_name("..x"), Some("..x"));
    }
}
