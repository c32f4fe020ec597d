//! A position on a device, for code that reads and writes through `std::io`.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use crate::device::{Device, DeviceError};

/// Bytes per cached block.
const BLOCK: usize = 4096;
/// Cached blocks: 256 KiB per cursor at most.
const SLOTS: usize = 64;
/// Requests of this size and above go straight to the device.
const BYPASS: usize = 8 * BLOCK;

/// A position on a shared device: [`Read`], [`Write`] and [`Seek`] over [`Device`], with a small cache of recent blocks.
///
/// Bytes that somebody else writes to the device meanwhile are seen: the cache holds only as long as
/// [`Device::generation`] stands still, and a device that does not count its writes is not cached.
/// Reading stops at the end of the device; writing there returns 0, as a device never grows.
pub struct DeviceCursor {
    device: Arc<dyn Device>,
    position: u64,
    cache: BlockCache,
}

impl DeviceCursor {
    /// Makes a cursor at the first byte of `device`.
    #[must_use]
    pub fn new(device: Arc<dyn Device>) -> Self {
        Self { device, position: 0, cache: BlockCache::default() }
    }

    /// The device below.
    #[must_use]
    pub fn device(&self) -> &Arc<dyn Device> {
        &self.device
    }

    /// Bytes left between the position and the end of the device.
    fn remaining(&self) -> u64 {
        self.device.len().saturating_sub(self.position)
    }

    /// `wanted` bytes, or what is left of the device.
    fn clamp(&self, wanted: usize) -> usize {
        usize::try_from(self.remaining()).map_or(wanted, |left| wanted.min(left))
    }
}

impl fmt::Debug for DeviceCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCursor").field("position", &self.position).finish_non_exhaustive()
    }
}

impl Clone for DeviceCursor {
    /// Makes another cursor at the same position, with a cache of its own.
    fn clone(&self) -> Self {
        Self { position: self.position, ..Self::new(Arc::clone(&self.device)) }
    }
}

impl Read for DeviceCursor {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let wanted = self.clamp(buf.len());
        if wanted == 0 {
            return Ok(0);
        }
        let done = match self.device.generation() {
            Some(generation) if wanted < BYPASS => {
                self.cache.at_generation(generation);
                let within = (self.position % BLOCK as u64) as usize;
                let block = self.cache.block(&*self.device, self.position / BLOCK as u64)?;
                let done = wanted.min(block.len().saturating_sub(within));
                buf[..done].copy_from_slice(&block[within..within + done]);
                done
            }
            _ => {
                self.device.read_at(self.position, &mut buf[..wanted])?;
                wanted
            }
        };
        self.position += done as u64;
        Ok(done)
    }
}

impl Write for DeviceCursor {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let data = &data[..self.clamp(data.len())];
        if data.is_empty() {
            return Ok(0);
        }
        let before = self.device.generation();
        self.device.write_at(self.position, data)?;
        self.cache.wrote(before, self.device.generation(), self.position, data);
        self.position += data.len() as u64;
        Ok(data.len())
    }

    /// Does nothing: what a device has accepted is the device's.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for DeviceCursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(delta) => self.device.len().checked_add_signed(delta),
            SeekFrom::Current(delta) => self.position.checked_add_signed(delta),
        };
        let outside = || {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "seek to a negative or overflowing position",
            )
        };
        self.position = target.ok_or_else(outside)?;
        Ok(self.position)
    }
}

impl From<DeviceError> for io::Error {
    fn from(error: DeviceError) -> Self {
        let kind = match &error {
            DeviceError::Io { source, .. } => source.kind(),
            DeviceError::OutOfRange { .. } => io::ErrorKind::UnexpectedEof,
            // Not `Interrupted`, for which readers try again.
            DeviceError::Interrupted => io::ErrorKind::Other,
            DeviceError::ReadOnly { .. } => io::ErrorKind::PermissionDenied,
        };
        Self::new(kind, error)
    }
}

/// Recent blocks of one generation of a device, one per slot.
#[derive(Default)]
struct BlockCache {
    generation: u64,
    slots: Vec<Option<(u64, Vec<u8>)>>,
}

impl BlockCache {
    /// Forgets everything when the device has been written to since the blocks were read.
    fn at_generation(&mut self, generation: u64) {
        if self.generation != generation {
            self.slots.clear();
            self.generation = generation;
        }
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, || None);
        }
    }

    /// The block with this number, shorter than [`BLOCK`] at the end of the device.
    fn block(&mut self, device: &dyn Device, number: u64) -> Result<&[u8], DeviceError> {
        let slot = &mut self.slots[(number % SLOTS as u64) as usize];
        if slot.as_ref().is_none_or(|(held, _)| *held != number) {
            let start = number * BLOCK as u64;
            let length = device.len().saturating_sub(start).min(BLOCK as u64);
            let mut bytes = slot.take().map(|(_, bytes)| bytes).unwrap_or_default();
            bytes.resize(length as usize, 0);
            device.read_at(start, &mut bytes)?;
            *slot = Some((number, bytes));
        }
        Ok(slot.as_ref().map_or(&[], |(_, bytes)| bytes))
    }

    /// Follows the cursor's own write; forgets everything when another write came between.
    fn wrote(&mut self, before: Option<u64>, after: Option<u64>, offset: u64, data: &[u8]) {
        match (before, after) {
            (Some(before), Some(after))
                if before == self.generation && after == before.wrapping_add(1) =>
            {
                self.generation = after;
            }
            _ => return self.slots.clear(),
        }
        for (number, bytes) in self.slots.iter_mut().flatten() {
            let start = *number * BLOCK as u64;
            let from = offset.max(start);
            let to = (offset + data.len() as u64).min(start + bytes.len() as u64);
            if from < to {
                let source = &data[(from - offset) as usize..(to - offset) as usize];
                bytes[(from - start) as usize..(to - start) as usize].copy_from_slice(source);
            }
        }
    }
}
