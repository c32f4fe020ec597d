//! A device that fails when told to.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use winkiln_disk::{Device, DeviceError};

/// Fails one read or write: the one at which the countdown ends.
pub(crate) struct FaultyDevice {
    below: Arc<dyn Device>,
    countdown: AtomicI64,
}

impl FaultyDevice {
    pub(crate) fn new(below: Arc<dyn Device>) -> Arc<Self> {
        Arc::new(Self { below, countdown: AtomicI64::new(-1) })
    }

    /// The transfer after `transfers` more fails.
    pub(crate) fn fail_after(&self, transfers: u64) {
        self.countdown.store(transfers.cast_signed(), Ordering::Relaxed);
    }

    /// No transfer fails.
    pub(crate) fn work(&self) {
        self.countdown.store(-1, Ordering::Relaxed);
    }

    fn count(&self, action: &'static str, offset: u64, length: usize) -> Result<(), DeviceError> {
        let before = self.countdown.load(Ordering::Relaxed);
        if before < 0 {
            return Ok(());
        }
        self.countdown.store(before - 1, Ordering::Relaxed);
        if before > 0 {
            return Ok(());
        }
        let source = std::io::Error::other("a fault on purpose");
        Err(DeviceError::Io { action, offset, length: length as u64, source })
    }
}

impl Device for FaultyDevice {
    fn len(&self) -> u64 {
        self.below.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DeviceError> {
        self.count("read", offset, buf.len())?;
        self.below.read_at(offset, buf)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), DeviceError> {
        self.count("write", offset, data.len())?;
        self.below.write_at(offset, data)
    }
}
