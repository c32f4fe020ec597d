//! The value of `$REPARSE_POINT`: a tag, a length, data.
//!
//! Source: [MS-FSCC] 2.1.2, "Reparse Points".

use crate::bytes;

/// Longest value in bytes.
///
/// Source: `MAXIMUM_REPARSE_DATA_BUFFER_SIZE` of the Windows SDK.
pub(crate) const BYTES_MAX: usize = 16 << 10;
/// Bytes before the data: tag, length, two reserved bytes.
const HEAD: usize = 8;
const SYMBOLIC_LINK: u32 = 0xa000_000c;
const MOUNT_POINT: u32 = 0xa000_0003;
/// Flag of a symbolic link: the target counts from the folder that holds the link.
const RELATIVE: u32 = 1;
/// What stands before a path of the system's own naming.
const SYSTEM_PREFIX: &str = r"\??\";

/// What kind of link a reparse point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// A symbolic link; `relative` when the target counts from the folder that holds the link, or from the volume's root.
    Symbolic {
        /// The target counts from here.
        relative: bool,
    },
    /// A mount point: a junction to a folder, or a volume mounted in a folder.
    Junction,
}

/// A symbolic link or a junction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Which of them.
    pub kind: LinkKind,
    /// The target as the system follows it, such as `\??\C:\x` or `..\x`. Unpaired surrogates become U+FFFD.
    pub substitute: String,
    /// The target as it is shown; may be empty.
    pub shown: String,
}

/// A reparse point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReparsePoint {
    /// A link.
    Link(Link),
    /// Something else: WOF, deduplication, cloud files, WSL and so on.
    Other {
        /// The tag.
        tag: u32,
    },
}

