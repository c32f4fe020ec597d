//! Reading and changing the streams of files, with everything that follows from it: times, attributes, index entries.

use crate::{
    Error, FileReference,
    attribute::{Attribute, kind},
    core::Core,
    standard_information::dos,
    stream::{Body, Stream},
};

/// Longest stream name in UTF-16 units.
const NAME_MAX: usize = 255;
/// New contents up to this length stay in the clusters of the old ones.
const IN_PLACE_MAX: u64 = 1 << 20;

impl Core {
    /// Opens a `$DATA` stream of a file.
    pub(crate) fn data(
        &mut self,
        file: FileReference,
        name: &str,
    ) -> Result<Option<Stream>, Error> {
        let base = self.base_record(file)?.number;
        let name: Vec<u16> = name.encode_utf16().collect();
        self.open_stream(base, kind::DATA, &name)
    }

    /// Reads from a stream; 0 at its end.
    pub(crate) fn read_data(
        &mut self,
        file: FileReference,
        name: &str,
        offset: u64,
        buf: &mut [u8],
    ) -> Result<usize, Error> {
        let record = file.record();
        let missing = || Error::NoSuchStream { record, stream: name.to_owned() };
        let stream = self.data(file, name)?.ok_or_else(missing)?;
        if stream.is_encrypted() {
            return Err(Error::Encrypted { record });
        }
        let length = stream.size().saturating_sub(offset).min(buf.len() as u64) as usize;
        if self.is_overlaid(&stream)? {
            self.read_overlaid(&stream, offset, &mut buf[..length])?;
        } else {
            self.read_stream(&stream, offset, &mut buf[..length])?;
        }
        Ok(length)
    }

    /// Opens a stream for a change, making a named one that does not exist.
    fn data_for_change(&mut self, file: FileReference, name: &str) -> Result<Stream, Error> {
        let record = self.base_record(file)?;
        let (base, directory) = (record.number, record.is_directory());
        self.check_user_file(base)?;
        if directory && name.is_empty() {
            return Err(Error::IsADirectory { record: base });
        }
        if let Some(stream) = self.data(file, name)? {
            if stream.is_encrypted() {
                return Err(Error::Encrypted { record: base });
            }
            return Ok(stream);
        }
        let units: Vec<u16> = name.encode_utf16().collect();
        if units.len() > NAME_MAX || name.chars().any(|c| "\0/:\\".contains(c)) {
            return Err(Error::NameNotAllowed {
                name: name.to_owned(),
                reason: "not a stream name",
            });
        }
        if self.information(base)?.attributes() & dos::ENCRYPTED != 0 {
            return Err(Error::Encrypted { record: base });
        }
        self.add_attribute(base, &Attribute::resident(kind::DATA, &units, Vec::new()))?;
        let lost = Error::NoSuchStream { record: base, stream: name.to_owned() };
        self.open_stream(base, kind::DATA, &units)?.ok_or(lost)
    }

    /// Writes to a stream, growing it as needed; a packed one becomes plain first.
    pub(crate) fn write_data(
        &mut self,
        file: FileReference,
        name: &str,
        offset: u64,
        data: &[u8],
    ) -> Result<(), Error> {
        let stream = self.data_for_change(file, name)?;
        let end =
            offset.checked_add(data.len() as u64).ok_or(Error::TooLarge { size: u64::MAX })?;
        if data.is_empty() {
            return Ok(());
        }
        let mut stream = self.unpack_for_change(stream, u64::MAX)?;
        self.parsed.forget_streams(stream.base);
        if !self.write_resident(&mut stream, offset, data)? {
            if end > stream.size() {
                self.resize_stream(&mut stream, end)?;
            }
            self.write_stream(&mut stream, offset, data)?;
        }
        self.parsed.keep_stream(stream.into());
        self.stamp(file.record(), true)
    }

    /// Sets a stream's length.
    pub(crate) fn resize_data(
        &mut self,
        file: FileReference,
        name: &str,
        size: u64,
    ) -> Result<(), Error> {
        let mut stream = self.data_for_change(file, name)?;
        let base = stream.base;
        let overlaid = self.is_overlaid(&stream)?;
        let plain = matches!(stream.body, Body::Resident(_)) && stream.flags == 0 && !overlaid;
        if size == stream.size() && (size > 0 || plain) {
            return Ok(());
        }
        if size > 0 {
            stream = self.unpack_for_change(stream, size)?;
            self.parsed.forget_streams(base);
            self.resize_stream(&mut stream, size)?;
        } else {
            if overlaid {
                self.drop_overlay(base)?;
                let lost = Error::NoSuchStream { record: base, stream: String::new() };
                stream = self.data(file, "")?.ok_or(lost)?;
            }
            self.clear_stream(&mut stream)?;
            self.plain_attributes(base)?;
        }
        self.stamp(base, true)
    }

    /// Gives a stream the length of contents that will replace its own, all of which the caller writes next.
    pub(crate) fn replace_data(
        &mut self,
        file: FileReference,
        name: &str,
        size: u64,
    ) -> Result<(), Error> {
        let mut stream = self.data_for_change(file, name)?;
        let base = stream.base;
        if self.is_overlaid(&stream)? {
            self.drop_overlay(base)?;
            let lost = Error::NoSuchStream { record: base, stream: String::new() };
            stream = self.data(file, "")?.ok_or(lost)?;
        }
        let plain = !stream.is_compressed() && !stream.is_sparse();
        if size > IN_PLACE_MAX {
            self.allot_stream(&mut stream, size)?;
        } else {
            if !plain {
                self.clear_stream(&mut stream)?;
            }
            self.resize_stream(&mut stream, size)?;
        }
        if !plain {
            self.plain_attributes(base)?;
        }
        self.stamp(base, true)
    }
}
