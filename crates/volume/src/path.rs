//! Paths inside a volume.
//!
//! `C:\Windows\x`, `\Windows\x`, `/Windows/x` and `Windows/x` are the same. `file.txt:stream` names an alternate data
//! stream. The empty path is the root folder. `.` and `..` are refused.

use crate::VolumeError;

/// A path taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VolumePath {
    /// The path as it was given, for messages.
    pub(crate) given: String,
    /// Names from the root down.
    pub(crate) components: Vec<String>,
    /// The alternate data stream; `None` for the unnamed one.
    pub(crate) stream: Option<String>,
}

impl VolumePath {
    /// Takes a path apart.
    pub(crate) fn parse(given: &str) -> Result<Self, VolumeError> {
        let bad = |reason| Err(VolumeError::BadPath { path: given.to_owned(), reason });
        let path = given.strip_prefix(r"\\?\").unwrap_or(given);
        let path = match path.as_bytes() {
            [letter, b':'] if letter.is_ascii_alphabetic() => "",
            [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic() => &path[2..],
            _ => path,
        };
        let mut components: Vec<String> =
            path.split(['\\', '/']).filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let mut stream = None;
        if let Some(last) = components.last_mut()
            && let Some((file, named)) = last.split_once(':')
        {
            let named = match named.rsplit_once(':') {
                Some((name, kind)) if kind.eq_ignore_ascii_case("$DATA") => name,
                Some(_) => return bad("only $DATA streams can be named"),
                None => named,
            };
            if named.is_empty() && !last.contains("::") {
                return bad("the stream's name is empty");
            }
            if file.is_empty() {
                return bad("a stream needs a file");
            }
            stream = Some(named.to_owned()).filter(|named| !named.is_empty());
            *last = file.to_owned();
        }
        for component in &components {
            match component.as_str() {
                "." | ".." => return bad("it may not hold . or .."),
                name if name.contains(':') => return bad("a folder has no stream"),
                name if name.contains('\0') => return bad("it holds a NUL"),
                _ => {}
            }
        }
        Ok(Self { given: given.to_owned(), components, stream })
    }

    /// The folder a path stands in and its last name; `None` for the root.
    pub(crate) fn split(&self) -> Option<(&[String], &str)> {
        self.components.split_last().map(|(last, folders)| (folders, last.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, components: &[&str], stream: Option<&str>) {
        let parsed = VolumePath::parse(path).unwrap();
        assert_eq!(parsed.components, components, "{path}");
        assert_eq!(parsed.stream.as_deref(), stream, "{path}");
    }

    #[test]
    fn paths_come_apart() {
        for path in [
            r"C:\Windows\x",
            r"\Windows\x",
            "/Windows/x",
            "Windows/x",
            r"\\?\C:\Windows\x",
            r"c:/Windows\\x\",
        ] {
            check(path, &["Windows", "x"], None);
        }
        for root in ["", "/", "\\", "C:", "d:\\"] {
            check(root, &[], None);
        }
        check(r"C:\a.txt:s", &["a.txt"], Some("s"));
        check("a::$DATA", &["a"], None);
        check("a:s:$data", &["a"], Some("s"));
        check("a:stream", &["a"], Some("stream"));
    }

    #[test]
    fn odd_paths_are_refused() {
        for path in
            ["..", r"a\..\b", "./a", "ab:", "a:b:$INDEX_ROOT", ":s", r"a:s\b", "a\0b", r"C:\:x"]
        {
            assert!(
                matches!(VolumePath::parse(path), Err(VolumeError::BadPath { .. })),
                "{path:?}"
            );
        }
    }
}
