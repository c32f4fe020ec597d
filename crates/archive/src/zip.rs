//! A zip: its central directory lists it, whatever lies before and between.
//!
//! Source: PKWARE's APPNOTE.TXT 6.3, sections 4.3 to 4.5.

mod cp437;

use crate::contents::Contents;
use crate::error::{Error, Format};
use crate::limits::Limits;
use crate::list::{List, Node};
use crate::name::{self, Reason};
use crate::source::{Reading, field};

const END: &[u8; 4] = b"PK\x05\x06";
const END_SIZE: usize = 22;
const LOCATOR: &[u8; 4] = b"PK\x06\x07";
const END64: &[u8; 4] = b"PK\x06\x06";
const END64_SIZE: u64 = 56;
const CENTRAL: &[u8; 4] = b"PK\x01\x02";
const CENTRAL_SIZE: usize = 46;
const LOCAL: &[u8; 4] = b"PK\x03\x04";
const LOCAL_SIZE: usize = 30;

/// The central directory of half a million files with long names and extra fields: larger ones are refused.
const DIRECTORY_MAX: u64 = 512 << 20;

/// Target of a symbolic link, in bytes.
const LINK_MAX: u64 = 4096;

/// True when the end of a central directory lies at the end of a file that begins like a zip or a self-extracting one.
pub(crate) fn is_zip(reading: &Reading, head: &[u8]) -> Result<bool, Error> {
    let like = head.starts_with(LOCAL) || head.starts_with(END) || head.starts_with(b"MZ");
    Ok(like && end_record(reading)?.is_some())
}

/// Where the end record lies, and its bytes.
fn end_record(reading: &Reading) -> Result<Option<(u64, Vec<u8>)>, Error> {
    let size = reading.len();
    let length = size.min(END_SIZE as u64 + 0xffff); // a comment has at most 65535 bytes
    let from = size - length;
    let tail = reading.bytes("end of the file", from, usize::try_from(length).unwrap_or(0))?;
    for at in (0..=tail.len().saturating_sub(END_SIZE)).rev() {
        let record = &tail[at..];
        if record.starts_with(END)
            && field::u16(record, 20)
                .is_some_and(|comment| END_SIZE + usize::from(comment) <= record.len())
        {
            return Ok(Some((from + at as u64, record[..END_SIZE].to_vec())));
        }
    }
    Ok(None)
}

/// Where the central directory says it lies.
struct Directory {
    /// What is added to every offset: bytes before the zip, of a self-extracting one.
    before: u64,
    offset: u64,
    size: u64,
    count: u64,
}

fn directory(reading: &Reading) -> Result<Directory, Error> {
    let unsupported = |what| Error::Unsupported { format: Format::Zip, what };
    let cut = |at| reading.damaged("end of central directory", at, 0, "a whole record");
    let (at, end) = end_record(reading)?.ok_or_else(|| cut(reading.len()))?;
    let u16 = |from| field::u16(&end, from).ok_or_else(|| cut(at));
    let u32 = |from| field::u32(&end, from).ok_or_else(|| cut(at));
    let (disk, count, size, offset) = (u16(4)?, u16(10)?, u32(12)?, u32(16)?);
    let mut found =
        Directory { before: 0, offset: offset.into(), size: size.into(), count: count.into() };
    let mut ends_at = at;
    if let Some(locator_at) = at
        .checked_sub(20)
        .filter(|_| count == 0xffff || size == u32::MAX || offset == u32::MAX || disk == 0xffff)
    {
        let locator = reading.bytes("zip64 locator", locator_at, 20)?;
        if locator.starts_with(LOCATOR) {
            // Bytes that somebody put in front move the record away from where the locator has it.
            let stated = field::u64(&locator, 8).ok_or_else(|| cut(locator_at))?;
            let end = [Some(stated), locator_at.checked_sub(END64_SIZE)].into_iter().flatten();
            let end = end.filter_map(|at| {
                let end = reading.bytes("zip64 end of central directory", at, 56).ok()?;
                end.starts_with(END64).then_some((at, end))
            });
            let Some((found_at, end)) = { end }.next() else {
                let structure = "zip64 end of central directory locator";
                return Err(reading.damaged(
                    structure,
                    locator_at,
                    stated,
                    "where the record lies",
                ));
            };
            ends_at = found_at;
            let u64 = |from| field::u64(&end, from).ok_or_else(|| cut(ends_at));
            found = Directory { before: 0, count: u64(32)?, size: u64(40)?, offset: u64(48)? };
        }
    } else if disk != 0 {
        return Err(unsupported("an archive of several parts"));
    }
    // The directory ends where its end record begins; what it misses are bytes that somebody put in front.
    let stated = found.offset.checked_add(found.size).filter(|end| *end <= ends_at);
    let Some(stated) = stated else {
        return Err(Error::Truncated {
            format: Format::Zip,
            structure: "central directory",
            at: found.offset,
            length: found.size,
            size: ends_at,
        });
    };
    found.before = ends_at - stated;
    if found.size > DIRECTORY_MAX {
        return Err(unsupported("a central directory above 512 MiB"));
    }
    Ok(found)
}

