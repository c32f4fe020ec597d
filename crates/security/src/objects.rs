//! What a descriptor protects: it decides what generic rights mean, and which letters stand for rights.

use super::sid;

/// What a descriptor protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objects {
    /// Files and folders.
    Files,
    /// Registry keys.
    Keys,
}

/// Generic rights, the top bits of an access mask.
const GENERIC: u32 = 0xf000_0000;
/// Generic rights: read, write, execute, all.
const GENERIC_RIGHTS: [u32; 4] = [0x8000_0000, 0x4000_0000, 0x2000_0000, 0x1000_0000];

impl Objects {
    /// The rights that read, write, execute, all stand for.
    ///
    /// Source: Windows SDK, `FILE_GENERIC_READ`..., `FILE_ALL_ACCESS`; `KEY_READ`..., `KEY_ALL_ACCESS`.
    const fn specific(self) -> [u32; 4] {
        match self {
            Self::Files => [0x0012_0089, 0x0012_0116, 0x0012_00a0, 0x001f_01ff],
            Self::Keys => [0x0002_0019, 0x0002_0006, 0x0002_0019, 0x000f_003f],
        }
    }

    /// Masks with letters of their own, as Windows writes them.
    pub(crate) const fn masks(self) -> &'static [(u32, &'static str)] {
        match self {
            Self::Files => &super::sddl_words::MASKS,
            Self::Keys => &super::sddl_words::KEY_MASKS,
        }
    }

    /// Replaces generic rights by those that they stand for.
    #[must_use]
    pub fn resolve(self, mask: u32) -> u32 {
        let pairs = GENERIC_RIGHTS.into_iter().zip(self.specific());
        let mapped = pairs.filter(|(generic, _)| mask & generic != 0);
        mapped.fold(mask & !GENERIC, |mask, (_, rights)| mask | rights)
    }
}

/// What gets entries from a parent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heir<'a> {
    pub(crate) objects: Objects,
    /// A folder or a key.
    pub(crate) is_container: bool,
    pub(crate) owner: Option<&'a [u8]>,
    pub(crate) group: Option<&'a [u8]>,
}

impl<'a> Heir<'a> {
    /// Replaces CREATOR OWNER and CREATOR GROUP by owner and group.
    pub(crate) fn replace_creator<'b>(&self, sid: &'b [u8]) -> &'b [u8]
    where
        'a: 'b,
    {
        match sid {
            sid::CREATOR_OWNER => self.owner.unwrap_or(sid),
            sid::CREATOR_GROUP => self.group.unwrap_or(sid),
            other => other,
        }
    }
}
