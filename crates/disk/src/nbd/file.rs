//! An export as a file of the host.

use std::fmt;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use super::address::{Address, Place};
use super::client::Client;
use super::timed::{PATIENCE, Timed};
use super::{NbdError, Server, Start};
use crate::host::{HostFile, write_zeros};

/// A disk behind an NBD server.
pub(crate) struct NbdFile {
    client: Mutex<Client<Timed>>,
    size: u64,
    block: u64,
    /// Bytes of a request, whole blocks.
    most: usize,
    /// Ends when the connection does.
    _server: Option<Server>,
}

impl fmt::Debug for NbdFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NbdFile").field("size", &self.size).finish_non_exhaustive()
    }
}

impl NbdFile {
    /// Connects to a server; `writable` asks for one that takes writes and can make them durable.
    pub(crate) fn connect(address: &Address, writable: bool) -> Result<Self, NbdError> {
        let client = Client::connect(Self::dial(address)?, &address.export)?;
        Self::of_client(client, writable, None)
    }

    /// Negotiates with a server that was started for this, and ends with the file.
    pub(crate) fn of_server(
        mut server: Server,
        stream: UnixStream,
        writable: bool,
    ) -> Result<Self, Start> {
        match Client::connect(Timed::new(Box::new(stream)), "") {
            Ok(client) => {
                server.is_connected();
                Self::of_client(client, writable, Some(server)).map_err(Start::Nbd)
            }
            // It hangs up when it cannot open the image.
            Err(error) => Err(server.end().unwrap_or(Start::Nbd(error))),
        }
    }

    fn dial(address: &Address) -> Result<Timed, NbdError> {
        let socket: Box<dyn super::timed::Socket> = match &address.place {
            Place::Tcp { host, port } => {
                let stream = reach(host, *port)?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Place::Unix(path) => Box::new(reach_socket(path, PATIENCE)?),
        };
        Ok(Timed::new(socket))
    }

    fn of_client(
        client: Client<Timed>,
        writable: bool,
        server: Option<Server>,
    ) -> Result<Self, NbdError> {
        let (size, block, most) = (client.size, client.block.into(), client.most);
        let (is_read_only, can_flush) = (client.is_read_only(), client.can_flush());
        let file = Self { client: Mutex::new(client), size, block, most, _server: server };
        match writable {
            true if is_read_only => Err(NbdError::ReadOnly),
            true if !can_flush => Err(NbdError::NoFlush),
            _ => Ok(file),
        }
    }

    fn client(&self) -> MutexGuard<'_, Client<Timed>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The blocks around a part of what is asked for that fits into one request: their start, their length, and where in them
    /// the part begins and how long it is.
    fn blocks(&self, offset: u64, length: usize) -> (u64, usize, usize, usize) {
        let start = offset - offset % self.block;
        let within = (offset - start) as usize;
        let count = length.min(self.most - within);
        let whole = ((within + count) as u64).next_multiple_of(self.block);
        // A last block that is cut short is asked for as it is.
        (start, whole.min(self.size - start) as usize, within, count)
    }
}

/// Connects to a socket. One whose server takes nobody lets callers wait, for which there is no limit but this: the thread that
/// waits is left behind.
fn reach_socket(path: &Path, patience: Duration) -> io::Result<UnixStream> {
    let (sender, connected) = mpsc::channel();
    let path = path.to_owned();
    thread::Builder::new().spawn(move || sender.send(UnixStream::connect(path)))?;
    let timed_out =
        |_| io::Error::new(io::ErrorKind::TimedOut, "the NBD server takes no connection");
    connected.recv_timeout(patience).map_err(timed_out)?
}

/// Connects to the first of a host's addresses that answers.
fn reach(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

impl Drop for NbdFile {
    fn drop(&mut self) {
        self.client().disconnect();
    }
}

impl HostFile for NbdFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let rest = self.size.saturating_sub(offset).min(buf.len() as u64) as usize;
        if rest == 0 {
            return Ok(0);
        }
        let (start, whole, within, count) = self.blocks(offset, rest);
        if whole == count {
            self.client().read(start, &mut buf[..count])?;
        } else {
            let mut bytes = vec![0; whole];
            self.client().read(start, &mut bytes)?;
            buf[..count].copy_from_slice(&bytes[within..within + count]);
        }
        Ok(count)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<usize> {
        let end = offset.checked_add(data.len() as u64);
        if end.is_none_or(|end| end > self.size) {
            return Err(io::Error::new(
                io::ErrorKind::StorageFull,
                "it passes the end of the disk",
            ));
        }
        if data.is_empty() {
            return Ok(0);
        }
        let (start, whole, within, count) = self.blocks(offset, data.len());
        let mut client = self.client();
        if whole == count {
            client.write(start, &data[..count])?;
        } else {
            let mut bytes = vec![0; whole];
            client.read(start, &mut bytes)?;
            bytes[within..within + count].copy_from_slice(&data[..count]);
            client.write(start, &bytes)?;
        }
        Ok(count)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        if length == self.size {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::Unsupported, "a disk behind a server has a fixed size"))
    }

    fn sync(&self) -> io::Result<()> {
        self.client().flush()
    }

    fn zero(&self, offset: u64, length: u64, _: bool) -> io::Result<()> {
        write_zeros(self, offset, length)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_server_that_takes_nobody_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nbd");
        let _listener = UnixListener::bind(&path).unwrap();
        let mut waiting = Vec::new();
        // Until its queue is full, which has as many places as the system gives.
        let error = loop {
            match reach_socket(&path, Duration::from_millis(200)) {
                Ok(stream) => waiting.push(stream),
                Err(error) => break error,
            }
            assert!(waiting.len() < 10_000);
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(!waiting.is_empty());
    }
}
