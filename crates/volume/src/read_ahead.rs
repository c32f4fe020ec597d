//! Reading a source on a thread of its own, so that what it gave is written while it gives more.

use std::io::{self, Read};
use std::sync::mpsc::sync_channel;
use std::thread;

/// Bytes of a piece.
pub(crate) const PIECE: usize = 512 << 10;
/// Pieces in memory: one that is read, one that waits, one that is used.
const PIECES: usize = 3;

/// Why a source was not used to its end.
#[derive(Debug)]
pub(crate) enum Stopped<E> {
    /// It failed, or ended early.
    Source(io::Error),
    /// Its user failed.
    User(E),
}

/// Hands the first `length` bytes of `source` to `each`, piece by piece with their offsets, while the next ones are read.
pub(crate) fn each_piece<E>(
    source: &mut (dyn Read + Send),
    length: u64,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Result<(), Stopped<E>> {
    let (filled, pieces) = sync_channel(PIECES);
    let (used, empty) = sync_channel(PIECES);
    // All of it goes with the closure, however that ends: the reader waits for pieces until `used` is gone.
    thread::scope(move |scope| {
        let reader = move || {
            let (mut left, mut made) = (length, 0);
            while left > 0 {
                let part = left.min(PIECE as u64) as usize;
                let mut piece: Vec<u8> = if made < PIECES {
                    made += 1;
                    vec![0; part]
                } else {
                    // Without one, the user has failed.
                    let Ok(piece) = empty.recv() else { return };
                    piece
                };
                piece.truncate(part);
                let read = source.read_exact(&mut piece);
                let failed = read.is_err();
                if filled.send(read.map(|()| piece)).is_err() || failed {
                    return;
                }
                left -= part as u64;
            }
        };
        thread::Builder::new().spawn_scoped(scope, reader).map_err(Stopped::Source)?;
        let mut offset = 0;
        for piece in pieces {
            let piece = piece.map_err(Stopped::Source)?;
            each(offset, &piece).map_err(Stopped::User)?;
            offset += piece.len() as u64;
            // Nobody waits for the last ones.
            let _ = used.send(piece);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives bytes that tell their offsets, up to `0`, then fails.
    struct Numbers(u64, u64);

    impl Read for Numbers {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let count = buf.len().min(70_000).min((self.0 - self.1) as usize);
            if count == 0 {
                return Err(io::ErrorKind::TimedOut.into());
            }
            for byte in &mut buf[..count] {
                *byte = (self.1 % 251) as u8;
                self.1 += 1;
            }
            Ok(count)
        }
    }

    #[test]
    fn every_byte_comes_once_and_in_order() {
        for length in [0, 1, PIECE as u64, PIECE as u64 * 9 + 77] {
            let mut seen = 0;
            let used: Result<(), Stopped<()>> =
                each_piece(&mut Numbers(length, 0), length, |offset, piece| {
                    assert_eq!(offset, seen);
                    for byte in piece {
                        assert_eq!(u64::from(*byte), seen % 251);
                        seen += 1;
                    }
                    Ok(())
                });
            assert!(used.is_ok() && seen == length, "{length}");
        }
    }

    #[test]
    fn whoever_fails_first_ends_it() {
        let end = PIECE as u64 * 5;
        let mut pieces = 0;
        let used = each_piece(&mut Numbers(end, 0), end + 1, |_, _| {
            pieces += 1;
            Ok::<(), ()>(())
        });
        assert!(
            matches!(used, Err(Stopped::Source(error)) if error.kind() == io::ErrorKind::TimedOut)
        );
        assert_eq!(pieces, 5);
        let used = each_piece(&mut Numbers(u64::MAX, 0), u64::MAX, |offset, _| {
            if offset == end { Err("full") } else { Ok(()) }
        });
        assert!(matches!(used, Err(Stopped::User("full"))));
        // A reader that waits for pieces is not waited for.
        let used = each_piece(&mut io::repeat(1), u64::MAX, |_, _| {
            thread::sleep(std::time::Duration::from_millis(50));
            Err("full")
        });
        assert!(matches!(used, Err(Stopped::User("full"))));
    }
}
