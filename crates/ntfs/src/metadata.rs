//! Facts of a file.

use crate::{
    Error, FileReference, FileTime, Metadata, StreamInfo, attribute::kind, bytes, core::Core,
    file_name::namespace, mft, standard_information::dos,
};

/// Folders in folders: a path has at most 32,767 units, two for each.
pub(crate) const DEPTH_MAX: usize = 16384;

/// DOS attributes as users see them: the folder bit is not stored.
pub(crate) fn public_attributes(stored: u32, is_directory: bool) -> u32 {
    stored & 0xffff & !dos::DIRECTORY | if is_directory { dos::DIRECTORY } else { 0 }
}

impl Core {
    /// The reparse tag of a file.
    pub(crate) fn reparse_tag(&mut self, base: u64) -> Result<Option<u32>, Error> {
        let Some(stream) = self.open_stream(base, kind::REPARSE_POINT, &[])? else {
            return Ok(None);
        };
        let mut tag = [0; 4];
        self.read_stream(&stream, 0, &mut tag)?;
        Ok(bytes::u32_at(&tag, 0))
    }

    /// What `stat` shows.
    pub(crate) fn metadata(&mut self, file: FileReference) -> Result<Metadata, Error> {
        let record = self.base_record(file)?;
        let base = record.number;
        let information = self.information(base)?;
        let places = self.places(base)?;
        let mut streams = Vec::new();
        for place in places.iter().filter(|place| place.kind == kind::DATA && place.lowest == 0) {
            if let Some(stream) = self.gather(base, &places, kind::DATA, &place.name)? {
                streams.push(StreamInfo {
                    name: String::from_utf16_lossy(&stream.name),
                    size: stream.size(),
                    allocated: stream.allocated(self.cluster()),
                });
            }
        }
        let names = self.names(base)?;
        let [created, modified, changed, accessed] = information.times().map(FileTime);
        Ok(Metadata {
            reference: record.reference(),
            is_directory: record.is_directory(),
            size: streams
                .iter()
                .find(|stream| stream.name.is_empty())
                .map_or(0, |stream| stream.size),
            attributes: public_attributes(information.attributes(), record.is_directory()),
            created,
            modified,
            changed,
            accessed,
            links: names.iter().filter(|(_, _, name)| name.namespace != namespace::DOS).count()
                as u32,
            reparse_tag: self.reparse_tag(base)?,
            streams,
            security: self.descriptor(base)?,
        })
    }

    /// Refuses to change NTFS's own files: the first records and what stands in `$Extend`.
    pub(crate) fn check_user_file(&mut self, base: u64) -> Result<(), Error> {
        let (mut at, mut nearest) = (base, None);
        for _ in 0..DEPTH_MAX {
            if nearest.is_none() && self.shared_record(at)?.is_directory() {
                nearest = Some(at);
            }
            match at {
                _ if self.state.user_folder == Some(at) => return Ok(()),
                mft::ROOT if at != base => {
                    self.state.user_folder = nearest.filter(|folder| *folder != mft::ROOT);
                    return Ok(());
                }
                0..mft::FIRST_USER => return Err(Error::SystemFile { record: base }),
                _ => {}
            }
            let Some(folder) = self.first_parent(at)? else { return Ok(()) };
            at = folder;
        }
        Err(Error::Damaged {
            structure: "$FILE_NAME",
            record: base,
            problem: "folders that hold each other",
            found: at,
        })
    }

    /// Sets the DOS attributes that users may set.
    pub(crate) fn set_attributes(
        &mut self,
        file: FileReference,
        attributes: u32,
    ) -> Result<(), Error> {
        let base = self.base_record(file)?.number;
        self.check_user_file(base)?;
        let mut information = self.information(base)?;
        let wanted = information.attributes() & !dos::SETTABLE | attributes & dos::SETTABLE;
        if wanted == information.attributes() {
            return Ok(());
        }
        information.set_attributes(wanted);
        self.set_information(base, &information)?;
        self.stamp(base, false)
    }

    /// Sets the times that are given.
    pub(crate) fn set_times(
        &mut self,
        file: FileReference,
        created: Option<FileTime>,
        modified: Option<FileTime>,
        accessed: Option<FileTime>,
    ) -> Result<(), Error> {
        let base = self.base_record(file)?.number;
        self.check_user_file(base)?;
        let mut information = self.information(base)?;
        let [old_created, old_modified, changed, old_accessed] = information.times();
        let pick = |new: Option<FileTime>, old| new.map_or(old, |time| time.0);
        let times = [
            pick(created, old_created),
            pick(modified, old_modified),
            changed,
            pick(accessed, old_accessed),
        ];
        if times == information.times() {
            return Ok(());
        }
        information.set_times(times);
        self.set_information(base, &information)?;
        self.stamp(base, false)
    }
}
