//! The `$Secure` file as the security store sees it: the `$SDS` stream and two indexes.

use crate::{Error, index::IndexStore};

/// One of the two indexes of `$Secure`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecureIndex {
    /// By security id.
    Sii,
    /// By hash, then id.
    Sdh,
}

/// Access to `$Secure`; implemented by the volume.
pub trait SecureFile {
    /// Length of `$SDS` in bytes.
    fn sds_size(&mut self) -> Result<u64, Error>;
    /// Reads exactly `buf.len()` bytes of `$SDS`.
    fn sds_read(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), Error>;
    /// Writes to `$SDS`, growing it with zeros as needed.
    fn sds_write(&mut self, offset: u64, data: &[u8]) -> Result<(), Error>;
    /// Runs `f` on one of the indexes.
    fn with_index(
        &mut self,
        which: SecureIndex,
        f: &mut dyn FnMut(&mut dyn IndexStore) -> Result<(), Error>,
    ) -> Result<(), Error>;
}
