//! Signals that ask the program to end.
//!
//! The first one makes an editing session stop and take back what it had begun, unless it is committing, which it finishes. A second
//! one, or one that comes while there is nothing to take back, ends the program at once.

use std::fs;
use std::io;
use std::process::{self, ExitCode};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread;

use nix::sys::signal::{SigSet, Signal, raise};
use winkiln_disk::Interrupt;

use crate::error::{CliError, Result};

/// What editing sessions heed.
static INTERRUPT: LazyLock<Interrupt> = LazyLock::new(Interrupt::default);
/// The signal that asked them.
static ASKED: AtomicI32 = AtomicI32::new(0);
/// There is something to take back, to finish, or to tell of.
static BUSY: AtomicBool = AtomicBool::new(false);

const ALL: [Signal; 3] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM];

/// From here on the program is given the time to tidy up.
pub(crate) fn be_waited_for() {
    BUSY.store(true, Ordering::SeqCst);
}

/// What tells an editing session of the signal, which is waited for.
pub(crate) fn interrupt() -> Interrupt {
    be_waited_for();
    INTERRUPT.clone()
}

/// Fails when the program is to end.
pub(crate) fn check() -> Result<()> {
    if INTERRUPT.heed() { Err(CliError::failed("stopped on request")) } else { Ok(()) }
}

/// Begins to wait for signals, in a thread of its own. Called before any other thread is there.
pub(crate) fn watch() {
    let ignored = ignored();
    let signals: SigSet = ALL.into_iter().filter(|&signal| !is_in(ignored, signal)).collect();
    // Threads that begin later leave them to the watcher as well. So would programs that are started, but for a mask of their
    // own.
    if signals.thread_block().is_err() {
        return;
    }
    let watcher = thread::Builder::new().name("signals".to_owned()).spawn(move || wait(signals));
    if watcher.is_err() {
        // The system ends the program then.
        let _ = signals.thread_unblock();
    }
}

fn wait(signals: SigSet) {
    while let Ok(signal) = signals.wait() {
        if INTERRUPT.is_asked() || !BUSY.load(Ordering::SeqCst) {
            end_by(signal);
        }
        ASKED.store(signal as i32, Ordering::SeqCst);
        INTERRUPT.ask();
    }
}

/// Ends the program as what it did asks for, or by the signal that stopped it.
pub(crate) fn end(done: Result<()>) -> ExitCode {
    let asked = Signal::try_from(ASKED.load(Ordering::SeqCst)).ok();
    if let Some(signal) = asked.filter(|_| INTERRUPT.was_heeded()) {
        let _ = CliError::failed(format!("stopped by {signal}; no image was changed")).report();
        end_by(signal);
    }
    match done {
        Ok(()) => {
            if let Some(signal) = asked {
                let _ = io::Write::write_all(
                    &mut io::stderr(),
                    format!("warning: {signal} came too late to stop anything\n").as_bytes(),
                );
            }
            ExitCode::SUCCESS
        }
        Err(error) => error.report(),
    }
}

/// Ends the program as if nobody had waited for the signal.
fn end_by(signal: Signal) -> ! {
    let mut only = SigSet::empty();
    only.add(signal);
    let _ = only.thread_unblock().and_then(|()| raise(signal));
    process::exit(128 + signal as i32)
}

/// A bit for each signal that the program was started to ignore, as with `nohup`; the lowest one is signal 1.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

fn is_in(mask: u64, signal: Signal) -> bool {
    mask >> (signal as i32 - 1) & 1 == 1
}
