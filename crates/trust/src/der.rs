//! ASN.1 in its distinguished encoding, read front to back.
//!
//! Source: ITU-T X.690.

use crate::error::Error;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// The tag `[number]`, of something built from elements.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// Elements one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Der<'a> {
    bytes: &'a [u8],
    /// Where `bytes` begin in what was given.
    at: usize,
}

/// A tag, a length and that many bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    pub tag: u8,
    pub content: &'a [u8],
    /// With tag and length.
    pub whole: &'a [u8],
    /// Where `whole` begins.
    pub at: usize,
}

impl<'a> Der<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub fn at(&self) -> usize {
        self.at
    }

    /// The next element; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Element<'a>>, Error> {
        let Some(&tag) = self.bytes.first() else { return Ok(None) };
        let (size, at) = (self.bytes.len() as u64, self.at as u64);
        let cut = || Error::Truncated { structure: "ASN.1 element", at, size };
        if tag & 0x1f == 0x1f {
            return Err(Error::Unsupported { what: "an ASN.1 tag of several bytes", at });
        }
        let first = *self.bytes.get(1).ok_or_else(cut)?;
        let (head, length) = match first {
            0..=0x7f => (2, usize::from(first)),
            0x81..=0x84 => {
                let head = 2 + usize::from(first & 0x7f);
                let digits = self.bytes.get(2..head).ok_or_else(cut)?;
                (head, digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)))
            }
            _ => return Err(Error::Unsupported { what: "an ASN.1 length without end", at }),
        };
        let end = head.checked_add(length).ok_or_else(cut)?;
        let whole = self.bytes.get(..end).ok_or_else(cut)?;
        let element = Element { tag, content: &whole[head..], whole, at: self.at };
        self.bytes = &self.bytes[end..];
        self.at += end;
        Ok(Some(element))
    }

    /// The next element, which must have this tag.
    pub fn expect(&mut self, tag: u8, structure: &'static str) -> Result<Element<'a>, Error> {
        let at = self.at as u64;
        match self.next()? {
            Some(element) if element.tag == tag => Ok(element),
            Some(element) => Err(Error::Damaged {
                structure,
                at,
                found: element.tag.into(),
                expected: "the tag of its ASN.1 type",
            }),
            None => Err(Error::Truncated { structure, at, size: at }),
        }
    }

    /// The next element if it has this tag.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Error> {
        if self.bytes.first() == Some(&tag) { self.next() } else { Ok(None) }
    }
}

impl<'a> Element<'a> {
    /// The elements in it.
    pub fn inside(&self) -> Der<'a> {
        Der { bytes: self.content, at: self.at + self.whole.len() - self.content.len() }
    }

    /// All elements in it.
    pub fn all(&self) -> Result<Vec<Element<'a>>, Error> {
        let mut inside = self.inside();
        let mut found = Vec::new();
        while let Some(element) = inside.next()? {
            found.push(element);
        }
        Ok(found)
    }

    /// The bytes of a bit string of whole bytes.
    pub fn bits(&self) -> Result<&'a [u8], Error> {
        match self.content.split_first() {
            Some((0, bytes)) => Ok(bytes),
            other => Err(Error::Damaged {
                structure: "bit string",
                at: self.at as u64,
                found: other.map_or(0, |(unused, _)| u64::from(*unused)),
                expected: "no unused bits",
            }),
        }
    }
}
