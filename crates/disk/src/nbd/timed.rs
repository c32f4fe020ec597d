//! A socket on which no exchange takes forever.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// A message, and the answer to it, each come within this time. A request has 4 MiB at the most.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// A socket that can be told how long to wait.
pub(super) trait Socket: Read + Write + Send {
    fn wait_at_most(&self, time: Duration) -> io::Result<()>;
}

impl Socket for TcpStream {
    fn wait_at_most(&self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))?;
        self.set_write_timeout(Some(time))
    }
}

impl Socket for UnixStream {
    fn wait_at_most(&self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))?;
        self.set_write_timeout(Some(time))
    }
}

/// A socket whose peer has [`PATIENCE`] to take a message, which ends with a flush, and as long to answer it. A timeout of the
/// socket's own counts from the last byte.
pub(super) struct Timed {
    socket: Box<dyn Socket>,
    until: Instant,
    writing: bool,
}

impl Timed {
    pub(super) fn new(socket: Box<dyn Socket>) -> Self {
        Self { socket, until: Instant::now() + PATIENCE, writing: false }
    }

    fn arm(&self) -> io::Result<()> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the NBD server takes too long"));
        }
        self.socket.wait_at_most(left)
    }
}

impl Read for Timed {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.arm()?;
        self.socket.read(buf)
    }
}

impl Write for Timed {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if !self.writing {
            self.until = Instant::now() + PATIENCE;
            self.writing = true;
        }
        self.arm()?;
        self.socket.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()?;
        self.until = Instant::now() + PATIENCE;
        self.writing = false;
        Ok(())
    }
}
