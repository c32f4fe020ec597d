//! A tar: old, `ustar`, GNU's and pax.
//!
//! Source: POSIX.1-2017, `pax`, "ustar Interchange Format" and "pax Header Block"; GNU tar manual, "Basic Tar Format".

use crate::contents::{Contents, Extent};
use crate::error::Error;
use crate::limits::Limits;
use crate::list::{List, Node};
use crate::name::{self, Reason};
use crate::source::{Reading, field};

const BLOCK: u64 = 512;

/// A long name or a pax header.
const EXTRA_MAX: u64 = 1 << 20;

/// True for a first block whose checksum is right.
pub(crate) fn is_tar(head: &[u8]) -> bool {
    head.first_chunk::<512>().is_some_and(|block| block[0] != 0 && checksum_holds(block))
}

fn checksum_holds(block: &[u8; 512]) -> bool {
    let blank = block
        .iter()
        .enumerate()
        .map(|(at, byte)| if (148..156).contains(&at) { b' ' } else { *byte });
    let sum: u64 = blank.map(u64::from).sum();
    number(&block[148..156]) == Some(sum)
}

/// A number in octal, or in big-endian binary behind a set bit.
fn number(bytes: &[u8]) -> Option<u64> {
    if bytes.first()? & 0x80 != 0 {
        let first = u64::from(bytes[0] & 0x7f);
        return bytes[1..]
            .iter()
            .try_fold(first, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let text = std::str::from_utf8(bytes).ok()?.trim_matches([' ', '\0']);
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

fn text(bytes: &[u8]) -> Vec<u8> {
    bytes.split(|byte| *byte == 0).next().unwrap_or(&[]).to_vec()
}

/// What headers before the next file say of it.
#[derive(Default)]
struct Next {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
}

impl Next {
    fn pax(&mut self, mut bytes: &[u8]) {
        // Records `LENGTH KEY=VALUE\n`.
        while let Some(space) = bytes.iter().position(|byte| *byte == b' ') {
            let length =
                std::str::from_utf8(&bytes[..space]).ok().and_then(|text| text.parse().ok());
            let Some(record) = length.and_then(|length: usize| bytes.get(space + 1..length)) else {
                break;
            };
            bytes = &bytes[space + 1 + record.len()..];
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            let Some(equals) = record.iter().position(|byte| *byte == b'=') else { continue };
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" => self.path = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => self.size = std::str::from_utf8(value).ok().and_then(|t| t.parse().ok()),
                key if key.starts_with(b"GNU.sparse.") => self.sparse = true,
                _ => {}
            }
        }
    }
}

pub(crate) fn list(reading: &Reading, limits: Limits) -> Result<List, Error> {
    let mut list = List::new(reading.format, limits);
    let mut next = Next::default();
    let mut at = 0;
    while at + BLOCK <= reading.len() {
        let block = reading.bytes("tar header", at, BLOCK as usize)?;
        let Some(block) = block.first_chunk::<512>() else { break };
        if block.iter().all(|byte| *byte == 0) {
            break;
        }
        if !checksum_holds(block) {
            let found = number(&block[148..156]).unwrap_or(0);
            return Err(reading.damaged("tar header", at, found, "the checksum of its bytes"));
        }
        let kind = block[156];
        let size = match (next.size, kind) {
            (_, b'1'..=b'6') => Some(0),
            (Some(size), _) if !b"xgLK".contains(&kind) => Some(size),
            _ => number(&block[124..136]),
        };
        let size = size.ok_or_else(|| reading.damaged("tar header", at, 0, "a size"))?;
        let data = at + BLOCK;
        let end = size.checked_next_multiple_of(BLOCK).and_then(|size| data.checked_add(size));
        if data.checked_add(size).is_none_or(|end| end > reading.len()) {
            let (length, all) = (size, reading.len());
            let structure = "contents of a file";
            return Err(Error::Truncated {
                format: reading.format,
                structure,
                at,
                length,
                size: all,
            });
        }
        at = end.unwrap_or(u64::MAX);
        if b"xgLK".contains(&kind) {
            if size > EXTRA_MAX {
                return Err(reading.damaged("tar extended header", data, size, "at most 1 MiB"));
            }
            let extra =
                reading.bytes("tar extended header", data, usize::try_from(size).unwrap_or(0))?;
            match kind {
                b'x' => next.pax(&extra),
                b'L' => next.path = Some(text(&extra)),
                b'K' => next.link = Some(text(&extra)),
                _ => {} // what holds for all files names none
            }
            continue;
        }
        add(reading, &mut list, block, std::mem::take(&mut next), data, size)?;
    }
    Ok(list)
}

fn add(
    reading: &Reading,
    list: &mut List,
    block: &[u8; 512],
    next: Next,
    at: u64,
    size: u64,
) -> Result<(), Error> {
    let own = || {
        let name = text(&block[..100]);
        let prefix = text(&block[345..500]);
        let is_posix = field::array::<6>(block, 257) == Some(*b"ustar\0");
        if is_posix && !prefix.is_empty() { [prefix, name].join(&b'/') } else { name }
    };
    let raw = match String::from_utf8(next.path.unwrap_or_else(own)) {
        Ok(raw) => raw,
        Err(e) => {
            return list.leave_out(String::from_utf8_lossy(e.as_bytes()), Reason::Undecodable);
        }
    };
    let path = match name::path(&raw, &['/']) {
        Ok(path) => path,
        Err(Reason::Empty) => return Ok(()), // `./`
        Err(reason) => return list.leave_out(raw, reason),
    };
    let link = || String::from_utf8(next.link.unwrap_or_else(|| text(&block[157..257])));
    match block[156] {
        b'5' => list.replace(path, Node::Folder),
        0 if raw.ends_with('/') => list.replace(path, Node::Folder),
        0 | b'0' | b'7' if next.sparse => list.leave_out(path, Reason::Unsupported),
        0 | b'0' | b'7' => {
            let extents = vec![Extent { offset: Some(at), length: size }];
            let contents = Contents::Extents { reading: reading.clone(), extents, crc: None };
            list.replace(path, Node::File { size, contents })
        }
        b'1' => {
            let target = link().ok().and_then(|target| name::path(&target, &['/']).ok());
            match target.and_then(|target| list.file(&target)) {
                Some((size, contents)) => list.replace(path, Node::File { size, contents }),
                None => list.leave_out(path, Reason::Link),
            }
        }
        b'2' => match link() {
            Ok(target) => list.replace(path, Node::Link { target }),
            Err(_) => list.leave_out(path, Reason::Link),
        },
        b'S' => list.leave_out(path, Reason::Unsupported),
        _ => list.leave_out(path, Reason::Special),
    }
}
