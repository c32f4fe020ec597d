//! `qemu-nbd`, started for one image on a private socket.

use std::fs::{File, Permissions};
use std::io::{self, Read, Seek};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::NbdError;

/// It opens an image within milliseconds, or replays the image's own log first.
const START: Duration = Duration::from_secs(60);
/// After the connection has ended it has its tables left to write.
const END: Duration = Duration::from_secs(60);
/// One that has hung up ends soon.
const LAST_WORDS: Duration = Duration::from_secs(2);
const STEP: Duration = Duration::from_millis(2);
/// What it says is cut short.
const SAID_BYTES_MAX: u64 = 4096;

/// How `qemu-nbd` did not start.
#[derive(Debug)]
pub(crate) enum Start {
    /// There is no such program.
    Missing,
    Io(io::Error),
    /// It ended, with this on its standard error.
    Ended(String),
    /// It runs, but its export cannot be used.
    Nbd(NbdError),
}

/// A running `qemu-nbd`. It ends with its only connection, also when this program is killed.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    said: File,
    /// It ends by itself.
    connected: bool,
    /// Holds the socket; nobody else may look into it.
    folder: TempDir,
}

impl Server {
    /// Serves an image, whose path is absolute, in a format by QEMU's name.
    pub(crate) fn start(
        program: &Path,
        image: &Path,
        format: &str,
        writable: bool,
    ) -> Result<Self, Start> {
        let folder = tempfile::Builder::new()
            .prefix("winkiln-nbd-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .map_err(Start::Io)?;
        let said = tempfile::tempfile().map_err(Start::Io)?;
        let mut command = Command::new(program);
        command.args(["--format", format, "--shared", "1", "--socket"]);
        command.arg(socket_in(folder.path()));
        if !writable {
            command.arg("--read-only");
        }
        command.arg(image).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(said.try_clone().map_err(Start::Io)?);
        // What stops this program with the keyboard leaves it to finish what it was given.
        command.process_group(0);
        let child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Start::Missing,
            _ => Start::Io(error),
        })?;
        let mut server = Self { child, said, connected: false, folder };
        let started = Instant::now();
        while !server.socket().exists() {
            if server.child.try_wait().map_err(Start::Io)?.is_some() {
                return Err(Start::Ended(server.words()));
            }
            if started.elapsed() > START {
                return Err(Start::Ended("it does not begin to serve".to_owned()));
            }
            std::thread::sleep(STEP);
        }
        Ok(server)
    }

    pub(super) fn socket(&self) -> PathBuf {
        socket_in(self.folder.path())
    }

    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Says that it serves a connection, with which it ends.
    pub(super) fn is_connected(&mut self) {
        self.connected = true;
    }

    /// What it said, if it ended or is about to.
    pub(super) fn end(mut self) -> Option<String> {
        let started = Instant::now();
        while started.elapsed() < LAST_WORDS {
            if let Ok(Some(_)) = self.child.try_wait() {
                return Some(self.words());
            }
            std::thread::sleep(STEP);
        }
        None
    }

    /// The first line of what it said, without its own name before it.
    fn words(&mut self) -> String {
        let mut text = Vec::new();
        let said = &mut self.said;
        let read = said.rewind().and_then(|()| said.take(SAID_BYTES_MAX).read_to_end(&mut text));
        let text = String::from_utf8_lossy(&text);
        let line = text.lines().find(|line| !line.trim().is_empty()).filter(|_| read.is_ok());
        let line = line.unwrap_or("it says nothing");
        line.strip_prefix("qemu-nbd: ").unwrap_or(line).to_owned()
    }
}

fn socket_in(folder: &Path) -> PathBuf {
    folder.join("nbd")
}

impl Drop for Server {
    fn drop(&mut self) {
        let started = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if !self.connected || started.elapsed() > END {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(STEP);
        }
    }
}
