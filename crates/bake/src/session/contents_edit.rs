//! The step that gives a file its contents, and comparing contents without holding them.

use std::path::Path;

use winkiln_verify::Fingerprinter;
use winkiln_volume::{Metadata, VolumeError};

use super::Session;
use crate::BakeError;
use crate::image_path::{ImagePath, parent};
use crate::ledger::{FileState, State, Target};
use crate::source::Source;
use crate::step::Contents;

/// What is there is read for the ledger up to this length.
const BEFORE_BYTES_MAX: u64 = 64 << 20;
/// Bytes read at a time.
const PIECE: usize = 1 << 20;

impl Session {
    pub(super) fn put_file(
        &mut self,
        path: &str,
        contents: &Contents,
        parents: bool,
    ) -> Result<(), BakeError> {
        let volume = self.file_volume()?;
        let mut target = self.image_path(path)?;
        let source = Source::open(contents)?;
        // Most are new names in a folder: no need to look first whether they are folders.
        if target.may_name_a_file() && self.create_file(volume, &target.path, &source)? {
            return Ok(());
        }
        if let Contents::HostFile(file) = contents {
            let folder = target.folder
                || self.metadata(volume, &target.path)?.is_some_and(|found| found.is_directory);
            if folder {
                let name = file_name(file)?;
                target = ImagePath::parse_entry(&format!(
                    "{}\\{name}",
                    target.path.trim_end_matches('\\')
                ))?;
                if self.create_file(volume, &target.path, &source)? {
                    return Ok(());
                }
            }
        }
        self.replace_file(volume, &ImagePath::parse_entry(&target.path)?.path, &source, parents)
    }

    /// Gives a file its contents, unless it has them.
    pub(super) fn write_file(
        &mut self,
        volume: u32,
        path: &str,
        contents: &Contents,
        parents: bool,
    ) -> Result<(), BakeError> {
        let source = Source::open(contents)?;
        if self.create_file(volume, path, &source)? {
            return Ok(());
        }
        self.replace_file(volume, path, &source, parents)
    }

    /// Gives a file, which is there or not, its contents, unless it has them.
    fn replace_file(
        &mut self,
        volume: u32,
        path: &str,
        source: &Source<'_>,
        parents: bool,
    ) -> Result<(), BakeError> {
        let before = match self.metadata(volume, path)? {
            Some(found) if found.is_directory => {
                return Err(BakeError::FileInTheWay { path: path.into(), problem: "is a folder" });
            }
            Some(found) => {
                if found.size == source.length() && self.holds(volume, path, source)? {
                    self.ledger.unchanged += 1;
                    return Ok(());
                }
                State::File(self.file_state(volume, path, &found)?)
            }
            None => State::Absent,
        };
        if let (State::Absent, true, Some(folder)) = (&before, parents, parent(path)) {
            self.make_folders(volume, folder)?;
        }
        let mut reader = source.reader();
        let written =
            self.edit(volume, path, |volume| volume.write_from(path, &mut reader, source.length()));
        if let Err(error) = written {
            return Err(reader.failure().unwrap_or(error));
        }
        let target = Target::File { volume, path: path.to_owned() };
        self.ledger.record(target, before, State::File(FileState::ours(reader.finish()?)));
        Ok(())
    }

    /// Makes a small file that was not there, without looking for it first, on a volume that was edited before. False when that did
    /// not work, for whatever reason: nothing has changed then.
    fn create_file(
        &mut self,
        volume: u32,
        path: &str,
        source: &Source<'_>,
    ) -> Result<bool, BakeError> {
        if !self.was_edited(volume) {
            return Ok(false);
        }
        let mut reader = source.reader();
        let created = self
            .edit(volume, path, |volume| volume.create_from(path, &mut reader, source.length()));
        if !created.is_ok_and(|created| created) {
            return Ok(false);
        }
        let target = Target::File { volume, path: path.to_owned() };
        self.ledger.record(target, State::Absent, State::File(FileState::ours(reader.finish()?)));
        Ok(true)
    }

    /// Tells whether a file holds what the source gives; both have one length.
    fn holds(&mut self, volume: u32, path: &str, source: &Source<'_>) -> Result<bool, BakeError> {
        let mut wanted = vec![0; source.length().min(PIECE as u64) as usize];
        self.each_piece(volume, path, source.length(), |offset, found| {
            let wanted = &mut wanted[..found.len()];
            source.read_at(offset, wanted)?;
            Ok(wanted == found)
        })
    }

    /// The state of a file that is about to change or to go.
    pub(super) fn file_state(
        &mut self,
        volume: u32,
        path: &str,
        found: &Metadata,
    ) -> Result<FileState, BakeError> {
        // What a reparse point leads to is not its own.
        if found.size > BEFORE_BYTES_MAX || found.reparse_tag.is_some() {
            return Ok(FileState::unread(found.size));
        }
        let mut hasher = Fingerprinter::default();
        self.each_piece(volume, path, found.size, |_, piece| {
            hasher.update(piece);
            Ok(true)
        })?;
        Ok(FileState::met(hasher.finish()))
    }

    /// Shows the first `length` bytes of a file piece by piece, as long as `each` says to go on. False when it said no, or when the file
    /// ends before.
    fn each_piece(
        &mut self,
        volume: u32,
        path: &str,
        length: u64,
        mut each: impl FnMut(u64, &[u8]) -> Result<bool, BakeError>,
    ) -> Result<bool, BakeError> {
        let volume = self.disk.volume(volume)?;
        let mut piece = vec![0; length.min(PIECE as u64) as usize];
        let mut offset = 0;
        while offset < length {
            let part = (length - offset).min(PIECE as u64) as usize;
            let failed = |source| BakeError::Volume { path: path.to_owned(), source };
            let done = volume.read_at(path, offset, &mut piece[..part]).map_err(failed)?;
            if done == 0 || !each(offset, &piece[..done])? {
                return Ok(false);
            }
            offset += done as u64;
        }
        Ok(true)
    }

    /// A whole file; of one that is not there, nothing.
    pub(super) fn read(
        &mut self,
        volume: u32,
        path: &str,
        limit: u64,
    ) -> Result<Vec<u8>, BakeError> {
        match self.disk.volume(volume)?.read(path, limit) {
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            result => result
                .map_err(|source: VolumeError| BakeError::Volume { path: path.to_owned(), source }),
        }
    }
}

fn file_name(file: &Path) -> Result<&str, BakeError> {
    file.file_name().and_then(|name| name.to_str()).ok_or_else(|| BakeError::HostFileUnfit {
        path: file.to_owned(),
        reason: "it has no name in UTF-8".to_owned(),
    })
}
