//! `[SourceDisksNames]` and `[SourceDisksFiles]`: where files come from.

use super::{Entry, Inf};
use crate::Architecture;

/// Where a file is, seen from its INF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Path from the INF's folder, with backslashes, such as `amd64\viostor.sys`.
    pub path: String,
    /// Path of the cabinet that may hold it instead.
    pub cabinet: Option<String>,
    /// `[SourceDisksFiles]` names it. If not, it is one of Windows (`LayoutFile`), or stands beside the INF.
    pub listed: bool,
}

impl Inf {
    /// Where a file of a package is. The sections of the architecture go first, file by file.
    #[must_use]
    pub fn source_file(&self, name: &str, architecture: Architecture) -> SourceFile {
        let Some(file) = self.by_architecture("SourceDisksFiles", architecture, name) else {
            return SourceFile { path: name.to_owned(), cabinet: None, listed: false };
        };
        let disk = self.by_architecture("SourceDisksNames", architecture, file.string(0).trim());
        let root = disk.map(|disk| disk.string(3)).unwrap_or_default();
        let tag = disk.map(|disk| disk.string(1)).unwrap_or_default();
        let cabinet = tag.to_ascii_lowercase().ends_with(".cab").then(|| join(&[&root, &tag]));
        let path = join(&[&root, &file.string(1), name]);
        SourceFile { path, cabinet, listed: true }
    }

    fn by_architecture(
        &self,
        section: &str,
        architecture: Architecture,
        key: &str,
    ) -> Option<Entry<'_>> {
        let decorated = self.entry(&format!("{section}.{architecture}"), key);
        decorated.or_else(|| self.entry(section, key))
    }
}

/// Puts a path together; `.` and empty parts go.
fn join(parts: &[&str]) -> String {
    let parts = parts.iter().flat_map(|part| part.split(['\\', '/']));
    let parts: Vec<_> =
        parts.map(str::trim).filter(|part| !part.is_empty() && *part != ".").collect();
    parts.join("\\")
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn paths_are_joined() {
        assert_eq!(join(&["", "", "a.sys"]), "a.sys");
        assert_eq!(join(&["\\x\\y\\", ".\\amd64", "a.sys"]), r"x\y\amd64\a.sys");
    }
}
