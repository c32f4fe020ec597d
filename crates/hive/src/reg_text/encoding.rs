//! From bytes to text.

use super::{RegReadError, RegTextError};
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::io::{self, Read, Seek, SeekFrom};

/// The header of version 4 files, which are in an 8-bit code page.
const REGEDIT4: &[u8] = b"REGEDIT4";

/// A code page by its name: `CP1251`, `windows-1251`, `1251`, `CP866`, `CP932`, `UTF-8`, ...
#[must_use]
pub fn code_page(name: &str) -> Option<&'static Encoding> {
    let lower = name.trim().to_ascii_lowercase();
    let number = lower.strip_prefix("cp").or_else(|| lower.strip_prefix("windows-"));
    let label = match number.unwrap_or(&lower) {
        "932" => "shift_jis",
        "936" => "gbk",
        "949" => "euc-kr",
        "950" => "big5",
        "866" => "ibm866",
        "874" => "windows-874",
        "65001" => "utf-8",
        "1200" => "utf-16le",
        number @ ("1250" | "1251" | "1252" | "1253" | "1254" | "1255" | "1256" | "1257"
        | "1258") => {
            return Encoding::for_label(format!("windows-{number}").as_bytes());
        }
        _ => &lower,
    };
    Encoding::for_label(label.as_bytes())
}

/// A file that can be read twice.
pub(super) trait Source: Read + Seek + Send {}
impl<T: Read + Seek + Send> Source for T {}

/// Bytes that are read at once.
pub(super) const BLOCK: usize = 64 << 10;

/// The text of a file, decoded block by block.
pub(super) struct Text<'s> {
    source: Box<dyn Source + 's>,
    decoder: Decoder,
    block: Vec<u8>,
    /// There is no more.
    pub(super) is_ended: bool,
    /// What comes next is not text.
    pub(super) is_malformed: bool,
}

impl<'s> Text<'s> {
    /// Tells the encoding of a file; `ansi` is the code page of 8-bit text.
    pub(super) fn new(
        mut source: Box<dyn Source + 's>,
        ansi: &'static Encoding,
        block: usize,
    ) -> Result<Self, RegReadError> {
        let mut block = vec![0; block];
        let (encoding, mark) = detect(&mut *source, &mut block, ansi)?;
        let length = source.seek(SeekFrom::End(0))?.saturating_sub(mark);
        if (encoding == UTF_16LE || encoding == UTF_16BE) && length % 2 != 0 {
            let reason = "UTF-16 text ends within a character".into();
            return Err(RegTextError { line: 0, reason }.into());
        }
        source.seek(SeekFrom::Start(mark))?;
        let decoder = encoding.new_decoder_without_bom_handling();
        Ok(Self { source, decoder, block, is_ended: false, is_malformed: false })
    }

    /// The name of the encoding.
    pub(super) fn encoding(&self) -> &'static str {
        self.decoder.encoding().name()
    }

    /// Nothing comes behind what was decoded, or no text.
    pub(super) fn is_over(&self) -> bool {
        self.is_ended || self.is_malformed
    }

    /// Bytes that are read at once.
    pub(super) fn block(&self) -> usize {
        self.block.len()
    }

    /// Decodes one more block to the end of `text`, or as much of it as is text.
    pub(super) fn read(&mut self, text: &mut String) -> io::Result<()> {
        let length = fill(&mut *self.source, &mut self.block)?;
        self.is_ended = length < self.block.len();
        let mut rest = self.block.get(..length).unwrap_or_default();
        loop {
            let needed = self.decoder.max_utf8_buffer_length_without_replacement(rest.len());
            text.reserve(needed.unwrap_or(rest.len()));
            let decoded =
                self.decoder.decode_to_string_without_replacement(rest, text, self.is_ended);
            let (result, read) = decoded;
            rest = rest.get(read..).unwrap_or_default();
            match result {
                DecoderResult::InputEmpty => return Ok(()),
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    self.is_malformed = true;
                    return Ok(());
                }
            }
        }
    }
}

/// Reads until the block is full or the file ends: how many bytes.
fn fill(source: &mut dyn Source, block: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(room) = block.get_mut(length..).filter(|room| !room.is_empty()) {
        match source.read(room) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// The encoding of a file, and the length of its byte order mark.
fn detect(
    source: &mut dyn Source,
    block: &mut [u8],
    ansi: &'static Encoding,
) -> io::Result<(&'static Encoding, u64)> {
    source.seek(SeekFrom::Start(0))?;
    let mut length = fill(source, block)?;
    let bytes = block.get(..length).unwrap_or_default();
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return Ok((encoding, mark as u64));
    }
    // A header without mark: an ASCII letter beside the upper half of its UTF-16 unit.
    match bytes {
        [0, letter, ..] if *letter != 0 && letter.is_ascii() => return Ok((UTF_16BE, 0)),
        [letter, 0, ..] if letter.is_ascii() => return Ok((UTF_16LE, 0)),
        _ => {}
    }
    // What is blank before the header tells nothing.
    loop {
        let bytes = block.get(..length).unwrap_or_default();
        let left = bytes.trim_ascii_start().len();
        if left == length || length < block.len() {
            break;
        }
        block.copy_within(length - left..length, 0);
        length = left + fill(source, block.get_mut(left..).unwrap_or_default())?;
    }
    let bytes = block.get(..length).unwrap_or_default();
    let start = bytes.trim_ascii_start();
    let is_version_4 =
        start.get(..REGEDIT4.len()).is_some_and(|start| start.eq_ignore_ascii_case(REGEDIT4));
    if is_version_4 {
        return Ok((ansi, 0));
    }
    // All of it decides.
    loop {
        let is_last = length < block.len();
        let bytes = block.get(..length).unwrap_or_default();
        let valid = match std::str::from_utf8(bytes) {
            Ok(_) => length,
            // A character that goes on in the next block.
            Err(error) if error.error_len().is_none() && !is_last => error.valid_up_to(),
            Err(_) => return Ok((ansi, 0)),
        };
        if is_last {
            return Ok((UTF_8, 0));
        }
        block.copy_within(valid..length, 0);
        let kept = length - valid;
        length = kept + fill(source, block.get_mut(kept..).unwrap_or_default())?;
    }
}
