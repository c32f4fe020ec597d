//! Following links inside the volume.
//!
//! Source: [MS-FSCC] 2.1.2.4 and 2.1.2.5; `CreateFile` in the Windows SDK's documentation for the limit.

use std::collections::VecDeque;

use super::data::{Link, LinkKind, ReparsePoint};
use crate::{Error, FileReference, core::Core, mft};

/// Links that one path may lead through.
const LINKS_MAX: usize = 63;
/// Names of a path: 32,767 units with a separator each.
const NAMES_MAX: usize = 16384;

/// Where a path leads when links are followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The names from the root down, none of them a link that was to be followed.
    pub names: Vec<String>,
    /// The file; `None` when it does not exist.
    pub file: Option<FileReference>,
}

impl Core {
    /// Follows a path from the root through symbolic links and junctions; `drives` are the letters that mean this volume.
    pub(crate) fn resolve(
        &mut self,
        path: &str,
        drives: &[char],
        last_too: bool,
    ) -> Result<Resolved, Error> {
        let root = self.reference(mft::ROOT)?;
        let mut todo: VecDeque<String> =
            path.split(['\\', '/']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let mut done: Vec<(String, FileReference)> = Vec::new();
        let mut links = 0;
        // Each turn takes one name; links, which add some, are counted.
        while let Some(name) = todo.pop_front() {
            let here = done.last().map_or(root, |(_, folder)| *folder);
            let missing = |name, todo: VecDeque<String>| {
                let names = done.iter().map(|(name, _)| name.clone());
                Resolved { names: names.chain([name]).chain(todo).collect(), file: None }
            };
            if !self.base_record(here)?.is_directory() {
                return Ok(missing(name, todo));
            }
            let units: Vec<u16> = name.encode_utf16().collect();
            let Some((file, found)) = self.lookup(here, &units)? else {
                return Ok(missing(name, todo));
            };
            let spelt = String::from_utf16_lossy(&found.name);
            let followed = !todo.is_empty() || last_too;
            match self.reparse_point(file.record())? {
                Some(ReparsePoint::Link(link)) if followed => {
                    links += 1;
                    if links > LINKS_MAX {
                        return Err(Error::TooManyLevels {
                            path: path.to_owned(),
                            most: LINKS_MAX,
                        });
                    }
                    let target = self.target(&link, &spelt, drives)?;
                    if target.from_root {
                        done.clear();
                    }
                    for name in target.names.iter().rev() {
                        todo.push_front(name.clone());
                    }
                    done.truncate(done.len().saturating_sub(target.up));
                    if todo.len() + done.len() > NAMES_MAX {
                        return Err(Error::TooManyLevels {
                            path: path.to_owned(),
                            most: LINKS_MAX,
                        });
                    }
                }
                _ => done.push((spelt, file)),
            }
        }
        let file = Some(done.last().map_or(root, |(_, file)| *file));
        Ok(Resolved { names: done.into_iter().map(|(name, _)| name).collect(), file })
    }

    /// Takes a link's target apart, which must lie on this volume.
    fn target(&self, link: &Link, name: &str, drives: &[char]) -> Result<Target, Error> {
        let leaves =
            || Error::LeavesVolume { link: name.to_owned(), target: link.target().to_owned() };
        let relative = link.kind == LinkKind::Symbolic { relative: true };
        if relative {
            let from_root = link.substitute.starts_with('\\');
            // A share, or a name of the system's own.
            if link.substitute.starts_with(r"\\") || link.substitute.starts_with(r"\??\") {
                return Err(leaves());
            }
            return Ok(Target::parse(&link.substitute, from_root));
        }
        let path = link.substitute.strip_prefix(r"\??\").ok_or_else(leaves)?;
        let mut letters = path.chars();
        let (drive, colon) = (letters.next(), letters.next());
        let here = drive
            .is_some_and(|letter| drives.iter().any(|known| known.eq_ignore_ascii_case(&letter)));
        let rest = letters.as_str();
        if colon != Some(':') || !here || !(rest.is_empty() || rest.starts_with('\\')) {
            return Err(leaves());
        }
        Ok(Target::parse(rest, true))
    }
}

/// A target: so many folders up, or from the root, then these names.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    from_root: bool,
    up: usize,
    names: Vec<String>,
}

impl Target {
    /// `..` takes the name before it away, as Windows does before it looks anything up; the root has nothing above it.
    fn parse(path: &str, from_root: bool) -> Self {
        let (mut up, mut names) = (0, Vec::new());
        for name in path.split(['\\', '/']).filter(|name| !name.is_empty() && *name != ".") {
            if name != ".." {
                names.push(name.to_owned());
            } else if names.pop().is_none() && !from_root {
                up += 1;
            }
        }
        Self { from_root, up, names }
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn targets_are_normal_before_they_are_followed() {
        for (path, from_root, up, names) in [
            (r"..\..\a", false, 2, "a"),
            (r".\a\..\b\", false, 0, "b"),
            (r"a\..\..\b", false, 1, "b"),
            (r"\..\a", true, 0, "a"),
            ("", false, 0, ""),
        ] {
            let parsed = Target::parse(path, from_root);
            assert_eq!((parsed.up, &*parsed.names.join("\\")), (up, names), "{path}");
        }
    }
}
