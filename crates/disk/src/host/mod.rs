//! The files of the host below an image: read, written, made durable, staged and locked.

pub(crate) mod disk_file;
pub(crate) mod folder;
pub(crate) mod holder;
pub(crate) mod lock;
pub(crate) mod pages;

use std::fmt::Debug;
use std::io::{self, IoSlice};

/// A file or block device of the host, addressed by offset. The seam at which tests cut the power.
///
/// One that implements no more than reading takes no writes.
pub(crate) trait HostFile: Debug + Send + Sync {
    /// Size in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Reads at most `buf.len()` bytes; 0 at the end of the file.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;

    /// Writes at most `data.len()` bytes, growing the file where need be.
    fn write_at(&self, _offset: u64, _data: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    /// As [`HostFile::write_at`], of all parts one after the other.
    fn write_parts_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let parts: Vec<&[u8]> = parts.iter().map(|part| &**part).collect();
        self.write_at(offset, &parts.concat())
    }

    /// Cuts or grows the file.
    fn set_len(&self, _length: u64) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    /// Returns when everything written so far survives a power cut.
    fn sync(&self) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    /// As [`HostFile::sync`] for the bytes and the length alone.
    fn sync_data(&self) -> io::Result<()> {
        self.sync()
    }

    /// When the file was last changed, in seconds since 1970 and nanoseconds; `None` where that tells nothing.
    fn modified(&self) -> io::Result<Option<(i64, u32)>> {
        Ok(None)
    }

    /// Suggests that what was written to `length` bytes from `offset` go to the medium now, without waiting for it.
    fn start_writing(&self, _offset: u64, _length: u64) {}

    /// The end of the hole around `offset`: up to there the file takes no room and reads as zeros. `offset` itself where
    /// there is data, or where it cannot be told. What it says lies past the end of the file has no meaning.
    fn hole_end(&self, offset: u64) -> io::Result<u64> {
        Ok(offset)
    }

    /// Turns `length` bytes from `offset` into zeros, as a hole if `hole` is set and the file can have one.
    fn zero(&self, _offset: u64, _length: u64, _hole: bool) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

/// Writes zeros piece by piece.
pub(crate) fn write_zeros(file: &dyn HostFile, offset: u64, length: u64) -> io::Result<()> {
    let zeros = vec![0; length.min(1 << 20) as usize];
    let end = offset + length;
    let mut position = offset;
    while position < end {
        let count = (end - position).min(zeros.len() as u64);
        write_counted(file, position, &zeros[..count as usize], &mut 0)?;
        position += count;
    }
    Ok(())
}

/// Fills `buf` from `offset`; what lies past the end of the file reads as zeros.
pub(crate) fn read_padded(file: &dyn HostFile, offset: u64, buf: &mut [u8]) -> io::Result<()> {
    let mut done = 0;
    while done < buf.len() {
        match file.read_at(offset + done as u64, &mut buf[done..]) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buf[done..].fill(0);
    Ok(())
}

/// Writes all parts, one after the other, from `offset` on.
pub(crate) fn write_parts(
    file: &dyn HostFile,
    mut offset: u64,
    mut parts: &mut [IoSlice<'_>],
) -> io::Result<()> {
    while !parts.is_empty() {
        match file.write_parts_at(offset, parts) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                offset += count as u64;
                IoSlice::advance_slices(&mut parts, count);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes all of `data` at `offset`. `written` grows by what reached the file, also when it fails.
pub(crate) fn write_counted(
    file: &dyn HostFile,
    offset: u64,
    data: &[u8],
    written: &mut u64,
) -> io::Result<()> {
    let mut done = 0;
    while done < data.len() {
        match file.write_at(offset + done as u64, &data[done..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                done += count;
                *written += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Takes at most five bytes at a time, of the parts too.
    #[derive(Debug, Default)]
    struct Slow(Mutex<Vec<u8>>);

    impl HostFile for Slow {
        fn len(&self) -> io::Result<u64> {
            Ok(self.0.lock().unwrap().len() as u64)
        }

        fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<usize> {
            Ok(0)
        }

        fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<usize> {
            let mut bytes = self.0.lock().unwrap();
            assert_eq!(bytes.len() as u64, offset, "one after the other");
            let count = data.len().min(5);
            bytes.extend_from_slice(&data[..count]);
            Ok(count)
        }
    }

    #[test]
    fn parts_are_written_whole_by_a_file_that_takes_few_bytes_at_a_time() {
        let file = Slow::default();
        let parts: [&[u8]; 4] = [b"one, ", b"", b"two and ", b"three"];
        write_parts(&file, 0, &mut parts.map(IoSlice::new)).unwrap();
        assert_eq!(*file.0.lock().unwrap(), b"one, two and three");
        // As the operating system does it.
        let named = tempfile::NamedTempFile::new().unwrap();
        let disk = disk_file::DiskFile::open(named.path(), true).unwrap();
        write_parts(&disk, 3, &mut parts.map(IoSlice::new)).unwrap();
        assert_eq!(std::fs::read(named.path()).unwrap(), b"\0\0\0one, two and three");
    }
}