pub(crate) fn list(reading: &Reading, limits: Limits) -> Result<List, Error> {
    let directory = directory(reading)?;
    let start = directory.before + directory.offset;
    let size = usize::try_from(directory.size).unwrap_or(usize::MAX);
    let bytes = reading.bytes("central directory", start, size)?;
    let mut list = List::new(Format::Zip, limits);
    let mut packed = 0u64;
    let mut at = 0;
    for _ in 0..directory.count {
        let here = start + at as u64;
        let cut = || Error::Truncated {
            format: Format::Zip,
            structure: "central directory header",
            at: here,
            length: CENTRAL_SIZE as u64,
            size: start + directory.size,
        };
        let header = bytes.get(at..).filter(|rest| rest.len() >= CENTRAL_SIZE).ok_or_else(cut)?;
        if !header.starts_with(CENTRAL) {
            let found = field::u32(header, 0).unwrap_or(0).into();
            return Err(reading.damaged("central directory header", here, found, "PK 1 2"));
        }
        let file = Header::read(header).ok_or_else(cut)?;
        at += file.length;
        packed = packed.saturating_add(file.packed);
        add(reading, &mut list, &directory, &file)?;
        // Files may share their packed bytes: the archive's own size bounds them too.
        limits.expansion(Format::Zip, packed.min(reading.len()), list.bytes())?;
    }
    Ok(list)
}

struct Header<'a> {
    length: usize,
    raw: &'a [u8],
    utf8: bool,
    encrypted: bool,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    offset: u64,
    /// The `st_mode` that Unix programs leave.
    mode: Option<u32>,
}

impl<'a> Header<'a> {
    fn read(header: &'a [u8]) -> Option<Self> {
        let lengths = [field::u16(header, 28)?, field::u16(header, 30)?, field::u16(header, 32)?];
        let [name, extra, comment] = lengths.map(usize::from);
        let raw = header.get(CENTRAL_SIZE..CENTRAL_SIZE + name)?;
        let extra_from = CENTRAL_SIZE + name;
        let mut extra_left = header.get(extra_from..extra_from + extra)?;
        let flags = field::u16(header, 8)?;
        let wide = |at| field::u32(header, at).map(u64::from);
        let (mut packed, mut size, mut offset) = (wide(20)?, wide(24)?, wide(42)?);
        while let (Some(kind), Some(length)) =
            (field::u16(extra_left, 0), field::u16(extra_left, 2))
        {
            let Some(data) = extra_left.get(4..4 + usize::from(length)) else { break };
            if kind == 1 {
                // Only the fields that do not fit into 32 bits, in this order.
                let mut at = 0;
                for value in [&mut size, &mut packed, &mut offset] {
                    if *value == u64::from(u32::MAX) {
                        *value = field::u64(data, at)?;
                        at += 8;
                    }
                }
            }
            extra_left = &extra_left[4 + usize::from(length)..];
        }
        let unix = field::u8(header, 5)? == 3;
        let length = extra_from + extra + comment;
        (length <= header.len()).then_some(())?;
        Some(Self {
            length,
            raw,
            utf8: flags & 0x800 != 0,
            encrypted: flags & 0x2041 != 0,
            method: field::u16(header, 10)?,
            crc: field::u32(header, 16)?,
            packed,
            size,
            offset,
            mode: unix.then_some(field::u32(header, 38)? >> 16),
        })
    }
}

fn add(
    reading: &Reading,
    list: &mut List,
    directory: &Directory,
    file: &Header<'_>,
) -> Result<(), Error> {
    let text = match std::str::from_utf8(file.raw) {
        // Many write UTF-8 without saying so; what is valid UTF-8 beyond ASCII is hardly ever anything else.
        Ok(text) => text.to_owned(),
        Err(_) if file.utf8 => {
            return list.leave_out(String::from_utf8_lossy(file.raw), Reason::Undecodable);
        }
        Err(_) => cp437::decode(file.raw),
    };
    let path = match name::path(&text, &['/', '\\']) {
        Ok(path) => path,
        Err(Reason::Empty) => return Ok(()), // `./`
        Err(reason) => return list.leave_out(text, reason),
    };
    if text.ends_with(['/', '\\']) {
        return list.add(path, Node::Folder);
    }
    if file.encrypted || !matches!(file.method, 0 | 8) {
        return list.leave_out(path, Reason::Unsupported);
    }
    let header = directory.before.saturating_add(file.offset);
    if file.method == 0 && file.packed != file.size {
        return Err(reading.damaged("central directory header", header, file.packed, "the size"));
    }
    let contents = Contents::Zipped {
        reading: reading.clone(),
        header,
        packed: file.packed,
        crc: file.crc,
        deflated: file.method == 8,
    };
    match file.mode.map(|mode| mode & 0o170_000) {
        Some(0o120_000) => {
            if file.size > LINK_MAX {
                return list.leave_out(path, Reason::Link);
            }
            let mut target = String::new();
            let read = contents.reader(file.size)?;
            match std::io::Read::read_to_string(&mut { read }, &mut target) {
                Ok(_) => list.add(path, Node::Link { target }),
                Err(_) => list.leave_out(path, Reason::Link),
            }
        }
        Some(0 | 0o100_000 | 0o040_000) | None => {
            list.add(path, Node::File { size: file.size, contents })
        }
        Some(_) => list.leave_out(path, Reason::Special),
    }
}

/// Where a file's contents begin: after its local header, whose name and extra field have lengths of their own.
pub(crate) fn contents_at(reading: &Reading, header: u64, packed: u64) -> Result<u64, Error> {
    let local = reading.bytes("local file header", header, LOCAL_SIZE)?;
    if !local.starts_with(LOCAL) {
        let found = field::u32(&local, 0).unwrap_or(0).into();
        return Err(reading.damaged("local file header", header, found, "PK 3 4"));
    }
    let length = |at| field::u16(&local, at).map_or(0, u64::from);
    let at = header + LOCAL_SIZE as u64 + length(26) + length(28);
    if at.checked_add(packed).is_none_or(|end| end > reading.len()) {
        let size = reading.len();
        let structure = "contents of a file";
        return Err(Error::Truncated { format: Format::Zip, structure, at, length: packed, size });
    }
    Ok(at)
}
