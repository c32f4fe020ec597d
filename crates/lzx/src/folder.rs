//! A folder of a cabinet: frames of 32 KiB, each in a data block of its own, through which blocks and window go on.
//!
//! Source: [MS-PATCH] 2.1 to 2.4; [MS-CAB] for the window's size.

use crate::block::{Block, State};
use crate::{BitReader, Damaged, calls};

/// Bytes of a frame.
const FRAME: usize = 32768;
/// Frames whose calls are translated.
const CALL_FRAMES: u32 = 32768;

/// Unpacks the data blocks of a folder one after the other.
pub struct Folder {
    state: State,
    /// The block that goes on, its bytes that are left, and whether it has an odd number of them.
    block: Option<(Block, usize, bool)>,
    /// A byte that fills up a raw block to whole words stands before the next frame.
    padding: bool,
    /// The file size that calls were translated with; 0 when they were not.
    call_size: i32,
    frames: u32,
    /// Bytes before the frame.
    place: u64,
    window: usize,
    /// What matches may reach back to, then room.
    bytes: Vec<u8>,
    filled: usize,
    frame: Vec<u8>,
}

impl Folder {
    /// A folder with a window of `1 << bits` bytes; `None` unless that is 32 KiB to 2 MiB.
    #[must_use]
    pub fn new(bits: u32) -> Option<Self> {
        let slots = *[30, 32, 34, 36, 38, 42, 50].get(bits.checked_sub(15)? as usize)?;
        Some(Self {
            state: State::new(slots),
            block: None,
            padding: false,
            call_size: 0,
            frames: 0,
            place: 0,
            window: 1 << bits,
            bytes: Vec::new(),
            filled: 0,
            frame: Vec::new(),
        })
    }

    /// Unpacks a data block to exactly `size` bytes, at most 32 KiB.
    ///
    /// # Errors
    /// Damage. Nothing can be unpacked behind it.
    pub fn unpack(&mut self, data: &[u8], size: usize) -> Result<&[u8], Damaged> {
        if size > FRAME {
            return Err(Damaged("a frame is too long"));
        }
        // Room for many frames behind the window, so that it seldom moves.
        if self.filled + size > self.bytes.len() {
            let keep = self.filled.min(self.window);
            self.bytes.copy_within(self.filled - keep..self.filled, 0);
            self.bytes.resize(2 * self.window + FRAME, 0);
            self.filled = keep;
        }
        let mut data = data;
        if std::mem::take(&mut self.padding) {
            data = data.get(1..).unwrap_or_default();
        }
        let mut reader = BitReader::new(data);
        if let Some((Block::Raw, ..)) = self.block {
            reader.go_on_raw();
        }
        if self.frames == 0 && reader.take(1) == 1 {
            let high = u32::from(reader.take(16)) << 16;
            self.call_size = (high | u32::from(reader.take(16))).cast_signed();
        }
        let (mut done, end) = (self.filled, self.filled + size);
        while done < end {
            let (block, left, odd) = match self.block.take() {
                Some(block) => block,
                None => {
                    let kind = reader.take(3);
                    let high = usize::from(reader.take(8)) << 16;
                    let size = high | usize::from(reader.take(16));
                    if size == 0 {
                        return Err(Damaged("block length"));
                    }
                    (self.state.begin(&mut reader, kind)?, size, size % 2 == 1)
                }
            };
            let now = left.min(end - done);
            self.state.fill(&block, &mut reader, &mut self.bytes[..done + now], done)?;
            done += now;
            if now < left {
                self.block = Some((block, left - now, odd));
            } else if matches!(block, Block::Raw) {
                self.padding = odd && reader.is_raw_end() && done == end;
                reader.end_raw(usize::from(odd));
            }
        }
        if reader.is_past_end() {
            return Err(Damaged("frame cut short"));
        }
        self.frame.clear();
        self.frame.extend_from_slice(&self.bytes[self.filled..end]);
        if self.call_size != 0 && self.frames < CALL_FRAMES {
            let place = i32::try_from(self.place).unwrap_or(i32::MAX);
            calls::translate(&mut self.frame, place, self.call_size);
        }
        self.filled = end;
        self.frames = self.frames.saturating_add(1);
        self.place += size as u64;
        Ok(&self.frame)
    }
}
