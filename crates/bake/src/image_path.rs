//! Paths inside the image, in one spelling.

/// Why a path inside the image was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// `.` or `..`, which mean nothing without a current folder.
    #[error("{path:?} holds the component {component:?}; paths inside the image are absolute")]
    Relative {
        /// As given.
        path: String,
        /// `.` or `..`.
        component: &'static str,
    },
    /// A UNC or device path.
    #[error("{path:?} does not name a file of the image")]
    Foreign {
        /// As given.
        path: String,
    },
    /// The letter of a drive that may be any volume.
    #[error("{path:?} lies on drive {drive}:, and which volume has that letter is not known")]
    Drive {
        /// As given.
        path: String,
        /// Upper case.
        drive: char,
    },
    /// Nothing but a drive or a separator where a file is meant.
    #[error("{path:?} names no file or folder")]
    Empty {
        /// As given.
        path: String,
    },
}

/// A path inside the image: its drive letter, and the rest with one backslash before each component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImagePath {
    /// Upper case, when given.
    pub(crate) drive: Option<char>,
    /// Such as `\Windows\x`; `\` for the root.
    pub(crate) path: String,
    /// It ended in a separator: a folder is meant.
    pub(crate) folder: bool,
}

impl ImagePath {
    /// Reads `C:\Windows\x`, `\Windows\x`, `/Windows/x` or `Windows/x`.
    pub(crate) fn parse(text: &str) -> Result<Self, PathError> {
        if text.starts_with("\\\\") || text.starts_with("//") {
            return Err(PathError::Foreign { path: text.to_owned() });
        }
        let mut letters = text.chars();
        let (drive, rest) = match (letters.next(), letters.next()) {
            (Some(letter), Some(':')) if letter.is_ascii_alphabetic() => {
                (Some(letter.to_ascii_uppercase()), &text[2..])
            }
            _ => (None, text),
        };
        let mut path = String::new();
        for component in rest.split(['\\', '/']).filter(|component| !component.is_empty()) {
            for relative in [".", ".."] {
                if component == relative {
                    return Err(PathError::Relative { path: text.to_owned(), component: relative });
                }
            }
            path.push('\\');
            path.push_str(component);
        }
        if path.is_empty() {
            path.push('\\');
        }
        Ok(Self { drive, path, folder: rest.ends_with(['\\', '/']) })
    }

    /// False where only a folder can be meant.
    pub(crate) fn may_name_a_file(&self) -> bool {
        !self.folder && self.path != "\\"
    }

    /// As [`ImagePath::parse`], where the root itself makes no sense.
    pub(crate) fn parse_entry(text: &str) -> Result<Self, PathError> {
        let path = Self::parse(text)?;
        if path.path == "\\" { Err(PathError::Empty { path: text.to_owned() }) } else { Ok(path) }
    }
}

/// The folder that holds `path`; `None` at the root or directly below it.
pub(crate) fn parent(path: &str) -> Option<&str> {
    path.rfind('\\').map(|at| &path[..at]).filter(|parent| !parent.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{ImagePath, PathError, parent};

    #[test]
    fn every_spelling_gives_one_path() {
        for text in ["C:\\Windows\\x", "c:/Windows/x", "\\Windows\\x", "/Windows//x", "Windows/x"] {
            assert_eq!(ImagePath::parse(text).unwrap().path, "\\Windows\\x", "{text}");
        }
        assert_eq!(ImagePath::parse("d:\\x").unwrap().drive, Some('D'));
        assert!(ImagePath::parse("C:\\Setup\\").unwrap().folder);
        assert_eq!(ImagePath::parse("C:").unwrap().path, "\\");
        assert_eq!(ImagePath::parse("x:stream").unwrap().path, "\\stream");
        assert_eq!(ImagePath::parse("xy:stream").unwrap().path, "\\xy:stream");
    }

    #[test]
    fn escaping_paths_are_refused() {
        for text in ["..\\x", "C:\\a\\..\\b", "a/./b"] {
            assert!(matches!(ImagePath::parse(text), Err(PathError::Relative { .. })), "{text}");
        }
        assert!(matches!(ImagePath::parse("\\\\host\\x"), Err(PathError::Foreign { .. })));
        assert!(matches!(ImagePath::parse_entry("C:\\"), Err(PathError::Empty { .. })));
    }

    #[test]
    fn parents_end_below_the_root() {
        assert_eq!(parent("\\a\\b"), Some("\\a"));
        assert_eq!(parent("\\a"), None);
        assert_eq!(parent("\\"), None);
    }
}
