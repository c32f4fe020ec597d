//! A device in memory, for tests and for building small images.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::device::{Device, DeviceError, check_range};

/// A device whose bytes live in memory.
#[derive(Debug, Default)]
pub struct MemoryDevice(Mutex<Contents>);

#[derive(Debug, Default)]
struct Contents {
    bytes: Vec<u8>,
    generation: u64,
}

impl MemoryDevice {
    /// Makes a device of these bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Mutex::new(Contents { bytes, generation: 0 }))
    }

    /// A copy of all bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.contents().bytes.clone()
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Device for MemoryDevice {
    fn len(&self) -> u64 {
        self.contents().bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DeviceError> {
        let contents = self.contents();
        check_range(offset, buf.len(), contents.bytes.len() as u64)?;
        let start = offset as usize;
        buf.copy_from_slice(&contents.bytes[start..start + buf.len()]);
        Ok(())
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), DeviceError> {
        let mut contents = self.contents();
        check_range(offset, data.len(), contents.bytes.len() as u64)?;
        let start = offset as usize;
        contents.bytes[start..start + data.len()].copy_from_slice(data);
        contents.generation += 1;
        Ok(())
    }

    fn generation(&self) -> Option<u64> {
        Some(self.contents().generation)
    }
}
