//! Telling image formats apart by their first and last bytes.

use std::fmt;
use std::io;

use crate::host::{HostFile, read_padded};

/// Formats that are recognised so that they are not taken for raw disks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KnownFormat {
    /// VMware.
    Vmdk,
    /// Microsoft Virtual PC and Hyper-V, generation 1.
    Vhd,
    /// Hyper-V.
    Vhdx,
    /// VirtualBox.
    Vdi,
    /// The first version of QEMU's copy-on-write format.
    Qcow1,
    /// QEMU enhanced disk.
    Qed,
    /// Parallels.
    Parallels,
    /// A LUKS container.
    Luks,
    /// An Apple disk image.
    Dmg,
    /// Bochs.
    Bochs,
}

impl fmt::Display for KnownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vmdk => "VMDK",
            Self::Vhd => "VHD",
            Self::Vhdx => "VHDX",
            Self::Vdi => "VDI",
            Self::Qcow1 => "qcow (version 1)",
            Self::Qed => "QED",
            Self::Parallels => "Parallels",
            Self::Luks => "LUKS",
            Self::Dmg => "DMG",
            Self::Bochs => "Bochs",
        })
    }
}

/// What the bytes of a file look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probed {
    Raw,
    Qcow2,
    Other(KnownFormat),
}

/// First bytes, the offset they stand at, and what they mean.
const MAGICS: &[(u64, &[u8], KnownFormat)] = &[
    (0, b"KDMV", KnownFormat::Vmdk),
    (0, b"COWD", KnownFormat::Vmdk),
    (0, b"# Disk DescriptorFile", KnownFormat::Vmdk),
    (0, b"vhdxfile", KnownFormat::Vhdx),
    (0, b"conectix", KnownFormat::Vhd),
    (64, &[0x7f, 0x10, 0xda, 0xbe], KnownFormat::Vdi),
    (0, b"QED\0", KnownFormat::Qed),
    (0, b"WithoutFreeSpace", KnownFormat::Parallels),
    (0, b"WithouFreSpacExt", KnownFormat::Parallels),
    (0, b"LUKS\xba\xbe", KnownFormat::Luks),
    (0, b"Bochs Virtual HD Image", KnownFormat::Bochs),
];

/// Tells what a file looks like.
///
/// A guest writes the first bytes of its own raw disk, so `Qcow2` is no more than a claim.
pub(crate) fn probe(file: &dyn HostFile) -> io::Result<Probed> {
    let mut head = [0; 512];
    read_padded(file, 0, &mut head)?;
    if head.starts_with(super::qcow2_header::MAGIC) {
        return Ok(match head[4..8] {
            [0, 0, 0, 1] => Probed::Other(KnownFormat::Qcow1),
            _ => Probed::Qcow2,
        });
    }
    for (offset, magic, format) in MAGICS {
        if head[*offset as usize..].starts_with(magic) {
            return Ok(Probed::Other(*format));
        }
    }
    let length = file.len()?;
    if length >= 512 {
        let mut tail = [0; 512];
        read_padded(file, length - 512, &mut tail)?;
        if tail.starts_with(b"conectix") {
            return Ok(Probed::Other(KnownFormat::Vhd));
        }
        if tail.starts_with(b"koly") {
            return Ok(Probed::Other(KnownFormat::Dmg));
        }
    }
    Ok(Probed::Raw)
}
