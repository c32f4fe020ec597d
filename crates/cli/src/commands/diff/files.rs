//! Which files and folders differ, volume by volume.

use std::collections::BTreeMap;

use winkiln_bake::Session;
use winkiln_volume::{Entry, Metadata, Volume, VolumeError};

use crate::args::diff::DiffArgs;
use crate::error::{CliError, Doing as _, Result};
use crate::guest_path::{LEVELS_MAX, join};
use crate::output::Output;

const PIECE: usize = 1 << 20;

/// A file or folder that one side alone has, or that differs.
#[derive(Debug)]
pub(crate) struct FileDifference {
    pub(crate) volume: u32,
    pub(crate) path: String,
    pub(crate) before: Option<FileFacts>,
    pub(crate) after: Option<FileFacts>,
    /// What differs: `kind`, `size`, `contents`, `streams`, `attributes`, `modified`, `security`, `link`.
    pub(crate) differs: Vec<&'static str>,
}

/// What is told of one side. The time is in 100 ns ticks since 1601.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileFacts {
    pub(crate) is_directory: bool,
    pub(crate) size: u64,
    pub(crate) attributes: u32,
    pub(crate) modified: u64,
}

impl From<&Metadata> for FileFacts {
    fn from(facts: &Metadata) -> Self {
        let Metadata { is_directory, size, attributes, modified, .. } = *facts;
        Self { is_directory, size, attributes, modified }
    }
}

/// Compares the volumes with the same numbers.
pub(super) fn compare(
    a: &mut Session,
    b: &mut Session,
    args: &DiffArgs,
    output: Output,
) -> Result<Vec<FileDifference>> {
    let numbers = |session: &mut Session| -> Vec<u32> {
        let volumes = session.disk().volumes().iter().filter(|volume| volume.holds_files());
        let numbers = volumes.map(|volume| volume.number);
        numbers
            .filter(|number| args.with.open.volume.is_none_or(|asked| asked == *number))
            .collect()
    };
    let (first, second) = (numbers(a), numbers(b));
    for (own, other, path) in [(&first, &second, &args.a), (&second, &first, &args.b)] {
        for number in own.iter().filter(|number| !other.contains(number)) {
            output.warn(&format!("only {} has files on volume {number}", path.display()));
        }
    }
    let mut found = Vec::new();
    for number in first.into_iter().filter(|number| second.contains(number)) {
        let doing = || format!("cannot read volume {number}");
        let (a, b) = (a.disk().volume(number).doing(doing)?, b.disk().volume(number).doing(doing)?);
        Walk { a, b, number, contents: args.contents, output, found: &mut found }.run()?;
    }
    Ok(found)
}

/// One volume of each image.
struct Walk<'w> {
    a: &'w Volume,
    b: &'w Volume,
    number: u32,
    contents: bool,
    output: Output,
    found: &'w mut Vec<FileDifference>,
}

