//! What a partition holds, told from its first sectors.

use std::fmt;
use std::sync::Arc;

use winkiln_disk::{Device, DeviceError};
use winkiln_ntfs::{self as ntfs, StateDetail};

use crate::OpenOptions;
use crate::fat::{FatError, FatVolume, Geometry, Width};

/// A filesystem, or what takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum Filesystem {
    Ntfs,
    Fat12,
    Fat16,
    Fat32,
    ExFat,
    ReFs,
    BitLocker,
    Unknown,
}

impl fmt::Display for Filesystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ntfs => "NTFS",
            Self::Fat12 => "FAT12",
            Self::Fat16 => "FAT16",
            Self::Fat32 => "FAT32",
            Self::ExFat => "exFAT",
            Self::ReFs => "ReFS",
            Self::BitLocker => "BitLocker",
            Self::Unknown => "an unknown filesystem",
        })
    }
}

/// What a volume is and whether it may be written, without opening it for writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Filesystem.
    pub filesystem: Filesystem,
    /// Label, empty when none.
    pub label: String,
    /// Serial number; FAT's 32 bits in the low half.
    pub serial: u64,
    /// Bytes per cluster, 0 when unknown.
    pub cluster_size: u32,
    /// Free bytes when known.
    pub free_bytes: Option<u64>,
    /// True when nothing speaks against writing.
    pub clean: bool,
    /// Why it is not clean or cannot be opened: stable words first (`hibernated`, `dirty`, `log-not-clean`, `bitlocker`,
    /// `refs`, `exfat`, `unknown`, `larger-than-partition`, `damaged: ...`).
    pub reasons: Vec<String>,
    /// The same with what they were told from, and what does not speak against writing besides: `shadow-copies`, `resize-log`...
    pub details: Vec<StateDetail>,
}

impl Identity {
    fn closed(filesystem: Filesystem, reason: impl Into<String>) -> Self {
        Self {
            filesystem,
            label: String::new(),
            serial: 0,
            cluster_size: 0,
            free_bytes: None,
            clean: false,
            reasons: vec![reason.into()],
            details: Vec::new(),
        }
    }
}

/// Tells what `device` holds. Damage is reported in `reasons`, not as an error.
///
/// # Errors
/// Only when the device cannot be read.
pub fn identify(device: &Arc<dyn Device>) -> Result<Identity, DeviceError> {
    let filesystem = recognise(&**device)?;
    Ok(match filesystem {
        Filesystem::Ntfs => identify_ntfs(device)?,
        Filesystem::Fat12 | Filesystem::Fat16 | Filesystem::Fat32 => {
            identify_fat(device, filesystem)?
        }
        Filesystem::ExFat => Identity::closed(filesystem, "exfat"),
        Filesystem::ReFs => Identity::closed(filesystem, "refs"),
        Filesystem::BitLocker => Identity::closed(filesystem, "bitlocker"),
        Filesystem::Unknown => Identity::closed(filesystem, "unknown"),
    })
}

/// BitLocker To Go keeps a FAT boot sector; this GUID at 424 tells it apart. Bytes as on disk.
/// Source: libbde, "BitLocker Drive Encryption format", volume header of BitLocker To Go.
const BITLOCKER_TO_GO: [u8; 16] = [
    0x3B, 0xD6, 0x67, 0x49, 0x29, 0x2E, 0xD8, 0x4A, 0x83, 0x99, 0xF6, 0xA3, 0x39, 0xE3, 0xD0, 0x01,
];

/// The filesystem by the signatures of the boot sector alone.
pub(crate) fn recognise(device: &dyn Device) -> Result<Filesystem, DeviceError> {
    let mut boot = [0; 512];
    if device.len() < boot.len() as u64 {
        return Ok(Filesystem::Unknown);
    }
    device.read_at(0, &mut boot)?;
    Ok(match &boot[3..11] {
        b"-FVE-FS-" => Filesystem::BitLocker,
        b"NTFS    " => Filesystem::Ntfs,
        b"EXFAT   " => Filesystem::ExFat,
        b"ReFS\0\0\0\0" => Filesystem::ReFs,
        b"MSWIN4.1" if boot[424..440] == BITLOCKER_TO_GO => Filesystem::BitLocker,
        _ => match Geometry::read(&boot) {
            Ok(geometry) => match geometry.width {
                Width::Fat12 => Filesystem::Fat12,
                Width::Fat16 => Filesystem::Fat16,
                Width::Fat32 => Filesystem::Fat32,
            },
            Err(_) => Filesystem::Unknown,
        },
    })
}

fn identify_ntfs(device: &Arc<dyn Device>) -> Result<Identity, DeviceError> {
    let unreadable = |error: ntfs::Error| match error {
        ntfs::Error::Device(error) => Err(error),
        error => Ok(Identity::closed(Filesystem::Ntfs, damage(&error))),
    };
    let volume = match ntfs::Volume::open(Arc::clone(device), ntfs::OpenOptions::default()) {
        Ok(volume) => volume,
        Err(error) => return unreadable(error),
    };
    let mut identity = Identity {
        filesystem: Filesystem::Ntfs,
        label: String::new(),
        serial: volume.serial(),
        cluster_size: volume.cluster_size(),
        free_bytes: None,
        clean: true,
        reasons: Vec::new(),
        details: Vec::new(),
    };
    let facts = (|| {
        identity.label = volume.label()?;
        identity.free_bytes = Some(volume.free_bytes()?);
        volume.state()
    })();
    match facts {
        Ok(state) => {
            (identity.clean, identity.reasons) = (state.clean, state.reasons);
            identity.details = state.details;
        }
        Err(ntfs::Error::Device(error)) => return Err(error),
        Err(error) => (identity.clean, identity.reasons) = (false, vec![damage(&error)]),
    }
    Ok(identity)
}

fn identify_fat(device: &Arc<dyn Device>, filesystem: Filesystem) -> Result<Identity, DeviceError> {
    let read = || {
        let volume = FatVolume::open(Arc::clone(device), OpenOptions::default())?;
        let reasons = volume.reasons()?;
        Ok(Identity {
            filesystem,
            label: volume.label()?,
            serial: u64::from(volume.geometry().serial),
            cluster_size: volume.geometry().cluster,
            free_bytes: Some(volume.free_bytes()?),
            clean: reasons.is_empty(),
            details: reasons.iter().map(|word| fat_detail(word)).collect(),
            reasons,
        })
    };
    match read() {
        Ok(identity) => Ok(identity),
        Err(FatError::Device(error)) => Err(error),
        Err(FatError::LargerThanPartition { .. }) => {
            Ok(Identity::closed(filesystem, "larger-than-partition"))
        }
        Err(error) => Ok(Identity::closed(filesystem, damage(&error))),
    }
}

/// FAT has one reason: its dirty flag.
fn fat_detail(word: &str) -> StateDetail {
    StateDetail {
        word: word.to_owned(),
        evidence: "the flag for a volume that was not put away is set".to_owned(),
        blocks_writing: true,
    }
}

fn damage(error: &dyn std::error::Error) -> String {
    format!("damaged: {error}")
}
