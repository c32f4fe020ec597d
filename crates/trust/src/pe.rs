//! PE files: headers, what they import, their version, and the digest that signatures are over.
//!
//! Source: "PE Format" (Microsoft); "Windows Authenticode Portable Executable Signature Format" (Microsoft, 2008).

mod authenticode;
mod import;
mod version;

use crate::error::Error;
pub use version::FileVersion;

/// Sections of an image; Windows' loader takes 96.
const SECTIONS_MAX: u16 = 1024;

const DIRECTORY_IMPORT: usize = 1;
const DIRECTORY_RESOURCE: usize = 2;
const DIRECTORY_SECURITY: usize = 4;

/// The processor that code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Machine {
    /// 32-bit x86.
    X86,
    /// 64-bit x86.
    Amd64,
    /// Itanium.
    Ia64,
    /// 32-bit ARM.
    Arm,
    /// 64-bit ARM.
    Arm64,
    /// Another, by its number.
    Other(u16),
}

/// A PE file.
#[derive(Debug, Clone)]
pub struct Image<'a> {
    bytes: &'a [u8],
    /// The processor.
    pub machine: Machine,
    /// `IMAGE_SUBSYSTEM_*`: 1 for drivers.
    pub subsystem: u16,
    /// Seconds since 1970, as the linker left them.
    pub timestamp: u32,
    checksum_at: usize,
    directories_at: usize,
    directories: usize,
    header_size: usize,
    sections: Vec<Section>,
}

#[derive(Debug, Clone, Copy)]
struct Section {
    address: u32,
    virtual_size: u32,
    offset: u32,
    size: u32,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

impl<'a> Image<'a> {
    /// True for bytes that begin as a PE file does.
    pub fn is_pe(bytes: &[u8]) -> bool {
        let at = u32_at(bytes, 60).map(|at| at as usize);
        bytes.starts_with(b"MZ")
            && at.and_then(|at| bytes.get(at..)).is_some_and(|rest| rest.starts_with(b"PE\0\0"))
    }

    /// Reads the headers.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Truncated`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let size = bytes.len() as u64;
        let cut = |structure, at: usize| Error::Truncated { structure, at: at as u64, size };
        let header = u32_at(bytes, 60).ok_or_else(|| cut("DOS header", 0))? as usize;
        if !Self::is_pe(bytes) {
            let found = u16_at(bytes, 0).unwrap_or(0).into();
            return Err(Error::Damaged {
                structure: "PE header",
                at: header as u64,
                found,
                expected: "MZ and PE",
            });
        }
        let field16 = |at| u16_at(bytes, at).ok_or_else(|| cut("PE header", at));
        let field32 = |at| u32_at(bytes, at).ok_or_else(|| cut("PE header", at));
        let count = field16(header + 6)?;
        if count > SECTIONS_MAX {
            let (found, at) = (count.into(), header as u64 + 6);
            return Err(Error::Damaged {
                structure: "PE header",
                at,
                found,
                expected: "at most 1024 sections",
            });
        }
        let optional = header + 24;
        let directories_at = optional
            + match field16(optional)? {
                0x10b => 96,
                0x20b => 112,
                found => {
                    let (found, at) = (found.into(), optional as u64);
                    return Err(Error::Damaged {
                        structure: "optional header",
                        at,
                        found,
                        expected: "0x10b or 0x20b",
                    });
                }
            };
        let table = optional + usize::from(field16(header + 20)?);
        let mut sections = Vec::with_capacity(count.into());
        for number in 0..usize::from(count) {
            let at = table + 40 * number;
            let field = |from| u32_at(bytes, at + from).ok_or_else(|| cut("section header", at));
            sections.push(Section {
                virtual_size: field(8)?,
                address: field(12)?,
                size: field(16)?,
                offset: field(20)?,
            });
        }
        let directories = field32(directories_at - 4)? as usize;
        Ok(Self {
            bytes,
            machine: match field16(header + 4)? {
                0x14c => Machine::X86,
                0x8664 => Machine::Amd64,
                0x200 => Machine::Ia64,
                0x1c0 | 0x1c2 | 0x1c4 => Machine::Arm,
                0xaa64 => Machine::Arm64,
                other => Machine::Other(other),
            },
            subsystem: field16(optional + 68)?,
            timestamp: field32(header + 8)?,
            checksum_at: optional + 64,
            directories_at,
            // As many as fit before the section headers.
            directories: directories.min(table.saturating_sub(directories_at) / 8),
            header_size: field32(optional + 60)? as usize,
            sections,
        })
    }

    /// A data directory: address and size.
    fn directory(&self, number: usize) -> Option<(u32, u32)> {
        let at = self.directories_at + 8 * number;
        let found = (u32_at(self.bytes, at)?, u32_at(self.bytes, at + 4)?);
        (number < self.directories && found != (0, 0)).then_some(found)
    }

    /// The bytes from an address of the loaded image to the end of its section's bytes.
    fn at_address(&self, address: u32) -> Option<&'a [u8]> {
        if (address as usize) < self.header_size {
            return self.bytes.get(address as usize..self.header_size);
        }
        let section = self.sections.iter().find(|section| {
            address
                .checked_sub(section.address)
                .is_some_and(|from| from < section.virtual_size.max(section.size))
        })?;
        let from = (section.offset as usize).checked_add((address - section.address) as usize)?;
        let end = (section.offset as usize).checked_add(section.size as usize)?;
        self.bytes.get(from..end.min(self.bytes.len()))
    }
}
