//! `$Volume`: the label, the NTFS version and the dirty flag.
//!
//! Source: linux-ntfs documentation, "$VOLUME_INFORMATION".

use crate::{Error, attribute::kind, bytes, core::Core, mft};

/// `$VOLUME_INFORMATION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VolumeInformation {
    pub(crate) version: (u8, u8),
    pub(crate) flags: u16,
}

/// The volume must be checked before it is used.
pub(crate) const DIRTY: u16 = 0x0001;
/// A check of the volume did not end.
pub(crate) const CHECK_UNDERWAY: u16 = 0x4000;
/// Windows is to convert the volume when it mounts it.
pub(crate) const UPGRADE_ON_MOUNT: u16 = 0x0004;

impl Core {
    pub(crate) fn volume_information(&mut self) -> Result<VolumeInformation, Error> {
        let stream = self.system_stream(mft::VOLUME, kind::VOLUME_INFORMATION, "")?;
        let mut value = [0; 12];
        self.read_stream(&stream, 0, &mut value)?;
        Ok(VolumeInformation {
            version: (value[8], value[9]),
            flags: u16::from_le_bytes([value[10], value[11]]),
        })
    }

    pub(crate) fn label(&mut self) -> Result<String, Error> {
        let Some(stream) = self.open_stream(mft::VOLUME, kind::VOLUME_NAME, &[])? else {
            return Ok(String::new());
        };
        let mut value = vec![0; stream.size().min(512) as usize];
        self.read_stream(&stream, 0, &mut value)?;
        Ok(String::from_utf16_lossy(&bytes::utf16_units(&value)))
    }
}
