//! The folders of a package: each has a name where it is installed, and one where the package's source has it.
//!
//! Source: "Directory Table", "File Table" (`FileName`) and "System Folder Properties" in Microsoft's Windows Installer documentation.

use std::collections::HashMap;
use std::rc::Rc;

use super::database::Database;
use crate::error::Error;
use crate::limits::Limits;
use crate::name::{self, Reason};

/// Which of a folder's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Side {
    /// Where it is installed, long.
    Target,
    /// Where the source has it, long.
    Source,
    /// Where the source has it, when that was made with short names.
    ShortSource,
}

/// Folders that Windows gives a place: without a name of their own they are shown under their key.
const SYSTEM: &[&str] = &[
    "AdminToolsFolder",
    "AppDataFolder",
    "CommonAppDataFolder",
    "CommonFiles64Folder",
    "CommonFilesFolder",
    "DesktopFolder",
    "FavoritesFolder",
    "FontsFolder",
    "LocalAppDataFolder",
    "MyPicturesFolder",
    "NetHoodFolder",
    "PersonalFolder",
    "PrintHoodFolder",
    "ProgramFiles64Folder",
    "ProgramFilesFolder",
    "ProgramMenuFolder",
    "RecentFolder",
    "SendToFolder",
    "StartMenuFolder",
    "StartupFolder",
    "System16Folder",
    "System64Folder",
    "SystemFolder",
    "TempFolder",
    "TemplateFolder",
    "WindowsFolder",
    "WindowsVolume",
];

/// The name that a file or folder has on a side: `short|long`.
pub(super) fn file_name(text: &str, side: Side) -> &str {
    match text.split_once('|') {
        Some((short, _)) if side == Side::ShortSource => short,
        Some((_, long)) => long,
        None => text,
    }
}

/// The name of a folder on a side: `target:source`.
fn folder_name(text: &str, side: Side) -> &str {
    let text = match text.split_once(':') {
        Some((target, _)) if side == Side::Target => target,
        Some((_, source)) => source,
        None => text,
    };
    file_name(text, side)
}

/// The folders of a package by key.
pub(super) struct Folders {
    /// Parent and name.
    rows: HashMap<u32, (u32, u32)>,
    paths: HashMap<(u32, Side), Result<Rc<str>, Reason>>,
    /// Bytes of all paths that were made.
    pub bytes: u64,
}

impl Folders {
    pub fn read(database: &mut Database<'_>) -> Result<Self, Error> {
        let table =
            database.table("Directory", &["Directory", "Directory_Parent", "DefaultDir"])?;
        let mut rows = HashMap::new();
        if let Some(table) = table {
            for row in 0..table.rows {
                let [key, parent, name] = [0, 1, 2].map(|column| table.string(row, column));
                rows.entry(key).or_insert((parent, name));
            }
        }
        Ok(Self { rows, paths: HashMap::new(), bytes: 0 })
    }

    /// The path of a folder from the root, which is the empty path.
    pub fn path(
        &mut self,
        database: &Database<'_>,
        key: u32,
        side: Side,
    ) -> Result<Rc<str>, Reason> {
        if let Some(path) = self.paths.get(&(key, side)) {
            return path.clone();
        }
        let path = self.walk(database, key, side).map(Rc::from);
        self.bytes += path.as_deref().map_or(0, str::len) as u64;
        self.paths.insert((key, side), path.clone());
        path
    }

    fn walk(&self, database: &Database<'_>, key: u32, side: Side) -> Result<String, Reason> {
        let mut names = Vec::new();
        let mut next = key;
        for _ in 0..=Limits::DEPTH {
            let Some((parent, name)) = self.rows.get(&next).copied() else {
                return Err(Reason::Missing);
            };
            // The root's name is not a folder's: it stands for where all is installed, or comes from.
            if parent == 0 || parent == next {
                names.reverse();
                return Ok(names.join("/"));
            }
            let text = database.text(name).ok_or(Reason::Undecodable)?;
            match folder_name(&text, side) {
                "." => {
                    let key = database.text(next).filter(|key| SYSTEM.contains(&key.as_str()));
                    names.extend(key.filter(|_| side == Side::Target));
                }
                name => {
                    name::component(name)?;
                    names.push(name.to_owned());
                }
            }
            next = parent;
        }
        Err(Reason::TooLong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_sides_and_lengths() {
        use Side::{ShortSource, Source, Target};
        for (text, target, source, short) in [
            ("bin", "bin", "bin", "bin"),
            ("PROGRA~1|Program Files", "Program Files", "Program Files", "PROGRA~1"),
            ("a|long a:b|long b", "long a", "long b", "b"),
            (".:SRC|source", ".", "source", "SRC"),
            ("x:.", "x", ".", "."),
        ] {
            assert_eq!(folder_name(text, Target), target, "{text}");
            assert_eq!(folder_name(text, Source), source, "{text}");
            assert_eq!(folder_name(text, ShortSource), short, "{text}");
        }
    }
}
