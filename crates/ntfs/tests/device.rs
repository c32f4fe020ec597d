//! A device over (a part of) a file.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use winkiln_disk::{Device, DeviceError, device::check_range};

pub(crate) struct FileDevice {
    file: Mutex<File>,
    start: u64,
    length: u64,
    pub(crate) bytes_read: AtomicU64,
    pub(crate) bytes_written: AtomicU64,
}

impl FileDevice {
    /// Opens `length` bytes from `start`, or all that follow.
    pub(crate) fn open(path: &Path, start: u64, length: Option<u64>, writable: bool) -> Arc<Self> {
        let file = File::options().read(true).write(writable).open(path).expect("the image opens");
        let size = file.metadata().expect("the image has a size").len();
        Arc::new(Self {
            file: Mutex::new(file),
            start,
            length: length.unwrap_or(size - start),
            bytes_read: AtomicU64::new(0),
            bytes_written: AtomicU64::new(0),
        })
    }
}

impl Device for FileDevice {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DeviceError> {
        check_range(offset, buf.len(), self.length)?;
        self.bytes_read.fetch_add(buf.len() as u64, Ordering::Relaxed);
        let mut file = self.file.lock().expect("no panic before");
        let length = buf.len() as u64;
        let done =
            file.seek(SeekFrom::Start(self.start + offset)).and_then(|_| file.read_exact(buf));
        done.map_err(|source| DeviceError::Io { action: "read", offset, length, source })
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), DeviceError> {
        check_range(offset, data.len(), self.length)?;
        self.bytes_written.fetch_add(data.len() as u64, Ordering::Relaxed);
        let mut file = self.file.lock().expect("no panic before");
        let length = data.len() as u64;
        let done =
            file.seek(SeekFrom::Start(self.start + offset)).and_then(|_| file.write_all(data));
        done.map_err(|source| DeviceError::Io { action: "write", offset, length, source })
    }
}
