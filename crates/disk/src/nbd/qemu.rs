//! `qemu-nbd`, started for one image on a private socket.

use std::fs::{File, Permissions};
use std::io::{self, Read, Seek};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};

use super::NbdError;

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

/// Gives `qemu-nbd` a socket that listens already, as systemd does: the shell knows the number of the process that it becomes.
const HAND_OVER: &str = r#"export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0" "$@" 3<&0 </dev/null"#;
/// With which a shell ends that does not find the program.
const NOT_FOUND: i32 = 127;

/// A running `qemu-nbd`. It ends with its only connection, also when this program is killed.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    said: File,
    /// It ends by itself.
    connected: bool,
}

impl Server {
    /// Serves an image, whose path is absolute, in a format by QEMU's name. Returns the connection to it as well, which nobody
    /// else can make: its name is gone before the server begins.
    pub(crate) fn start(
        program: &Path,
        image: &Path,
        format: &str,
        writable: bool,
    ) -> Result<(Self, UnixStream), Start> {
        let (listener, stream) = private_socket().map_err(Start::Io)?;
        let said = tempfile::tempfile().map_err(Start::Io)?;
        let mut command = Command::new("sh");
        command.args(["-c", HAND_OVER]).arg(program).args(["--format", format, "--shared", "1"]);
        if !writable {
            command.arg("--read-only");
        }
        command.arg(image).stdin(OwnedFd::from(listener)).stdout(Stdio::null());
        command.stderr(said.try_clone().map_err(Start::Io)?);
        // What stops this program with the keyboard leaves it to finish what it was given.
        command.process_group(0);
        let child = with_signals(|| command.spawn()).map_err(Start::Io)?;
        // With `command` goes the socket that listens: the connection ends when the server does.
        drop(command);
        Ok((Self { child, said, connected: false }, stream))
    }

    /// Says that it serves a connection, with which it ends.
    pub(super) fn is_connected(&mut self) {
        self.connected = true;
    }

    /// How it ended, if it did or is about to.
    pub(super) fn end(mut self) -> Option<Start> {
        let started = Instant::now();
        while started.elapsed() < LAST_WORDS {
            if let Ok(Some(status)) = self.child.try_wait() {
                let missing = status.code() == Some(NOT_FOUND);
                return Some(if missing { Start::Missing } else { Start::Ended(self.words()) });
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

/// Starts a program that signals end: it has the thread's mask, in which they may be held back.
fn with_signals<T>(start: impl FnOnce() -> T) -> T {
    let ends: SigSet = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
    let mask = SigSet::thread_get_mask();
    let _ = ends.thread_unblock();
    let started = start();
    if let Ok(mask) = mask {
        let _ = mask.thread_set_mask();
    }
    started
}

/// A socket that listens, and a connection to it, in a folder that nobody else may look into. Both outlive their name.
fn private_socket() -> io::Result<(UnixListener, UnixStream)> {
    let folder = tempfile::Builder::new()
        .prefix("winkiln-nbd-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()?;
    let name = folder.path().join("nbd");
    let listener = UnixListener::bind(&name)?;
    let stream = UnixStream::connect(&name)?;
    folder.close()?;
    Ok((listener, stream))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_started_ends_when_it_is_asked_to() {
        let held: SigSet = [Signal::SIGTERM, Signal::SIGUSR1].into_iter().collect();
        held.thread_block().unwrap();
        let mut command = Command::new("grep");
        command.args(["SigBlk", "/proc/self/status"]);
        let plain = command.output().unwrap().stdout;
        let started = with_signals(|| command.output()).unwrap().stdout;
        let mask = |said: &[u8]| String::from_utf8_lossy(said).trim_end().to_owned();
        assert!(mask(&plain).ends_with("4200"), "{}", mask(&plain));
        assert!(mask(&started).ends_with("0200"), "{}", mask(&started));
        assert!(SigSet::thread_get_mask().unwrap().contains(Signal::SIGTERM));
        held.thread_unblock().unwrap();
    }
}
