//! What the summary of a package says of its source.
//!
//! Source: [MS-OLEPS] 2.21; "Word Count Summary" in Microsoft's Windows Installer documentation.

use crate::compound::Compound;
use crate::error::Error;
use crate::source::field;

const STREAM: &str = "\u{5}SummaryInformation";
const WORD_COUNT: u32 = 15;
/// The type of a 32-bit number.
const I4: u32 = 3;
const SUMMARY_MAX: u64 = 1 << 20;

/// Bits that say how the source was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct WordCount(u32);

impl WordCount {
    /// Reads it from the summary. Without one, files are as if the package had been built whole: compressed, with long names.
    pub fn read(compound: &mut Compound) -> Result<Self, Error> {
        let name: Vec<u16> = STREAM.encode_utf16().collect();
        let bytes = compound.bytes("summary", &name, SUMMARY_MAX)?.unwrap_or_default();
        Ok(Self(find(&bytes).unwrap_or(2)))
    }

    pub fn has_short_names(self) -> bool {
        self.0 & 1 != 0
    }

    pub fn is_compressed(self) -> bool {
        self.0 & 2 != 0
    }
}

fn find(bytes: &[u8]) -> Option<u32> {
    let set = bytes.get(field::u32(bytes, 44)? as usize..)?;
    let count = field::u32(set, 4)? as usize;
    let (list, _) = set.get(8..)?.as_chunks::<8>();
    let entry = list.iter().take(count).find(|entry| field::u32(*entry, 0) == Some(WORD_COUNT))?;
    let value = set.get(field::u32(entry, 4)? as usize..)?;
    (field::u32(value, 0)? == I4).then_some(())?;
    field::u32(value, 4)
}
