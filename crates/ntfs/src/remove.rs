//! Removing names, and files with their last name.

use crate::{
    Error, FileReference,
    attribute::kind,
    core::Core,
    directory::I30,
    file_name::{FileName, namespace},
    index::{self, Collation},
    run_list::{self, Vcn},
    stream::Body,
};

/// Names of a file with their place: (record, attribute id, value).
pub(crate) type PlacedNames = Vec<(u64, u16, FileName)>;

impl Core {
    /// Removes a name; the file goes with its last one.
    pub(crate) fn remove(&mut self, folder: FileReference, name: &str) -> Result<(), Error> {
        self.folder_for_change(folder)?;
        let units: Vec<u16> = name.encode_utf16().collect();
        let missing = Error::NotFound { path: name.to_owned() };
        let (file, found) = self.lookup(folder, &units)?.ok_or(missing)?;
        let record = self.base_record(file)?;
        self.check_user_file(record.number)?;
        if record.is_directory()
            && !self.with_index(record.number, I30, |store| index::is_empty(store))?
        {
            return Err(Error::DirectoryNotEmpty { name: name.to_owned() });
        }
        let (gone, left) = self.names_together(record.number, folder, &found)?;
        for (_, _, name) in &gone {
            self.remove_entry(name, file)?;
        }
        if left.iter().all(|(_, _, name)| name.namespace == namespace::DOS) {
            for (_, _, name) in &left {
                self.remove_entry(name, file)?;
            }
            self.delete(record.number)?;
        } else {
            for (number, id, _) in &gone {
                self.drop_attribute(record.number, *number, kind::FILE_NAME, *id)?;
            }
            let base = record.number;
            let mut record = self.record(base)?;
            record.set_links(record.links().saturating_sub(gone.len() as u16));
            self.write_record(record)?;
            self.stamp(base, false)?;
        }
        self.stamp(folder.record(), true)
    }

    /// The names of a file that go with one that a folder lists (a long name and its 8.3 name), and the others.
    pub(crate) fn names_together(
        &mut self,
        base: u64,
        folder: FileReference,
        found: &FileName,
    ) -> Result<(PlacedNames, PlacedNames), Error> {
        let here = |other: &FileName| other.parent.record() == folder.record();
        let pair = |a: u8, b: u8| (a, b) == (namespace::WIN32, namespace::DOS);
        let (gone, left): (Vec<_>, Vec<_>) = self.names(base)?.into_iter().partition(|name| {
            let other = &name.2;
            let both =
                pair(found.namespace, other.namespace) || pair(other.namespace, found.namespace);
            here(other) && (other.name == found.name || both)
        });
        if gone.is_empty() {
            let problem = "the folder names it, but it has no such name";
            return Err(Error::Damaged {
                structure: "$FILE_NAME",
                record: base,
                problem,
                found: 0,
            });
        }
        Ok((gone, left))
    }

    /// Takes a name of a file from its folder.
    pub(crate) fn remove_entry(
        &mut self,
        name: &FileName,
        file: FileReference,
    ) -> Result<(), Error> {
        let upcase = self.upcase()?;
        let collation = Collation::FileName(&upcase);
        let key = name.to_bytes();
        self.with_index(name.parent.record(), I30, |store| {
            // Some volumes keep names that no folder lists.
            if index::find(store, collation, &key)?
                .is_some_and(|entry| entry.reference().record() == file.record())
            {
                index::remove(store, collation, &key)?;
            }
            Ok(())
        })
    }

    /// Frees everything that belongs to a file.
    fn delete(&mut self, base: u64) -> Result<(), Error> {
        self.forget_object_id(base)?;
        self.forget_reparse_point(base)?;
        let mut places = self.places(base)?;
        if self.attribute_list(base)?.is_some() {
            places.extend(
                self.places_in(base)?
                    .into_iter()
                    .filter(|place| place.kind == kind::ATTRIBUTE_LIST),
            );
        }
        let mut records = vec![base];
        for place in &places {
            let attribute = self.extent(base, place)?;
            if let crate::attribute::Form::NonResident { pairs, lowest, .. } = attribute.form {
                let bad = Error::Damaged {
                    structure: "run list",
                    record: base,
                    problem: "mapping pairs",
                    found: lowest,
                };
                let runs = run_list::decode(&pairs, Vcn(lowest), self.geometry.clusters())
                    .map_err(|_| bad)?;
                let freed: Vec<_> =
                    runs.iter().filter_map(|run| Some((run.lcn?, run.length))).collect();
                self.release(&freed)?;
            }
            records.push(place.record.record());
        }
        records.sort_unstable();
        records.dedup();
        for number in records {
            self.free_record(number)?;
        }
        Ok(())
    }

    /// Removes a named stream of a file.
    pub(crate) fn remove_data(&mut self, file: FileReference, name: &str) -> Result<(), Error> {
        let base = self.base_record(file)?.number;
        self.check_user_file(base)?;
        let missing = Error::NoSuchStream { record: base, stream: name.to_owned() };
        let stream =
            self.data(file, name)?.filter(|stream| !stream.name.is_empty()).ok_or(missing)?;
        debug_assert!(!matches!(stream.body, Body::Resident(_)) || stream.extents.len() == 1);
        self.remove_stream(stream)?;
        self.stamp(base, false)
    }
}
