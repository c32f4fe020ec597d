//! `CopyFiles`.
//!
//! Source: "INF CopyFiles directive", "INF DestinationDirs section".

use super::super::{Destination, Entry, Inf, InfError, SourceFile};
use super::lookup::Lookup;
use crate::Architecture;

/// A file to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCopy {
    /// The INF that asks for it.
    pub file: String,
    /// The line that asks for it, from 1.
    pub line: u32,
    /// Where it goes.
    pub destination: Destination,
    /// Its name there.
    pub name: String,
    /// Its name in the package.
    pub source_name: String,
    /// Where it is in the package.
    pub source: SourceFile,
    /// `COPYFLG_*`.
    pub flags: u32,
    /// Security descriptor as SDDL, when it does not inherit one.
    pub security: Option<String>,
}

impl FileCopy {
    /// `COPYFLG_NO_OVERWRITE`: a file that is there stays.
    #[must_use]
    pub fn keeps_existing(&self) -> bool {
        self.flags & 0x10 != 0
    }

    /// `COPYFLG_REPLACEONLY`: only where the file is there already.
    #[must_use]
    pub fn replaces_only(&self) -> bool {
        self.flags & 0x400 != 0
    }

    /// `COPYFLG_NO_VERSION_DIALOG` or `COPYFLG_OVERWRITE_OLDER_ONLY`: a newer file that is there stays.
    #[must_use]
    pub fn keeps_newer(&self) -> bool {
        self.flags & 0x60 != 0
    }
}

/// Lists the files of a `CopyFiles` directive. `root` is the INF that is installed: its `DefaultDestDir` holds for the INFs it
/// includes too.
pub(super) fn copy_files<'a>(
    directive: &Entry<'a>,
    root: &Inf,
    architecture: Architecture,
    lookup: &mut Lookup<'a>,
) -> Result<Vec<FileCopy>, InfError> {
    let inf = directive.inf();
    let default = match root.default_destination()? {
        Some(destination) => destination,
        None => inf.default_destination()?.unwrap_or_else(Destination::system),
    };
    let mut files = Vec::new();
    for list in directive.strings() {
        if let Some(name) = list.strip_prefix('@') {
            lookup.take(directive)?;
            let name = name.trim().to_owned();
            files.push(FileCopy {
                file: inf.name().to_owned(),
                line: directive.line(),
                destination: default.clone(),
                source: inf.source_file(&name, architecture),
                source_name: name.clone(),
                name,
                flags: 0,
                security: None,
            });
            continue;
        }
        let Some(inf) = lookup.section(directive, &list)? else { continue };
        let destination = inf.own_destination(&list)?.unwrap_or_else(|| default.clone());
        let security = security(inf, &list);
        for entry in inf.entries(&list) {
            lookup.take(&entry)?;
            let Some((name, source_name)) = names(&entry) else { continue };
            let at = usize::from(entry.localized_key().is_none());
            files.push(FileCopy {
                file: inf.name().to_owned(),
                line: entry.line(),
                destination: destination.clone(),
                source: inf.source_file(&source_name, architecture),
                name,
                source_name,
                flags: entry.number(at + 2, "flags of a file to copy")?.unwrap_or(0),
                security: security.clone(),
            });
        }
    }
    Ok(files)
}

/// The names of a file at its destination and in its package.
fn names(entry: &Entry<'_>) -> Option<(String, String)> {
    // `x.sys=1` is an entry of [SourceDisksFiles] that got into the wrong list; its name is still the key.
    let (name, source) = match entry.localized_key() {
        Some(key) => (key.text, None),
        None => (entry.optional(0)?, entry.optional(1)),
    };
    let source = source.unwrap_or_else(|| name.clone());
    Some((name, source))
}

/// The descriptor in `[list.security]`.
pub(super) fn security(inf: &Inf, list: &str) -> Option<String> {
    let entry = inf.entries(&format!("{list}.security")).next()?;
    entry.optional(0)
}
