//! The byte-addressed device that everything above is computed from.

use std::io;

/// A byte-addressed block device: an image, a transaction over one, a partition's window, memory.
///
/// Writing takes `&self` so that several volumes can be open over one transaction; implementations lock.
pub trait Device: Send + Sync {
    /// Size in bytes.
    fn len(&self) -> u64;

    /// True when the device holds no byte.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buf` with the bytes from `offset`.
    ///
    /// # Errors
    /// [`DeviceError::OutOfRange`] when the range passes the end, [`DeviceError::Io`] when the medium fails.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DeviceError>;

    /// Writes `data` at `offset`. A device never grows.
    ///
    /// # Errors
    /// As [`Device::read_at`], and [`DeviceError::ReadOnly`].
    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), DeviceError>;

    /// Writes `data` to a place that nothing on the device names, and that nothing named when the transaction over it began:
    /// clusters that were free then. A transaction may let such bytes reach the image before it commits.
    ///
    /// # Errors
    /// As [`Device::write_at`].
    fn write_fresh(&self, offset: u64, data: &[u8]) -> Result<(), DeviceError> {
        self.write_at(offset, data)
    }

    /// Fills `buf` with the bytes from `offset` as they were when the transaction over the device began. A device without a
    /// transaction has only its present bytes.
    ///
    /// # Errors
    /// As [`Device::read_at`].
    fn read_original_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DeviceError> {
        self.read_at(offset, buf)
    }

    /// The number of writes the device has taken, one more with each; `None` when it does not count them.
    ///
    /// What was read at a generation holds as long as the generation does. Caches above a device rest on it.
    fn generation(&self) -> Option<u64> {
        None
    }
}

/// Why a device could not be read or written. Offsets count bytes from the device's start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The medium or the image format below it failed.
    #[error("cannot {action} {length} bytes at offset {offset:#x}")]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// First byte of the range.
        offset: u64,
        /// Bytes asked for.
        length: u64,
        /// What the operating system or the image format said.
        source: io::Error,
    },
    /// The range does not lie inside the device.
    #[error("range {offset:#x}+{length:#x} passes the end of the device ({size:#x} bytes)")]
    OutOfRange {
        /// First byte of the range.
        offset: u64,
        /// Bytes asked for.
        length: u64,
        /// The device's size in bytes.
        size: u64,
    },
    /// Somebody asked to stop (`Interrupt`).
    #[error("stopped on request")]
    Interrupted,
    /// The device was opened for reading only.
    #[error("the device is open for reading only (write of {length} bytes at {offset:#x})")]
    ReadOnly {
        /// First byte of the range.
        offset: u64,
        /// Bytes given.
        length: u64,
    },
}

/// Checks that `offset + length` lies inside a device of `size` bytes.
///
/// # Errors
/// [`DeviceError::OutOfRange`].
pub fn check_range(offset: u64, length: usize, size: u64) -> Result<(), DeviceError> {
    let length = length as u64;
    match offset.checked_add(length) {
        Some(end) if end <= size => Ok(()),
        _ => Err(DeviceError::OutOfRange { offset, length, size }),
    }
}
