//! A stream: blocks of another source, read as if they lay one behind the other.

use std::io;
use std::sync::Arc;

use crate::source::Source;

/// Bytes that lie together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece {
    /// Where they begin in the stream.
    start: u64,
    /// Where they lie.
    offset: u64,
    length: u64,
}

#[derive(Clone)]
pub(crate) struct Stream {
    source: Arc<dyn Source>,
    pieces: Vec<Piece>,
}

impl Stream {
    pub fn new(source: Arc<dyn Source>, pieces: Vec<Piece>) -> Self {
        Self { source, pieces }
    }

    /// The first `size` bytes of blocks; neighbours become one piece.
    pub fn of_blocks(
        source: Arc<dyn Source>,
        blocks: impl Iterator<Item = u64>,
        block: u64,
        size: u64,
    ) -> Self {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut start = 0;
        for offset in blocks {
            let length = block.min(size.saturating_sub(start));
            match pieces.last_mut() {
                Some(last) if last.offset + last.length == offset => last.length += length,
                _ => pieces.push(Piece { start, offset, length }),
            }
            start += length;
        }
        Self::new(source, pieces)
    }

    /// Offset and length of a piece that passes the end of the source, and the source's size.
    pub fn passes_end(&self) -> Option<(u64, u64, u64)> {
        let size = self.source.len();
        let piece = self.pieces.iter().find(|piece| piece.offset + piece.length > size)?;
        Some((piece.offset, piece.length, size))
    }
}

impl Source for Stream {
    fn len(&self) -> u64 {
        self.pieces.last().map_or(0, |piece| piece.start + piece.length)
    }

    fn read_at(&self, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        let mut at = self.pieces.partition_point(|piece| piece.start + piece.length <= offset);
        while !buffer.is_empty() {
            let piece = self.pieces.get(at).ok_or(io::ErrorKind::UnexpectedEof)?;
            let inside = offset - piece.start;
            let most = usize::try_from(piece.length - inside).unwrap_or(usize::MAX);
            let (now, later) = buffer.split_at_mut(most.min(buffer.len()));
            self.source.read_at(piece.offset + inside, now)?;
            offset += now.len() as u64;
            buffer = later;
            at += 1;
        }
        Ok(())
    }
}
