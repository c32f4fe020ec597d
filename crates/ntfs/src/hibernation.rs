//! `hiberfil.sys`: whether a hibernated Windows counts on the volume staying as it is.
//!
//! Source: the signatures of `PO_MEMORY_IMAGE`, as documented by the Volatility project; ntfs-3g refuses the same two.

use crate::{Error, FileReference, core::Core};

/// First bytes of a file that Windows would resume from. `WAKE` and zeros mean that it was resumed from.
const LIVE: [[u8; 4]; 6] = [*b"HIBR", *b"hibr", *b"RSTR", *b"rstr", *b"HORM", *b"horm"];

impl Core {
    /// True when `\hiberfil.sys` holds a memory image.
    pub(crate) fn is_hibernated(&mut self) -> Result<bool, Error> {
        let Some(file) = self.find("hiberfil.sys")? else { return Ok(false) };
        let mut signature = [0; 4];
        let read = self.read_data(FileReference(file.0), "", 0, &mut signature)?;
        Ok(read == signature.len() && LIVE.contains(&signature))
    }
}
