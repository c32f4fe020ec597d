//! Containers of other hypervisors, which QEMU's driver opens: what they name, and whether they can be written, is judged before.
//!
//! Source: "Virtual Disk Format 5.0" of VMware (header and descriptor of a VMDK); "Virtual Hard Disk Image Format Specification"
//! of Microsoft (the footer of a VHD).

use std::io;

use super::Format;
use crate::host::{HostFile, read_padded};

/// A descriptor of more bytes is none.
const DESCRIPTOR_BYTES_MAX: u64 = 64 << 10;
const SECTOR: u64 = 512;
/// Sectors behind the header in which QEMU looks for a descriptor of its own accord.
const PARENT_SECTORS: u64 = 20;
/// QEMU cuts names of extents short at this length.
const NAME_BYTES_MAX: usize = 511;
/// A VHD whose blocks are those of another file where it has none.
const VHD_DIFFERENCING: u32 = 4;

/// What a container asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Container {
    /// Files that hold its bytes, as it names them.
    pub(crate) extents: Vec<String>,
    /// Why it cannot be written; `None` when it can.
    pub(crate) read_only: Option<&'static str>,
}

/// Why a container was not looked through.
#[derive(Debug)]
pub(crate) enum ContainerFailure {
    Io(io::Error),
    /// It cannot be used; says why.
    Refused(&'static str),
}

impl From<io::Error> for ContainerFailure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Format {
    /// QEMU's name of a format that its driver opens for us.
    pub(super) fn served(self) -> Option<&'static str> {
        match self {
            Self::Raw | Self::Qcow2 => None,
            Self::Vmdk => Some("vmdk"),
            Self::Vhd => Some("vpc"),
            Self::Vhdx => Some("vhdx"),
            Self::Vdi => Some("vdi"),
        }
    }
}

/// Looks through a container.
pub(super) fn look(file: &dyn HostFile, format: Format) -> Result<Container, ContainerFailure> {
    match format {
        Format::Vmdk => look_at_vmdk(file),
        Format::Vhd => look_at_vhd(file),
        // QEMU's drivers refuse those that stand on another image.
        Format::Vhdx | Format::Vdi | Format::Raw | Format::Qcow2 => Ok(Container::default()),
    }
}

fn look_at_vhd(file: &dyn HostFile) -> Result<Container, ContainerFailure> {
    let length = file.len()?;
    for at in [0, length.saturating_sub(SECTOR)] {
        let mut footer = [0; SECTOR as usize];
        read_padded(file, at, &mut footer)?;
        let kind = u32::from_be_bytes([footer[60], footer[61], footer[62], footer[63]]);
        if footer.starts_with(b"conectix") && kind == VHD_DIFFERENCING {
            return Err(ContainerFailure::Refused("it stands on another image"));
        }
    }
    Ok(Container::default())
}

fn look_at_vmdk(file: &dyn HostFile) -> Result<Container, ContainerFailure> {
    let mut head = [0; SECTOR as usize];
    read_padded(file, 0, &mut head)?;
    let number = |at: usize, bytes: usize| {
        head[at..at + bytes].iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
    };
    if head.starts_with(b"COWD") {
        let read_only = Some("files of ESX are read only");
        return Ok(Container { extents: Vec::new(), read_only });
    }
    if !head.starts_with(b"KDMV") {
        if !head.starts_with(b"# Disk DescriptorFile") {
            return Err(ContainerFailure::Refused("it does not begin as one"));
        }
        let length = file.len()?;
        if length > DESCRIPTOR_BYTES_MAX {
            return Err(ContainerFailure::Refused("its descriptor is too long"));
        }
        return describe(&text(file, 0, length)?, true);
    }
    let (capacity, start, sectors, compression) =
        (number(12, 8), number(28, 8), number(36, 8), number(77, 2));
    if capacity == 0 {
        return Err(ContainerFailure::Refused("it says that it holds nothing"));
    }
    let length = sectors.saturating_mul(SECTOR);
    if length > DESCRIPTOR_BYTES_MAX {
        return Err(ContainerFailure::Refused("its descriptor is too long"));
    }
    if sectors != 0 && start != 1 {
        return Err(ContainerFailure::Refused("its descriptor lies elsewhere"));
    }
    // QEMU looks for the name of a parent in these sectors, whatever the header says.
    if names_parent(&text(file, SECTOR, PARENT_SECTORS * SECTOR)?) {
        return Err(ContainerFailure::Refused("it stands on another image"));
    }
    let mut container = describe(&text(file, SECTOR, length)?, false)?;
    if compression != 0 {
        container.read_only = Some("a stream-optimised VMDK cannot be written");
    }
    Ok(container)
}

