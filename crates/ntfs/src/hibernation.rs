//! `hiberfil.sys`: whether a hibernated Windows counts on the volume staying as it is.
//!
//! From Windows 8 on the same file serves hibernation and the shutdown for a fast startup; no documented field of its header
//! tells which it was, so both are one state here.
//!
//! Source: the signatures of `PO_MEMORY_IMAGE`, as documented by the Volatility project; ntfs-3g refuses the same two. Windows
//! zeroes the first page itself when it has resumed.

use crate::{Error, FileReference, core::Core};

/// First bytes of a file that Windows would resume from. `WAKE` and zeros mean that it was resumed from.
const LIVE: [[u8; 4]; 6] = [*b"HIBR", *b"hibr", *b"RSTR", *b"rstr", *b"HORM", *b"horm"];
/// Bytes of the header page, without which the loader finds no image.
const HEADER_PAGE: u64 = 4096;

/// A memory image that Windows would resume from.
pub(crate) struct HibernationImage {
    file: FileReference,
    pub(crate) signature: String,
    pub(crate) size: u64,
}

impl Core {
    /// The memory image in `\hiberfil.sys`, when there is one.
    pub(crate) fn hibernation_image(&mut self) -> Result<Option<HibernationImage>, Error> {
        let Some(file) = self.find("hiberfil.sys")? else { return Ok(None) };
        let Some(stream) = self.data(file, "")? else { return Ok(None) };
        let mut signature = [0; 4];
        let read = self.read_data(file, "", 0, &mut signature)?;
        let live = read == signature.len() && LIVE.contains(&signature);
        Ok(live.then(|| HibernationImage {
            file,
            signature: String::from_utf8_lossy(&signature).into_owned(),
            size: stream.size(),
        }))
    }

    /// Zeroes the image's header page: Windows then starts anew.
    pub(crate) fn discard_hibernation(&mut self, image: &HibernationImage) -> Result<(), Error> {
        let page = vec![0; image.size.min(HEADER_PAGE) as usize];
        self.write_data(image.file, "", 0, &page)
    }
}
