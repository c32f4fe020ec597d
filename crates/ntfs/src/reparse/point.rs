//! Reading, making and taking away the links of files and folders.

use super::data::{self, Link, ReparsePoint};
use crate::{
    Error, FileReference,
    attribute::{Attribute, kind},
    core::Core,
    create::New,
    directory::I30,
    index,
    standard_information::dos,
};

impl Core {
    /// The reparse point of a file.
    pub(crate) fn reparse_point(&mut self, base: u64) -> Result<Option<ReparsePoint>, Error> {
        let Some(stream) = self.open_stream(base, kind::REPARSE_POINT, &[])? else {
            return Ok(None);
        };
        if stream.size() > data::BYTES_MAX as u64 {
            return Err(stream.damaged("reparse data too long", stream.size()));
        }
        let mut value = vec![0; stream.size() as usize];
        self.read_stream(&stream, 0, &mut value)?;
        let point = ReparsePoint::parse(&value);
        point.map(Some).map_err(|problem| Error::Damaged {
            structure: "$REPARSE_POINT",
            record: base,
            problem,
            found: value.len() as u64,
        })
    }

    /// Creates a file or folder that is a link.
    pub(crate) fn create_link(
        &mut self,
        folder: FileReference,
        name: &str,
        link: &Link,
        is_directory: bool,
    ) -> Result<FileReference, Error> {
        let attributes = if is_directory { 0 } else { dos::ARCHIVE };
        let file = self.create(folder, name, New { attributes, is_directory, ..New::default() })?;
        self.set_link(file, link)?;
        Ok(file)
    }

    /// Makes an empty file or folder a link, or gives a link another target.
    pub(crate) fn set_link(&mut self, file: FileReference, link: &Link) -> Result<(), Error> {
        let record = self.base_record(file)?;
        let base = record.number;
        self.check_user_file(base)?;
        self.check_may_be_link(base, record.is_directory(), link)?;
        self.drop_reparse_point(base)?;
        let value = link.to_bytes();
        let tag = ReparsePoint::Link(link.clone()).tag();
        self.add_attribute(base, &Attribute::resident(kind::REPARSE_POINT, &[], Vec::new()))?;
        let lost = Error::Damaged {
            structure: "$REPARSE_POINT",
            record: base,
            problem: "lost",
            found: value.len() as u64,
        };
        let mut stream = self.open_stream(base, kind::REPARSE_POINT, &[])?.ok_or(lost)?;
        self.resize_stream(&mut stream, value.len() as u64)?;
        self.write_stream(&mut stream, 0, &value)?;
        self.note_reparse_point(base, tag)?;
        self.set_reparse_bit(base, true)?;
        self.stamp(base, false)
    }

    /// Takes the link from a file or folder, which stays, empty.
    pub(crate) fn remove_link(&mut self, file: FileReference) -> Result<(), Error> {
        let base = self.base_record(file)?.number;
        self.check_user_file(base)?;
        match self.reparse_point(base)? {
            Some(ReparsePoint::Link(_)) => {}
            Some(ReparsePoint::Other { tag }) => {
                return Err(Error::ReparseTag { record: base, tag });
            }
            None => return Err(Error::NotALink { record: base }),
        }
        self.drop_reparse_point(base)?;
        self.set_reparse_bit(base, false)?;
        self.stamp(base, false)?;
        // A folder whose times stay as they are is not stamped anew; its names still tell of a link.
        self.refresh_names(base)
    }

    fn check_may_be_link(
        &mut self,
        base: u64,
        is_directory: bool,
        link: &Link,
    ) -> Result<(), Error> {
        if let Some(ReparsePoint::Other { tag }) = self.reparse_point(base)? {
            return Err(Error::ReparseTag { record: base, tag });
        }
        if !is_directory && link.kind == super::LinkKind::Junction {
            return Err(Error::NotADirectory { record: base });
        }
        let empty = if is_directory {
            self.with_index(base, I30, |store| index::is_empty(store))?
        } else {
            self.open_stream(base, kind::DATA, &[])?.is_none_or(|data| data.size() == 0)
        };
        if empty { Ok(()) } else { Err(Error::NotEmpty { record: base }) }
    }

    /// Removes reparse data and their place in the volume-wide index, as far as they are there.
    pub(crate) fn drop_reparse_point(&mut self, base: u64) -> Result<(), Error> {
        self.forget_reparse_point(base)?;
        if let Some(stream) = self.open_stream(base, kind::REPARSE_POINT, &[])? {
            self.remove_stream(stream)?;
        }
        Ok(())
    }

    pub(crate) fn set_reparse_bit(&mut self, base: u64, set: bool) -> Result<(), Error> {
        let mut information = self.information(base)?;
        let others = information.attributes() & !dos::REPARSE_POINT;
        information.set_attributes(others | if set { dos::REPARSE_POINT } else { 0 });
        self.set_information(base, &information)
    }
}
