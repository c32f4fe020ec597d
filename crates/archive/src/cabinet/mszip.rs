//! MSZIP: each block is DEFLATE of its own, with the block before as history.
//!
//! Source: [MS-MCI].

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::folder::BLOCK;

#[derive(Default)]
pub(super) struct MsZip {
    /// What the block before unpacked to, then room for the next.
    window: Vec<u8>,
    history: usize,
}

impl MsZip {
    /// Unpacks a block to exactly `size` bytes.
    pub fn unpack(&mut self, block: &[u8], size: usize) -> Result<&[u8], &'static str> {
        let packed = block.strip_prefix(b"CK").ok_or("a block without the mark of MSZIP")?;
        self.window.resize(2 * BLOCK, 0);
        let end = self.history + size;
        let room = self.window.get_mut(..end).ok_or("a block is too long")?;
        let flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let mut state = Box::<DecompressorOxide>::default();
        let (status, _, written) = decompress(&mut state, packed, room, self.history, flags);
        if status != TINFLStatus::Done || written != size {
            return Err("damaged MSZIP data");
        }
        // The last 32 KiB are the history of the next block.
        let keep = end.min(BLOCK);
        self.window.copy_within(end - keep..end, 0);
        self.history = keep;
        Ok(&self.window[keep - size..keep])
    }
}
