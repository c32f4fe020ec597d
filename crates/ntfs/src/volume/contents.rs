//! Contents as a whole.

use super::Volume;
use crate::{Error, FileReference, create::New, standard_information::dos};

impl Volume {
    /// Creates a file with its contents in one step, as [`Volume::create_file`] and [`Volume::write_at`] do it in two. Fails when the
    /// name exists.
    ///
    /// # Errors
    /// As [`Volume::create_file`]. Nothing has changed then.
    pub fn create_file_holding(
        &mut self,
        folder: FileReference,
        name: &str,
        attributes: u32,
        contents: &[u8],
    ) -> Result<FileReference, Error> {
        let attributes = attributes | dos::ARCHIVE;
        self.change(|core| {
            core.create(folder, name, New { attributes, contents, ..New::default() })
        })
    }

    /// Gives a stream the length of contents that are about to replace its own, and makes it a plain one. The caller writes all of
    /// them next; until then what it holds is not defined. Creates a named stream that does not exist.
    ///
    /// Long contents get clusters of their own before the old ones are freed, in one piece where there is one: so they neither lie
    /// scattered where the old ones lay, nor overwrite what a rollback would need.
    ///
    /// # Errors
    /// As [`Volume::set_size`].
    pub fn start_over(
        &mut self,
        file: FileReference,
        stream: &str,
        size: u64,
    ) -> Result<(), Error> {
        self.change(|core| core.replace_data(file, stream, size))
    }
}
