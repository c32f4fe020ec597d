//! Recently read blocks of the image: registry and NTFS code reads the same few kilobytes again and again, and a
//! compressed cluster costs the same to unpack for one byte as for all.

use std::collections::HashMap;
use std::fmt;

use crate::device::DeviceError;
use crate::image::{BLOCK, Backend};

/// Blocks kept: 6 MiB at most, but for one large compressed cluster.
const CAPACITY: usize = 384;
/// Larger reads would push everything else out, and gain nothing.
const BYPASS: usize = 128 << 10;

/// Blocks of the image by number, with the time of their last use.
#[derive(Default)]
pub(super) struct ReadCache {
    blocks: HashMap<u64, Block>,
    clock: u64,
}

struct Block {
    bytes: Box<[u8]>,
    used: u64,
}

impl fmt::Debug for ReadCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} blocks", self.blocks.len())
    }
}

impl ReadCache {
    /// Fills `buf` from `offset`, which lies inside the disk, and adds what was fetched to `fetched`.
    pub(super) fn read(
        &mut self,
        backend: &Backend,
        offset: u64,
        buf: &mut [u8],
        fetched: &mut u64,
    ) -> Result<(), DeviceError> {
        if buf.len() >= BYPASS {
            fetch(backend, offset, buf)?;
            *fetched += buf.len() as u64;
            return Ok(());
        }
        let mut done = 0;
        while done < buf.len() {
            let position = offset + done as u64;
            let within = (position % BLOCK) as usize;
            let block = self.block(backend, position, fetched)?;
            let count = block.len().saturating_sub(within).min(buf.len() - done);
            if count == 0 {
                return fetch(backend, position, &mut buf[done..]);
            }
            buf[done..done + count].copy_from_slice(&block[within..within + count]);
            done += count;
        }
        Ok(())
    }

    /// Forgets the block around `offset`.
    pub(super) fn forget(&mut self, offset: u64) {
        self.blocks.remove(&(offset / BLOCK));
    }

    /// The block around `position`, shorter at the end of the disk.
    fn block(
        &mut self,
        backend: &Backend,
        position: u64,
        fetched: &mut u64,
    ) -> Result<&[u8], DeviceError> {
        let number = position / BLOCK;
        if !self.blocks.contains_key(&number) {
            self.make_room();
            let range = backend.fetch_range(position);
            let mut bytes = vec![0; (range.end - range.start) as usize];
            fetch(backend, range.start, &mut bytes)?;
            *fetched += bytes.len() as u64;
            for (index, chunk) in bytes.chunks(BLOCK as usize).enumerate() {
                let number = range.start / BLOCK + index as u64;
                self.blocks.insert(number, Block { bytes: chunk.into(), used: self.clock });
            }
        }
        self.clock += 1;
        let clock = self.clock;
        Ok(self.blocks.get_mut(&number).map_or(&[], |block| {
            block.used = clock;
            &block.bytes
        }))
    }

    /// When full, drops the half of the blocks that was not used for longest.
    fn make_room(&mut self) {
        if self.blocks.len() < CAPACITY {
            return;
        }
        let mut times: Vec<u64> = self.blocks.values().map(|block| block.used).collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        self.blocks.retain(|_, block| block.used > median);
    }
}

fn fetch(backend: &Backend, offset: u64, buf: &mut [u8]) -> Result<(), DeviceError> {
    let length = buf.len() as u64;
    backend.read(offset, buf).map_err(|source| DeviceError::Io {
        action: "read",
        offset,
        length,
        source,
    })
}
