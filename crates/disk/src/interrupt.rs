//! A wish to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A wish to stop, shared by whoever may have it and the transactions that heed it: those over images that were opened with it.
///
/// From then on such a transaction neither reads nor writes, and does not begin to commit; a commit that has begun goes on to
/// its end. One that is never asked for, as by default, stops nothing.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    asked: AtomicBool,
    heeded: AtomicBool,
}

impl Interrupt {
    /// Asks to stop, for good.
    pub fn ask(&self) {
        self.0.asked.store(true, Ordering::SeqCst);
    }

    /// True once somebody asked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// True once a transaction refused work for it: what was to be done is not done.
    #[must_use]
    pub fn was_heeded(&self) -> bool {
        self.0.heeded.load(Ordering::SeqCst)
    }

    /// True when somebody asked, which from here on counts as heeded.
    #[must_use]
    pub fn heed(&self) -> bool {
        let asked = self.is_asked();
        if asked {
            self.0.heeded.store(true, Ordering::SeqCst);
        }
        asked
    }
}
