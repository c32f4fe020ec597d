//! The version of a file, from its resources.

use std::fmt;

use super::{DIRECTORY_RESOURCE, Image, u16_at, u32_at};

/// `RT_VERSION`
const VERSION: u32 = 16;
/// The place of `VS_FIXEDFILEINFO` in `VS_VERSIONINFO`: three words, the key's sixteen characters, up to four bytes.
const FIXED: usize = 40;
const SIGNATURE: u32 = 0xfeef_04bd;

/// A version of four numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileVersion(pub [u16; 4]);

impl fmt::Display for FileVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{a}.{b}.{c}.{d}")
    }
}

impl Image<'_> {
    /// The file version; `None` when there is none, or none that can be read.
    pub fn file_version(&self) -> Option<FileVersion> {
        let root = self.at_address(self.directory(DIRECTORY_RESOURCE)?.0)?;
        // Type, name, language: the first of each.
        let mut at = entry(root, 0, Some(VERSION))?;
        for _ in 0..2 {
            at = entry(root, (at & 0x7fff_ffff) as usize, None)?;
        }
        if at & 0x8000_0000 != 0 {
            return None;
        }
        let info = self.at_address(u32_at(root, at as usize)?)?;
        if u32_at(info, FIXED)? != SIGNATURE {
            return None;
        }
        let [high, low] = [u32_at(info, FIXED + 8)?, u32_at(info, FIXED + 12)?];
        Some(FileVersion(
            [high, low].map(|n| [(n >> 16) as u16, n as u16]).as_flattened().try_into().ok()?,
        ))
    }
}

/// Where an entry of a resource directory leads: the one of this number, or the first.
fn entry(root: &[u8], at: usize, number: Option<u32>) -> Option<u32> {
    let count = usize::from(u16_at(root, at + 12)?) + usize::from(u16_at(root, at + 14)?);
    (0..count).map(|index| at + 16 + 8 * index).find_map(|at| {
        let is_it = number.is_none_or(|number| u32_at(root, at) == Some(number));
        if is_it { u32_at(root, at + 4) } else { None }
    })
}
