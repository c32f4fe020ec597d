//! Volume shadow copies: how many a volume has. They lie in files of their own, and are kept true by Windows alone, which copies
//! each block aside before it changes; an offline edit does not.
//!
//! Source: libvshadow, "Volume Shadow Snapshot (VSS) format": volume header, catalog block header, catalog entry type 2.

use crate::{Error, bytes, core::Core};

/// Where the volume header lies, from the start of the volume.
const HEADER: u64 = 0x1e00;
/// `{3808876b-c176-4e48-b7ae-04046e6cc752}` as on disk.
const IDENTIFIER: [u8; 16] = [
    0x6b, 0x87, 0x08, 0x38, 0x76, 0xc1, 0x48, 0x4e, 0xb7, 0xae, 0x04, 0x04, 0x6e, 0x6c, 0xc7, 0x52,
];
/// Bytes of a catalog block, of its header, and of an entry.
const BLOCK: usize = 0x4000;
const BLOCK_HEADER: usize = 128;
const ENTRY: usize = 128;
/// The type of entries that stand for one shadow copy each.
const STORE: u64 = 2;
/// Windows keeps at most 512 shadow copies of a volume, with two entries each: nine blocks.
const BLOCKS_MAX: usize = 16;

/// True when a structure of the shadow copies begins here, of the record type given.
fn begins(bytes: &[u8], record: u32) -> bool {
    bytes.starts_with(&IDENTIFIER) && bytes::u32_at(bytes, 20) == Some(record)
}

impl Core {
    /// How many shadow copies the volume has, by their catalog.
    pub(crate) fn shadow_copies(&mut self) -> Result<usize, Error> {
        let length = self.cache.device_len();
        let mut header = [0; 128];
        if length < HEADER + header.len() as u64 {
            return Ok(0);
        }
        self.cache.read_through(HEADER, &mut header)?;
        if !begins(&header, 1) {
            return Ok(0);
        }
        let mut count = 0;
        let mut block = vec![0; BLOCK];
        let mut at = bytes::u64_at(&header, 0x30).unwrap_or(0);
        for _ in 0..BLOCKS_MAX {
            // Offset 0 ends the chain.
            if at == 0 || at.checked_add(BLOCK as u64).is_none_or(|end| end > length) {
                break;
            }
            self.cache.read_through(at, &mut block)?;
            if !begins(&block, 2) {
                break;
            }
            let entries = block[BLOCK_HEADER..].chunks_exact(ENTRY);
            count += entries.filter(|entry| bytes::u64_at(entry, 0) == Some(STORE)).count();
            at = bytes::u64_at(&block, 40).unwrap_or(0);
        }
        Ok(count)
    }
}
