//! The files of the host below an image: read, written, made durable, staged and locked.

pub(crate) mod disk_file;
pub(crate) mod folder;
pub(crate) mod lock;
pub(crate) mod pages;

use std::fmt::Debug;
use std::io;

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
