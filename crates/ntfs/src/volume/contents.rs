//! Contents as a whole.

use super::Volume;
use crate::{Error, FileReference};

impl Volume {
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
