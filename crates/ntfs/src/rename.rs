//! Renaming and moving within the volume, and further names (hard links).

use std::collections::HashSet;

use crate::{
    Error, FileReference,
    attribute::{Attribute, kind},
    core::Core,
    directory::I30,
    file_name::{self, Duplicated, FileName, namespace},
    index::{self, Collation, Entry},
    metadata::DEPTH_MAX,
};

/// Names that a file may have.
///
/// Source: `CreateHardLink` in the Windows SDK's documentation.
const NAMES_MAX: usize = 1024;

impl Core {
    /// Gives a name of a file or folder another folder or another spelling, or both. Its other names stay.
    pub(crate) fn rename(
        &mut self,
        (from_folder, from_name): (FileReference, &str),
        (to_folder, to_name): (FileReference, &str),
        replace: bool,
    ) -> Result<(), Error> {
        let new_units = file_name::check_name(to_name)?;
        self.folder_for_change(from_folder)?;
        self.folder_for_change(to_folder)?;
        let units: Vec<u16> = from_name.encode_utf16().collect();
        let missing = Error::NotFound { path: from_name.to_owned() };
        let (file, found) = self.lookup(from_folder, &units)?.ok_or(missing)?;
        let record = self.base_record(file)?;
        let base = record.number;
        self.check_user_file(base)?;
        let here = from_folder.record() == to_folder.record();
        if here && found.name == new_units && found.namespace != namespace::DOS {
            return Ok(());
        }
        if record.is_directory() {
            self.check_not_below(to_folder.record(), base, to_name)?;
        }
        if let Some((target, taken)) = self.lookup(to_folder, &new_units)? {
            let (old, _) = self.names_together(base, from_folder, &found)?;
            let same_name = here
                && target.record() == base
                && old.iter().any(|(_, _, name)| name.name == taken.name);
            if !same_name {
                self.replace_target(to_folder, to_name, target, record.is_directory(), replace)?;
            }
        }
        let (old, left) = self.names_together(base, from_folder, &found)?;
        let mut facts = self.duplicated(base)?;
        facts.tag = found.duplicated.tag;
        for (number, id, name) in &old {
            self.remove_entry(name, file)?;
            self.drop_attribute(base, *number, kind::FILE_NAME, *id)?;
        }
        self.set_links(base, |links| links.saturating_sub(old.len() as u16))?;
        // Of all names of a file one alone is Win32's.
        let plain = left.iter().all(|(_, _, name)| name.namespace == namespace::POSIX);
        let names = if plain {
            self.new_names(to_folder, to_name, new_units)?
        } else {
            vec![(namespace::POSIX, new_units)]
        };
        for (space, units) in names {
            self.add_name(file, to_folder, units, space, facts)?;
        }
        self.stamp(base, false)?;
        if !here {
            self.stamp(from_folder.record(), true)?;
        }
        self.stamp(to_folder.record(), true)
    }

    /// Gives a file one more name.
    pub(crate) fn link(
        &mut self,
        file: FileReference,
        folder: FileReference,
        name: &str,
    ) -> Result<(), Error> {
        let units = file_name::check_name(name)?;
        let record = self.base_record(file)?;
        let base = record.number;
        self.check_user_file(base)?;
        if record.is_directory() {
            return Err(Error::IsADirectory { record: base });
        }
        self.folder_for_change(folder)?;
        if self.lookup(folder, &units)?.is_some() {
            return Err(Error::AlreadyExists { name: name.to_owned() });
        }
        let names = self.names(base)?;
        if names.len() >= NAMES_MAX {
            return Err(Error::TooManyLinks { record: base, most: NAMES_MAX });
        }
        let mut facts = self.duplicated(base)?;
        if let Some((_, _, known)) = names.first() {
            facts.tag = self.index_tag(known)?;
        }
        self.add_name(record.reference(), folder, units, namespace::POSIX, facts)?;
        self.stamp(base, false)?;
        self.stamp(folder.record(), true)
    }

    /// Removes the file whose name a rename takes.
    fn replace_target(
        &mut self,
        folder: FileReference,
        name: &str,
        target: FileReference,
        source_is_directory: bool,
        replace: bool,
    ) -> Result<(), Error> {
        if !replace || source_is_directory {
            return Err(Error::AlreadyExists { name: name.to_owned() });
        }
        let record = self.base_record(target)?;
        if record.is_directory() {
            return Err(Error::IsADirectory { record: record.number });
        }
        self.remove(folder, name)
    }

    /// Refuses to move a folder into itself or a folder below it.
    fn check_not_below(&mut self, folder: u64, base: u64, name: &str) -> Result<(), Error> {
        let mut at = folder;
        let mut seen = HashSet::new();
        while seen.insert(at) && seen.len() <= DEPTH_MAX {
            if at == base {
                return Err(Error::FolderIntoItself { name: name.to_owned() });
            }
            if at == crate::mft::ROOT {
                return Ok(());
            }
            let Some(above) = self.first_parent(at)? else { break };
            at = above;
        }
        Err(Error::Damaged {
            structure: "$FILE_NAME",
            record: folder,
            problem: "the folders above do not lead to the root",
            found: at,
        })
    }

    /// Adds a name to a file's record and to a folder.
    fn add_name(
        &mut self,
        file: FileReference,
        folder: FileReference,
        name: Vec<u16>,
        namespace: u8,
        duplicated: Duplicated,
    ) -> Result<(), Error> {
        let parent = self.reference(folder.record())?;
        let value = FileName { parent, duplicated, namespace, name }.to_bytes();
        let attribute = Attribute::resident(kind::FILE_NAME, &[], value.clone());
        self.add_attribute(file.record(), &attribute)?;
        self.set_links(file.record(), |links| links.saturating_add(1))?;
        let entry = Entry::file_name(file, &value)?;
        let upcase = self.upcase()?;
        self.with_index(parent.record(), I30, |store| {
            index::insert(store, Collation::FileName(&upcase), &entry)
        })
    }

    /// Changes the count of names in a record.
    fn set_links(&mut self, base: u64, change: impl FnOnce(u16) -> u16) -> Result<(), Error> {
        let mut record = self.record(base)?;
        record.set_links(change(record.links()));
        self.write_record(record)
    }

    /// The reparse tag, or the length of extended attributes, that the folder of a name holds.
    fn index_tag(&mut self, name: &FileName) -> Result<u32, Error> {
        let upcase = self.upcase()?;
        let key = name.to_bytes();
        let entry = self.with_index(name.parent.record(), I30, |store| {
            index::find(store, Collation::FileName(&upcase), &key)
        })?;
        let value = entry.and_then(|entry| FileName::parse(entry.key()));
        Ok(value.map_or(0, |value| value.duplicated.tag))
    }
}
