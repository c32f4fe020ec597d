//! A device over bytes that stay as they are: changes lie beside them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use winkiln_disk::device::{Device, DeviceError, check_range};

/// Bytes of a piece that changes together.
pub const PIECE: usize = 512;

/// Changed pieces by number.
pub type Changes = BTreeMap<usize, [u8; PIECE]>;

/// A device of bytes and changes.
#[derive(Debug)]
pub struct Overlay {
    base: &'static [u8],
    changes: Mutex<Changes>,
}

impl Overlay {
    /// A device over `base`, whose length is a multiple of [`PIECE`].
    #[must_use]
    pub fn new(base: &'static [u8], changes: Changes) -> Self {
        Self { base, changes: Mutex::new(changes) }
    }

    fn lock(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What differs from the base.
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.lock().clone()
    }

    /// The piece of a number.
    #[must_use]
    pub fn piece(&self, number: usize) -> [u8; PIECE] {
        let base = || self.base[number * PIECE..].first_chunk().copied().unwrap_or([0; PIECE]);
        self.lock().get(&number).copied().unwrap_or_else(base)
    }

    fn each(offset: u64, length: usize, mut act: impl FnMut(usize, usize, std::ops::Range<usize>)) {
        let (mut at, mut done) = (offset as usize, 0);
        while done < length {
            let inside = at % PIECE;
            let part = (PIECE - inside).min(length - done);
            act(at / PIECE, inside, done..done + part);
            at += part;
            done += part;
        }
    }
}

impl Device for Overlay {
    fn len(&self) -> u64 {
        self.base.len() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DeviceError> {
        check_range(offset, buf.len(), self.len())?;
        let changes = self.lock();
        let from = offset as usize;
        buf.copy_from_slice(&self.base[from..from + buf.len()]);
        Self::each(offset, buf.len(), |number, inside, part| {
            if let Some(piece) = changes.get(&number) {
                let length = part.len();
                buf[part].copy_from_slice(&piece[inside..inside + length]);
            }
        });
        Ok(())
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), DeviceError> {
        check_range(offset, data.len(), self.len())?;
        let mut changes = self.lock();
        Self::each(offset, data.len(), |number, inside, part| {
            let piece = changes.entry(number).or_insert_with(|| {
                self.base[number * PIECE..].first_chunk().copied().unwrap_or([0; PIECE])
            });
            piece[inside..inside + part.len()].copy_from_slice(&data[part]);
        });
        Ok(())
    }
}
