//! Names that mean the same file below the root, on every system, or none.

use std::fmt;

/// Why a file or folder of an archive is left out of its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// No name at all.
    Empty,
    /// A path from the root of a system.
    Absolute,
    /// A step out of the folder.
    Parent,
    /// A drive letter or a stream: a colon.
    Colon,
    /// The name of a device, which Windows opens in every folder.
    Device,
    /// A dot or a space at the end, which Windows takes away.
    TrailingDotOrSpace,
    /// A character that no Windows name has.
    Character,
    /// Text that cannot be decoded.
    Undecodable,
    /// A longer name than Windows has, or folders too deep.
    TooLong,
    /// A second file of this name.
    Duplicate,
    /// A file that would lie in another file.
    BelowFile,
    /// A symbolic link out of the tree, to nothing, to itself or to a folder around it.
    Link,
    /// Neither file nor folder nor link: a device, a socket.
    Special,
    /// Contents packed or encrypted in a way that is not read here.
    Unsupported,
    /// Contents or a folder that is neither in the package nor beside it.
    Missing,
    /// A folder or file that the host does not let us read.
    Unreadable,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it has no name",
            Self::Absolute => "its path is absolute",
            Self::Parent => "its path leads out of the folder",
            Self::Colon => "its name has a drive letter or a stream",
            Self::Device => "its name is that of a device",
            Self::TrailingDotOrSpace => "its name ends in a dot or a space",
            Self::Character => "its name has a character that Windows does not allow",
            Self::Undecodable => "its name cannot be decoded",
            Self::TooLong => "its name is too long or its folder too deep",
            Self::Duplicate => "another file has its name",
            Self::BelowFile => "it would lie in a file",
            Self::Link => "it is a link to nothing inside",
            Self::Special => "it is neither file nor folder",
            Self::Unsupported => "it is packed or encrypted in a way that is not supported",
            Self::Missing => "its contents are neither in the package nor beside it",
            Self::Unreadable => "it cannot be read",
        })
    }
}

/// Characters of a name: NTFS and Joliet count UTF-16 units.
const NAME_MAX: usize = 255;

const DEVICES: &[&str] = &["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// Judges one component of a path.
///
/// Source: "Naming Files, Paths, and Namespaces" in Microsoft's Win32 documentation.
pub(crate) fn component(name: &str) -> Result<(), Reason> {
    if name.is_empty() {
        return Err(Reason::Empty);
    }
    if name == ".." {
        return Err(Reason::Parent);
    }
    if name.contains(':') {
        return Err(Reason::Colon);
    }
    if name.chars().any(|c| c < ' ' || c == '\u{7f}' || "/\\<>\"|?*".contains(c)) {
        return Err(Reason::Character);
    }
    if name.ends_with(['.', ' ']) {
        return Err(Reason::TrailingDotOrSpace);
    }
    if name.encode_utf16().count() > NAME_MAX {
        return Err(Reason::TooLong);
    }
    let stem = name.split('.').next().unwrap_or(name).trim_end_matches(' ').to_ascii_uppercase();
    let numbered = ["COM", "LPT"].iter().any(|device| {
        stem.strip_prefix(device).is_some_and(|rest| {
            rest.chars().count() == 1 && rest.contains(|c| "123456789¹²³".contains(c))
        })
    });
    if numbered || DEVICES.contains(&stem.as_str()) {
        return Err(Reason::Device);
    }
    Ok(())
}

/// A path of an archive as components joined by `/`, or why there is none. `separators` are the characters that part components.
pub(crate) fn path(raw: &str, separators: &[char]) -> Result<String, Reason> {
    if raw.starts_with(separators) {
        return Err(Reason::Absolute);
    }
    let mut clean = String::with_capacity(raw.len());
    for (depth, name) in
        raw.split(separators).filter(|name| !name.is_empty() && *name != ".").enumerate()
    {
        component(name)?;
        if depth >= crate::Limits::DEPTH {
            return Err(Reason::TooLong);
        }
        if !clean.is_empty() {
            clean.push('/');
        }
        clean.push_str(name);
    }
    if clean.is_empty() { Err(Reason::Empty) } else { Ok(clean) }
}

/// The form in which names are compared: Windows tells no case.
pub(crate) fn folded(path: &str) -> String {
    path.chars().flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_archives_are_judged() {
        let long = "a".repeat(256);
        for (raw, expected) in [
            ("a/b.sys", Ok("a/b.sys")),
            ("./a//b/", Ok("a/b")),
            ("a\\b", Ok("a/b")),
            ("", Err(Reason::Empty)),
            ("./", Err(Reason::Empty)),
            ("/etc/passwd", Err(Reason::Absolute)),
            ("\\\\server\\share", Err(Reason::Absolute)),
            ("a/../b", Err(Reason::Parent)),
            ("C:\\x", Err(Reason::Colon)),
            ("a.sys:stream", Err(Reason::Colon)),
            ("a/nul", Err(Reason::Device)),
            ("a/Aux.inf", Err(Reason::Device)),
            ("com1.x.y", Err(Reason::Device)),
            ("com¹", Err(Reason::Device)),
            ("lpt9 .txt", Err(Reason::Device)),
            ("com10.inf", Ok("com10.inf")),
            ("console.inf", Ok("console.inf")),
            ("a./b", Err(Reason::TrailingDotOrSpace)),
            ("... ", Err(Reason::TrailingDotOrSpace)),
            ("a?b", Err(Reason::Character)),
            ("a\0b", Err(Reason::Character)),
            (long.as_str(), Err(Reason::TooLong)),
        ] {
            assert_eq!(path(raw, &['/', '\\']).as_deref(), expected.as_ref().copied(), "{raw:?}");
        }
    }
}
