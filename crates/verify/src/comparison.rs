//! What a reader reads, piece by piece, against what was claimed.

use crate::claim::Contents;
use crate::error::Trouble;
use crate::fingerprint::Fingerprinter;

/// Bytes compared at a time.
pub(crate) const PIECE: usize = 1 << 20;

/// A comparison of a file's contents under way.
pub(crate) struct Comparison<'c> {
    expected: &'c Contents,
    /// Bytes taken so far.
    done: u64,
    hasher: Fingerprinter,
}

impl<'c> Comparison<'c> {
    pub(crate) fn new(expected: &'c Contents) -> Self {
        Self { expected, done: 0, hasher: Fingerprinter::default() }
    }

    /// Bytes that are expected.
    pub(crate) fn length(&self) -> u64 {
        self.expected.len()
    }

    /// Bytes taken so far.
    pub(crate) fn done(&self) -> u64 {
        self.done
    }

    /// Compares the next piece that was read.
    pub(crate) fn piece(&mut self, found: &[u8]) -> Result<(), Trouble> {
        match self.expected {
            Contents::Bytes(bytes) => {
                let start = usize::try_from(self.done).unwrap_or(usize::MAX).min(bytes.len());
                let rest = bytes.get(start..).unwrap_or_default();
                compare_piece(found, rest.get(..found.len()).unwrap_or(rest), self.done)?;
            }
            Contents::Fingerprint(_) => self.hasher.update(found),
        }
        self.done = self.done.saturating_add(found.len() as u64);
        Ok(())
    }

    /// Judges all that was read.
    pub(crate) fn finish(self) -> Result<(), Trouble> {
        compare_length(self.done, self.expected.len())?;
        if let Contents::Fingerprint(expected) = self.expected {
            let found = self.hasher.finish();
            if found != *expected {
                return Err(Trouble::Disagrees(format!(
                    "its bytes have the hash {found}, those written had {expected}"
                )));
            }
        }
        Ok(())
    }
}

/// Says where `found` first differs from `expected`, which starts at byte `offset` of the file.
pub(crate) fn compare_piece(found: &[u8], expected: &[u8], offset: u64) -> Result<(), Trouble> {
    if found == expected {
        return Ok(());
    }
    let difference =
        match found.iter().zip(expected).position(|(found, expected)| found != expected) {
            Some(at) => {
                let byte = |bytes: &[u8]| bytes.get(at).copied().unwrap_or_default();
                let place = offset + at as u64;
                format!("byte {place:#x} is {:02x}, expected {:02x}", byte(found), byte(expected))
            }
            None => format!("{} bytes from {offset:#x}, expected {}", found.len(), expected.len()),
        };
    Err(Trouble::Disagrees(difference))
}

/// Compares lengths in bytes.
pub(crate) fn compare_length(found: u64, expected: u64) -> Result<(), Trouble> {
    if found == expected {
        return Ok(());
    }
    Err(Trouble::Disagrees(format!("{found} bytes, expected {expected}")))
}
