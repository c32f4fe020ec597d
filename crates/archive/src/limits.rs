//! What an archive may cost.

use crate::error::{Error, Format};

/// What an archive may cost. The defaults have room for every driver medium and stop what was made to do harm.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Files and folders.
    pub entries: usize,
    /// Bytes of all files together, unpacked.
    pub bytes: u64,
    /// Unpacked bytes per packed byte, past [`Limits::FREE`]. DEFLATE cannot do more than 1032.
    pub ratio: u64,
}

impl Limits {
    /// Unpacked bytes that are never too many, whatever the ratio.
    pub const FREE: u64 = 64 << 20;

    /// Folders in folders. Windows' own paths end near 128.
    pub const DEPTH: usize = 128;

    pub(crate) fn expansion(
        &self,
        format: Format,
        packed: u64,
        unpacked: u64,
    ) -> Result<(), Error> {
        if unpacked > Self::FREE && unpacked > packed.saturating_mul(self.ratio) {
            return Err(Error::Expands { format, packed, unpacked, ratio: self.ratio });
        }
        if unpacked > self.bytes {
            return Err(Error::TooLarge { format, size: unpacked, max: self.bytes });
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 500_000, bytes: 64 << 30, ratio: 200 }
    }
}
