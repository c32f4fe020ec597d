//! Progress on a terminal, for work that takes longer than half a second.

use std::io::IsTerminal as _;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;
use crate::render::text::printable;

/// Work shorter than this shows nothing.
const SHOWN_AFTER: Duration = Duration::from_millis(500);
const REDRAWN_EVERY: Duration = Duration::from_millis(100);

/// A bar or spinner on standard error. Dropping it wipes it.
pub(crate) struct Progress {
    bar: ProgressBar,
    waiting: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Counts bytes up to `total`.
    pub(crate) fn bytes(output: Output, total: u64, what: &str) -> Self {
        Self::start(output, Some(total), what, "{msg} {wide_bar} {bytes}/{total_bytes} {eta}")
    }

    /// Counts steps up to `total`.
    pub(crate) fn steps(output: Output, total: usize, what: &str) -> Self {
        Self::start(output, Some(total as u64), what, "{spinner} {pos}/{len} {wide_msg}")
    }

    /// Counts parts of a whole that is not known yet.
    pub(crate) fn share(output: Output, what: &str) -> Self {
        Self::start(output, Some(0), what, "{msg} {wide_bar} {percent}% {eta}")
    }

    /// Work of unknown length.
    pub(crate) fn spinner(output: Output, what: &str) -> Self {
        Self::start(output, None, what, "{spinner} {wide_msg}")
    }

    /// Sets what the count goes up to.
    pub(crate) fn of(&self, total: u64) {
        self.bar.set_length(total);
    }

    /// Adds to the count.
    pub(crate) fn advance(&self, by: u64) {
        self.bar.inc(by);
    }

    /// Says what is being done now. The text may come from an image: control characters are shown, not obeyed.
    pub(crate) fn say(&self, what: &str) {
        self.bar.set_message(printable(what).into_owned());
    }

    fn start(output: Output, total: Option<u64>, what: &str, template: &str) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        if output.is_quiet() || !std::io::stderr().is_terminal() {
            return Self { bar, waiting: None };
        }
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let mut this = Self { bar, waiting: None };
        this.say(what);
        let (stop, stopped) = mpsc::channel::<()>();
        let bar = this.bar.clone();
        let thread = thread::Builder::new().spawn(move || {
            if stopped.recv_timeout(SHOWN_AFTER) == Err(RecvTimeoutError::Timeout) {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(REDRAWN_EVERY);
            }
        });
        this.waiting = thread.ok().map(|thread| (stop, thread));
        this
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.waiting.take() {
            drop(stop);
            // A thread that died has nothing left to draw.
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}