impl Walk<'_> {
    /// Every folder that either side has, each before what is in it.
    fn run(&mut self) -> Result<()> {
        let mut folders = vec![(String::from("\\"), true, true, 0)];
        while let Some((folder, in_a, in_b, level)) = folders.pop() {
            if level > LEVELS_MAX {
                return Err(CliError::failed(format!("{folder} lies too deep")));
            }
            let of_a = if in_a { list(self.a, &folder)? } else { BTreeMap::new() };
            let of_b = if in_b { list(self.b, &folder)? } else { BTreeMap::new() };
            let only_b = of_b.iter().filter(|(name, _)| !of_a.contains_key(*name));
            let mut names: Vec<_> = of_a.iter().chain(only_b).collect();
            names.sort();
            let mut inside = Vec::new();
            for (key, name) in names {
                let path = join(&folder, name);
                let before = facts(self.a, &path, of_a.contains_key(key))?;
                let after = facts(self.b, &path, of_b.contains_key(key))?;
                let walked = |facts: &Option<Metadata>| {
                    facts.as_ref().is_some_and(|facts| {
                        facts.is_directory && facts.reparse_tag.is_none() && facts.link.is_none()
                    })
                };
                if walked(&before) || walked(&after) {
                    inside.push((path.clone(), walked(&before), walked(&after), level + 1));
                }
                self.pair(path, before.as_ref(), after.as_ref());
            }
            folders.extend(inside.into_iter().rev());
        }
        Ok(())
    }

    fn pair(&mut self, path: String, before: Option<&Metadata>, after: Option<&Metadata>) {
        let differs = match (before, after) {
            (Some(before), Some(after)) => self.differs(&path, before, after),
            _ => Vec::new(),
        };
        if differs.is_empty() && before.is_some() == after.is_some() {
            return;
        }
        self.found.push(FileDifference {
            volume: self.number,
            path,
            before: before.map(FileFacts::from),
            after: after.map(FileFacts::from),
            differs,
        });
    }

    fn differs(&self, path: &str, a: &Metadata, b: &Metadata) -> Vec<&'static str> {
        let is_file = !a.is_directory && !b.is_directory;
        let mut differs = Vec::new();
        let mut note = |differ: bool, what| differs.extend(differ.then_some(what));
        note(a.is_directory != b.is_directory, "kind");
        note(a.link != b.link || a.reparse_tag != b.reparse_tag, "link");
        note(is_file && a.size != b.size, "size");
        let look = self.contents || a.modified != b.modified;
        if is_file && a.size == b.size && look {
            note(self.contents_differ(path), "contents");
        }
        let streams = |facts: &Metadata| -> Vec<_> {
            let named = facts.streams.iter().filter(|stream| !stream.name.is_empty());
            named.map(|stream| (stream.name.clone(), stream.size)).collect()
        };
        let same = streams(a) == streams(b);
        let inside = || {
            let mut names = streams(a).into_iter();
            look && names.any(|(name, _)| self.contents_differ(&format!("{path}:{name}")))
        };
        note(!same || inside(), "streams");
        note(a.attributes != b.attributes, "attributes");
        // A folder's time is that of what was last put into it.
        note(is_file && a.modified != b.modified, "modified");
        note(a.security != b.security, "security");
        differs
    }

    /// Where contents cannot be read, says so; they count as the same.
    fn contents_differ(&self, path: &str) -> bool {
        contents_differ(self.a, self.b, path).unwrap_or_else(|error| {
            let error = CliError::from(error).one_line();
            self.output.warn(&format!("the contents of {path} were not compared: {error}"));
            false
        })
    }
}

/// The names in a folder, by what they are looked up as.
fn list(volume: &Volume, folder: &str) -> Result<BTreeMap<String, String>> {
    let entries = volume.read_directory(folder).doing(|| format!("cannot list {folder}"))?;
    let mut names = BTreeMap::new();
    for Entry { name, .. } in entries {
        let key = name.to_lowercase();
        // Folders in which case matters are rare.
        let key = if names.contains_key(&key) { format!("{key}\0{name}") } else { key };
        names.insert(key, name);
    }
    Ok(names)
}

fn facts(volume: &Volume, path: &str, there: bool) -> Result<Option<Metadata>> {
    if !there {
        return Ok(None);
    }
    volume.metadata(path).doing(|| format!("cannot read {path}"))
}

fn contents_differ(a: &Volume, b: &Volume, path: &str) -> Result<bool, VolumeError> {
    let (mut left, mut right) = (vec![0; PIECE], vec![0; PIECE]);
    let mut offset = 0;
    loop {
        let count = a.read_at(path, offset, &mut left)?;
        let other = b.read_at(path, offset, &mut right)?;
        if left[..count] != right[..other] {
            return Ok(true);
        }
        if count == 0 {
            return Ok(false);
        }
        offset += count as u64;
    }
}
