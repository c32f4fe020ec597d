//! A part of a device, such as a partition, as a device of its own.

use std::sync::Arc;

use crate::device::{Device, DeviceError, check_range};

/// `length` bytes of a device from `start`. Offsets of its errors count from the window's start.
#[derive(Clone)]
pub struct Window {
    device: Arc<dyn Device>,
    start: u64,
    length: u64,
}

impl Window {
    /// Opens the window.
    ///
    /// # Errors
    /// [`DeviceError::OutOfRange`] when it does not lie inside the device.
    pub fn new(device: Arc<dyn Device>, start: u64, length: u64) -> Result<Self, DeviceError> {
        let size = device.len();
        match start.checked_add(length) {
            Some(end) if end <= size => Ok(Self { device, start, length }),
            _ => Err(DeviceError::OutOfRange { offset: start, length, size }),
        }
    }
}

impl Device for Window {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DeviceError> {
        check_range(offset, buf.len(), self.length)?;
        self.device.read_at(self.start + offset, buf)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), DeviceError> {
        check_range(offset, data.len(), self.length)?;
        self.device.write_at(self.start + offset, data)
    }

    fn write_fresh(&self, offset: u64, data: &[u8]) -> Result<(), DeviceError> {
        check_range(offset, data.len(), self.length)?;
        self.device.write_fresh(self.start + offset, data)
    }

    fn read_original_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DeviceError> {
        check_range(offset, buf.len(), self.length)?;
        self.device.read_original_at(self.start + offset, buf)
    }

    fn generation(&self) -> Option<u64> {
        self.device.generation()
    }
}
