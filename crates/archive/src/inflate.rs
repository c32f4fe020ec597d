//! DEFLATE, unpacked as it is read.

use std::io;

use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZError, MZFlush, MZStatus};

use crate::error::Error;
use crate::source::Reading;

const PIECE: usize = 64 << 10;

/// Unpacks a range of a source.
pub(crate) struct Inflate {
    reading: Reading,
    start: u64,
    offset: u64,
    left: u64,
    input: Vec<u8>,
    used: usize,
    state: Box<InflateState>,
    ended: bool,
}

impl Inflate {
    pub fn new(reading: Reading, offset: u64, packed: u64) -> Self {
        Self {
            reading,
            start: offset,
            offset,
            left: packed,
            input: Vec::new(),
            used: 0,
            state: InflateState::new_boxed(DataFormat::Raw),
            ended: false,
        }
    }

    /// Where the byte after the stream lies, once it has ended.
    pub fn end(&self) -> Option<u64> {
        self.ended.then(|| self.offset - (self.input.len() - self.used) as u64)
    }

    fn broken(&self, what: &'static str) -> io::Error {
        io::Error::other(Error::Contents { format: self.reading.format, at: self.start, what })
    }

    fn fill(&mut self) -> io::Result<()> {
        let length = usize::try_from(self.left).unwrap_or(PIECE).min(PIECE);
        let bytes = self.reading.bytes("packed contents", self.offset, length);
        self.input = bytes.map_err(io::Error::other)?;
        self.used = 0;
        self.offset += length as u64;
        self.left -= length as u64;
        Ok(())
    }

    /// Unpacks into `buffer`, which is not empty; 0 at the end of the stream.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.ended {
                return Ok(0);
            }
            if self.used == self.input.len() && self.left > 0 {
                self.fill()?;
            }
            let input = &self.input[self.used..];
            let done = inflate(&mut self.state, input, buffer, MZFlush::None);
            self.used += done.bytes_consumed;
            match done.status {
                Ok(MZStatus::StreamEnd) => self.ended = true,
                Ok(_) => {}
                Err(MZError::Buf) if done.bytes_written > 0 || self.left > 0 => {}
                Err(_) => return Err(self.broken("damaged DEFLATE data")),
            }
            if done.bytes_written > 0 {
                return Ok(done.bytes_written);
            }
            if !self.ended && done.bytes_consumed == 0 && self.left == 0 {
                return Err(self.broken("the DEFLATE data end too soon"));
            }
        }
    }
}
