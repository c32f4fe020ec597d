//! The names of a file, and keeping what folders repeat of it (times, sizes, attributes) in step with the file.

use crate::{
    Error,
    attribute::{Form, kind},
    attribute_list::ListEntry,
    bytes,
    core::Core,
    directory::I30,
    file_name::{self, Duplicated, FileName},
    index::{self, Collation, Entry},
    standard_information::dos,
};

impl Core {
    /// All names of a file with their place: (record, attribute id, value).
    pub(crate) fn names(&mut self, base: u64) -> Result<Vec<(u64, u16, FileName)>, Error> {
        let mut names = Vec::new();
        for place in self.places_of(base, kind::FILE_NAME)? {
            let name = self.name_at(base, &place)?;
            names.push((place.record.record(), place.id, name));
        }
        Ok(names)
    }

    fn name_at(&mut self, base: u64, place: &ListEntry) -> Result<FileName, Error> {
        let name = match self.extent(base, place)?.form {
            Form::Resident { value, .. } => FileName::parse(&value),
            Form::NonResident { .. } => None,
        };
        name.ok_or(Error::Damaged {
            structure: "$FILE_NAME",
            record: base,
            problem: "cut short",
            found: 0,
        })
    }

    /// The record of the folder that holds a file's first name.
    pub(crate) fn first_parent(&mut self, base: u64) -> Result<Option<u64>, Error> {
        let places = self.places_of(base, kind::FILE_NAME)?;
        let Some(place) = places.first() else { return Ok(None) };
        Ok(Some(self.name_at(base, place)?.parent.record()))
    }

    /// What index entries should say of a file now.
    pub(crate) fn duplicated(&mut self, base: u64) -> Result<Duplicated, Error> {
        let information = self.information(base)?;
        let directory = self.shared_record(base)?.is_directory();
        let (mut allocated, mut size) = (0, 0);
        if !directory && let Some(data) = self.shared_stream(base, kind::DATA, &[])? {
            size = data.size();
            allocated = data.allocated(self.cluster());
            if matches!(data.body, crate::stream::Body::Resident(_)) {
                allocated = bytes::align8(size as usize) as u64;
            }
        }
        let attributes =
            information.attributes() | if directory { file_name::DIRECTORY } else { 0 };
        let reparse = attributes & dos::REPARSE_POINT != 0;
        let tag = if reparse { self.reparse_tag(base)?.unwrap_or(0) } else { 0 };
        Ok(Duplicated { times: information.times(), allocated, size, attributes, tag })
    }

    /// Brings the index entries of every name of a file up to date.
    pub(crate) fn refresh_names(&mut self, base: u64) -> Result<(), Error> {
        let facts = self.duplicated(base)?;
        let upcase = self.upcase()?;
        let collation = Collation::FileName(&upcase);
        for (_, _, name) in self.names(base)? {
            let key = name.to_bytes();
            self.with_index(name.parent.record(), I30, |store| {
                index::update_with(store, collation, &key, &mut |entry| {
                    let Some(old) = FileName::parse(entry.key()) else { return Ok(None) };
                    // The length of extended attributes stays; a reparse point that went takes its tag along.
                    let either = old.duplicated.attributes | facts.attributes;
                    let reparse = either & dos::REPARSE_POINT != 0;
                    let tag = if reparse { facts.tag } else { old.duplicated.tag };
                    let facts = Duplicated { tag, ..facts };
                    if old.duplicated == facts {
                        return Ok(None);
                    }
                    let mut value = entry.key().to_vec();
                    facts.put(&mut value);
                    Ok(Some(Entry::file_name(entry.reference(), &value)?))
                })
            })?;
        }
        Ok(())
    }

    /// Stamps a change: of the contents (modified and changed) or of the record alone.
    pub(crate) fn stamp(&mut self, base: u64, contents: bool) -> Result<(), Error> {
        let now = self.now.0;
        let mut information = self.information(base)?;
        let before = information.clone();
        let [created, modified, _, accessed] = information.times();
        information.set_times([created, if contents { now } else { modified }, now, accessed]);
        let directory = self.shared_record(base)?.is_directory();
        if contents && !directory {
            information.set_attributes(information.attributes() | dos::ARCHIVE);
        }
        // A folder has no sizes that could have changed.
        let reparse = information.attributes() & dos::REPARSE_POINT != 0;
        if directory && !reparse && information == before {
            return Ok(());
        }
        self.set_information(base, &information)?;
        self.refresh_names(base)
    }
}
