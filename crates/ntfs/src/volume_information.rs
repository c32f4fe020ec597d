//! `$Volume`: the label, the NTFS version and the flags that tell what is to be done to the volume.
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
/// `$LogFile` is to change its size at the next mount.
pub(crate) const RESIZE_LOG: u16 = 0x0002;
/// Windows is to convert the volume when it mounts it.
pub(crate) const UPGRADE_ON_MOUNT: u16 = 0x0004;
/// Windows NT 4 had the volume mounted.
pub(crate) const MOUNTED_ON_NT4: u16 = 0x0008;
/// The USN journal is being deleted.
pub(crate) const DELETE_USN_UNDERWAY: u16 = 0x0010;
/// The index of object ids is to be rebuilt.
pub(crate) const REPAIR_OBJECT_IDS: u16 = 0x0020;
/// Windows makes no 8.3 names on this volume, where the registry leaves that to the volume.
///
/// Source: volumes of Windows 10 with and without 8.3 names.
pub(crate) const NO_SHORT_NAMES: u16 = 0x0080;
/// A check of the volume did not end.
pub(crate) const CHECK_UNDERWAY: u16 = 0x4000;
/// chkdsk changed the volume.
pub(crate) const MODIFIED_BY_CHKDSK: u16 = 0x8000;

/// Where the flags stand in the value.
const FLAGS_AT: u64 = 10;

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

    /// Sets the dirty flag, so that Windows checks the volume; false when it was set.
    pub(crate) fn set_dirty(&mut self) -> Result<bool, Error> {
        let flags = self.volume_information()?.flags;
        if flags & DIRTY != 0 {
            return Ok(false);
        }
        let mut stream = self.system_stream(mft::VOLUME, kind::VOLUME_INFORMATION, "")?;
        self.write_stream(&mut stream, FLAGS_AT, &(flags | DIRTY).to_le_bytes())?;
        Ok(true)
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