/// True for a file that QEMU takes for a VMDK whose bytes lie in still other files: its header says that it holds nothing.
pub(super) fn names_others(file: &dyn HostFile) -> io::Result<bool> {
    let mut head = [0; 20];
    read_padded(file, 0, &mut head)?;
    Ok(head.starts_with(b"KDMV") && head[12..].iter().all(|byte| *byte == 0))
}

fn names_parent(text: &str) -> bool {
    text.to_ascii_lowercase().contains("parentfilenamehint")
}

fn text(file: &dyn HostFile, offset: u64, length: u64) -> io::Result<String> {
    let mut bytes = vec![0; length as usize];
    read_padded(file, offset, &mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What a descriptor says; `outside` when the bytes lie in other files. Taken more strictly than QEMU reads it: what only looks
/// like a name counts as one.
fn describe(text: &str, outside: bool) -> Result<Container, ContainerFailure> {
    if names_parent(text) {
        return Err(ContainerFailure::Refused("it stands on another image"));
    }
    let lower = text.to_ascii_lowercase();
    let mut container = Container::default();
    for line in text.split(['\n', '\r']).map(str::trim_start) {
        let is_extent = ["RW", "RDONLY", "NOACCESS"].iter().any(|access| line.starts_with(access));
        if !outside || !is_extent {
            continue;
        }
        let mut parts = line.split('"');
        let (facts, name, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        match (name, rest, parts.next()) {
            (Some(name), Some(_), None) if name.len() < NAME_BYTES_MAX => {
                container.extents.push(name.to_owned());
            }
            // QEMU looks for what is missing on the next line, and cuts long names short.
            (None, None, None) if facts.split_whitespace().nth(2) == Some("ZERO") => {}
            _ => return Err(ContainerFailure::Refused("an extent of it cannot be told")),
        }
    }
    let kind = lower.split("createtype=\"").nth(1).and_then(|rest| rest.split('"').next());
    container.read_only = match kind {
        Some("monolithicsparse" | "monolithicflat") => None,
        Some("streamoptimized") => Some("a stream-optimised VMDK cannot be written"),
        _ => Some("a VMDK of this kind is read only"),
    };
    Ok(container)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors() {
        let flat = "# Disk DescriptorFile\nparentCID=ffffffff\ncreateType=\"monolithicFlat\"\n\
                    RW 2048 FLAT \"a b-flat.vmdk\" 0\n  RDONLY 5 FLAT \"/etc/shadow\" 0\nRW 4 ZERO\n";
        let found = describe(flat, true).unwrap();
        assert_eq!(found.extents, ["a b-flat.vmdk", "/etc/shadow"]);
        assert_eq!(found.read_only, None);
        // Of a file that holds its own bytes, the name is no more than its name when it was made.
        let own = describe("createType=\"streamOptimized\"\nRW 2 SPARSE \"/x\"", false).unwrap();
        assert!(own.extents.is_empty() && own.read_only.is_some());
        assert!(describe("createType=\"twoGbMaxExtentFlat\"", true).unwrap().read_only.is_some());
        // QEMU reads over ends of lines, and up to 511 letters of a name.
        let long = format!("RW 1 FLAT \"{}\" 0", "x".repeat(511));
        for text in ["RW 2048 FLAT\n\"/etc/shadow\" 0", "RW\n 1 FLAT \"x\" 0", &*long] {
            assert!(matches!(describe(text, true), Err(ContainerFailure::Refused(_))), "{text}");
        }
        let parent = "createType=\"monolithicSparse\"\nparentFileNameHint=\"/etc/passwd\"";
        assert!(matches!(describe(parent, false), Err(ContainerFailure::Refused(_))));
    }
}