impl Link {
    /// A link to `target`: with a drive letter (`C:\x`), on a share (`\\server\share\x`), from the root (`\x`) or, for symbolic links,
    /// from the folder of the link (`..\x`). `/` counts as `\`. `None` when the target does not suit the kind, or is too long.
    ///
    /// Source: `CreateSymbolicLink` in the Windows SDK's documentation; [MS-FSCC] 2.1.2.4 and 2.1.2.5.
    #[must_use]
    pub fn to(target: &str, junction: bool) -> Option<Self> {
        let shown = target.replace('/', "\\");
        let system = |path: &str| format!("{SYSTEM_PREFIX}{path}");
        let bytes = shown.as_bytes();
        let drive = matches!(bytes, [letter, b':', b'\\', ..] if letter.is_ascii_alphabetic());
        let (substitute, relative) = if shown.starts_with(SYSTEM_PREFIX) {
            (shown.clone(), false)
        } else if let Some(path) = shown.strip_prefix(r"\\?\") {
            (system(path), false)
        } else if let Some(path) = shown.strip_prefix(r"\\") {
            (system(&format!(r"UNC\{path}")), false)
        } else if drive {
            (system(&shown), false)
        } else {
            (shown.clone(), true)
        };
        let shown = shown.strip_prefix(SYSTEM_PREFIX).unwrap_or(&shown).to_owned();
        // A drive's current folder is nobody's here.
        let by_current =
            matches!(bytes, [letter, b':', ..] if letter.is_ascii_alphabetic()) && !drive;
        let named = !shown.is_empty() && !shown.contains('\0') && !by_current;
        let foreign = substitute.starts_with(r"\??\UNC\");
        let kind = if junction { LinkKind::Junction } else { LinkKind::Symbolic { relative } };
        let link = Self { kind, substitute, shown };
        let suits = named && !(junction && (relative || foreign));
        (suits && link.to_bytes().len() <= BYTES_MAX).then_some(link)
    }

    /// The target as people write it: as it is shown, or else without the system's prefix.
    #[must_use]
    pub fn target(&self) -> &str {
        match self.shown.as_str() {
            "" => self.substitute.strip_prefix(SYSTEM_PREFIX).unwrap_or(&self.substitute),
            shown => shown,
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let units = |text: &str| bytes::utf16_bytes(&text.encode_utf16().collect::<Vec<_>>());
        let (substitute, shown) = (units(&self.substitute), units(&self.shown));
        // Windows writes the shown name of a symbolic link first, that of a junction last, both of a junction's with a NUL behind.
        let (tag, flags, order) = match self.kind {
            LinkKind::Symbolic { relative } => {
                let flags = if relative { RELATIVE } else { 0 };
                (SYMBOLIC_LINK, Some(flags), [shown.len(), 0])
            }
            LinkKind::Junction => (MOUNT_POINT, None, [0, substitute.len() + 2]),
        };
        let [substitute_at, shown_at] = order;
        let mut data = Vec::new();
        for number in [substitute_at, substitute.len(), shown_at, shown.len()] {
            data.extend((number.min(usize::from(u16::MAX)) as u16).to_le_bytes());
        }
        match flags {
            Some(flags) => {
                data.extend(flags.to_le_bytes());
                data.extend([shown, substitute].concat());
            }
            None => data.extend([&substitute[..], &[0, 0], &shown, &[0, 0]].concat()),
        }
        let mut value = tag.to_le_bytes().to_vec();
        value.extend((data.len().min(usize::from(u16::MAX)) as u16).to_le_bytes());
        value.extend([0, 0]);
        value.extend(data);
        value
    }
}

impl ReparsePoint {
    /// Takes a value apart; the error says what is wrong.
    pub(crate) fn parse(value: &[u8]) -> Result<Self, &'static str> {
        let tag = bytes::u32_at(value, 0).ok_or("cut short")?;
        let length = usize::from(bytes::u16_at(value, 4).ok_or("cut short")?);
        let (symbolic, head) = match tag {
            SYMBOLIC_LINK => (true, 12),
            MOUNT_POINT => (false, 8),
            tag => return Ok(Self::Other { tag }),
        };
        let data = bytes::slice_at(value, HEAD, length).ok_or("data pass the end")?;
        let field = |at| bytes::u16_at(data, at).map(usize::from).ok_or("a link is cut short");
        let name = |at| {
            let (start, length) = (field(at)?, field(at + 2)?);
            let name =
                bytes::slice_at(data, head + start, length).ok_or("a name passes the end")?;
            Ok(String::from_utf16_lossy(&bytes::utf16_units(name)))
        };
        let kind = if symbolic {
            let flags = bytes::u32_at(data, 8).ok_or("a link is cut short")?;
            LinkKind::Symbolic { relative: flags & RELATIVE != 0 }
        } else {
            LinkKind::Junction
        };
        Ok(Self::Link(Link { kind, substitute: name(0)?, shown: name(4)? }))
    }

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> u32 {
        match self {
            Self::Link(Link { kind: LinkKind::Symbolic { .. }, .. }) => SYMBOLIC_LINK,
            Self::Link(Link { kind: LinkKind::Junction, .. }) => MOUNT_POINT,
            Self::Other { tag } => *tag,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_become_what_windows_writes() {
        for (target, junction, substitute, shown) in [
            (r"C:\a b", false, r"\??\C:\a b", r"C:\a b"),
            ("c:/x/", true, r"\??\c:\x\", r"c:\x\"),
            (r"\\server\share\x", false, r"\??\UNC\server\share\x", r"\\server\share\x"),
            (r"..\x", false, r"..\x", r"..\x"),
            ("/Windows", false, r"\Windows", r"\Windows"),
            (r"\\?\Volume{0}\x", true, r"\??\Volume{0}\x", r"\\?\Volume{0}\x"),
            (r"\??\D:\x", true, r"\??\D:\x", r"D:\x"),
        ] {
            let link = Link::to(target, junction).unwrap();
            assert_eq!((&*link.substitute, &*link.shown), (substitute, shown), "{target}");
            let parsed = ReparsePoint::parse(&link.to_bytes()).unwrap();
            assert_eq!(parsed, ReparsePoint::Link(link), "{target}");
        }
        for (target, junction) in [
            ("", false),
            ("x", true),
            (r"\x", true),
            (r"\\s\x", true),
            ("C:x", false),
            ("C:", true),
            ("a\0", false),
        ] {
            assert_eq!(Link::to(target, junction), None, "{target}");
        }
        assert_eq!(Link::to(&"x".repeat(5000), false), None);
    }

    #[test]
    fn links_that_are_cut_short_are_refused() {
        let whole = Link::to(r"C:\x", false).unwrap().to_bytes();
        for length in 0..whole.len() {
            assert!(ReparsePoint::parse(&whole[..length]).is_err(), "{length}");
        }
        let other = [0x17, 0, 0, 0x80, 0, 0, 0, 0];
        assert_eq!(ReparsePoint::parse(&other), Ok(ReparsePoint::Other { tag: 0x8000_0017 }));
    }
}
