//! The step that renames or moves a file or folder.

use winkiln_volume::{Metadata, VolumeError};

use super::Session;
use crate::BakeError;
use crate::image_path::{ImagePath, parent};
use crate::ledger::{FileState, State, Target};

const ENCRYPTED: u32 = 0x4000;

impl Session {
    pub(super) fn rename(&mut self, from: &str, to: &str) -> Result<(), BakeError> {
        let volume = self.file_volume()?;
        let from = self.image_path(from)?;
        let from = ImagePath::parse_entry(&from.path)?.path;
        let Some(found) = self.metadata(volume, &from)? else {
            let source = VolumeError::NotFound { path: from.clone() };
            return Err(BakeError::Volume { path: from, source });
        };
        let from = self.spelt(volume, &from)?;
        let to = self.image_path(to)?;
        let to = self.destination(volume, &from, &found, &to)?;
        if from == to {
            self.ledger.unchanged += 1;
            return Ok(());
        }
        self.keep_hives_in_place(volume, &from)?;
        self.keep_hives_in_place(volume, &to)?;

        let taken = self.metadata(volume, &to)?;
        let is_itself = taken.as_ref().is_some_and(|taken| same_file(taken, &found));
        let respelt = is_itself && self.is_same_name(volume, &from, &to)?;
        if respelt && last(&from) == last(&to) {
            self.ledger.unchanged += 1;
            return Ok(());
        }
        let replaced = match &taken {
            Some(taken) if !is_itself && !taken.is_directory => {
                State::File(self.file_state(volume, &to, taken)?)
            }
            _ => State::Absent,
        };
        let state = self.moved_state(volume, &from, &found)?;
        self.edit(volume, &from, |volume| volume.rename(&from, &to, true))?;
        if respelt {
            let target = match state {
                State::Folder => Target::Folder { volume, path: to.clone() },
                _ => Target::File { volume, path: to.clone() },
            };
            self.ledger.record(target, state.clone(), state);
            let target = Target::Name { volume, path: from.clone() };
            self.ledger.record(target, State::Name(from), State::Name(to));
            return Ok(());
        }
        if replaced != State::Absent {
            self.ledger.path_removed(volume, &to);
        }
        self.ledger.renamed(volume, (&from, &to), state, replaced);
        Ok(())
    }

    /// The path that a file or folder gets: a folder that exists receives it.
    fn destination(
        &mut self,
        volume: u32,
        from: &str,
        found: &Metadata,
        to: &ImagePath,
    ) -> Result<String, BakeError> {
        match self.metadata(volume, &to.path)? {
            // Itself, in another spelling.
            Some(there) if same_file(&there, found) => Ok(to.path.clone()),
            Some(there) if there.is_directory && there.reparse_tag.is_some() => {
                let problem = "leads elsewhere; name the folder itself";
                Err(BakeError::FileInTheWay { path: to.path.clone(), problem })
            }
            Some(there) if there.is_directory => {
                Ok(format!("{}\\{}", to.path.trim_end_matches('\\'), last(from)))
            }
            _ if to.folder && !found.is_directory => {
                let problem = "is not a folder";
                Err(BakeError::FileInTheWay { path: to.path.clone(), problem })
            }
            _ => Ok(to.path.clone()),
        }
    }

    /// A path with its last name as the volume spells it.
    fn spelt(&mut self, volume: u32, path: &str) -> Result<String, BakeError> {
        let folder = parent(path).unwrap_or("\\");
        let failed = |source| BakeError::Volume { path: folder.to_owned(), source };
        let entries = self.disk.volume(volume)?.read_directory(folder).map_err(failed)?;
        let name = last(path).to_lowercase();
        let is_it = |other: &str| other.to_lowercase() == name;
        let entry = entries.iter().find(|entry| entry.name == last(path)).or_else(|| {
            let by_short = |short: &String| is_it(short);
            let mut entries = entries.iter();
            entries.find(|e| is_it(&e.name) || e.short_name.as_ref().is_some_and(by_short))
        });
        Ok(match entry {
            Some(entry) => format!("{}\\{}", folder.trim_end_matches('\\'), entry.name),
            None => path.to_owned(),
        })
    }

    /// Tells whether two paths of one file are one name of it in two spellings.
    fn is_same_name(&mut self, volume: u32, from: &str, to: &str) -> Result<bool, BakeError> {
        if last(from).to_lowercase() != last(to).to_lowercase() {
            return Ok(false);
        }
        let [from, to] = [from, to].map(|path| parent(path).unwrap_or("\\"));
        let (from, to) = (self.metadata(volume, from)?, self.metadata(volume, to)?);
        Ok(from.zip(to).is_some_and(|(from, to)| same_file(&from, &to)))
    }

    /// What moves, with a file's fingerprint when it is short enough to be compared afterwards.
    fn moved_state(
        &mut self,
        volume: u32,
        path: &str,
        found: &Metadata,
    ) -> Result<State, BakeError> {
        if found.is_directory {
            return Ok(State::Folder);
        }
        if found.reparse_tag.is_some() || found.attributes & ENCRYPTED != 0 {
            return Ok(State::File(FileState::unread(found.size)));
        }
        Ok(State::File(self.file_state(volume, path, found)?.into_ours()))
    }

    /// Refuses to move what holds a hive that earlier steps opened: it is written back to where it was.
    fn keep_hives_in_place(&self, volume: u32, path: &str) -> Result<(), BakeError> {
        let lower = path.to_lowercase();
        let is_in = |hive: &str| {
            hive.strip_prefix(&lower).is_some_and(|rest| rest.is_empty() || rest.starts_with('\\'))
        };
        if !self.has_open_hive(volume, is_in) {
            return Ok(());
        }
        let problem =
            "is or holds a registry hive that earlier steps use; rename it in a run of its own";
        Err(BakeError::FileInTheWay { path: path.to_owned(), problem })
    }
}

fn same_file(a: &Metadata, b: &Metadata) -> bool {
    a.file_reference.is_some() && a.file_reference == b.file_reference
}

/// The last name of a path.
fn last(path: &str) -> &str {
    path.rsplit('\\').next().unwrap_or(path)
}
