//! The digest that signatures over a PE file hold, and the table they lie in.

use super::{DIRECTORY_SECURITY, Image, u16_at, u32_at};
use crate::digest::Algorithm;
use crate::error::Error;

/// `WIN_CERT_TYPE_PKCS_SIGNED_DATA`
const SIGNED_DATA: u16 = 2;
/// Signatures in a file; there is one nearly always.
const CERTIFICATES_MAX: usize = 16;

impl<'a> Image<'a> {
    /// Where the certificate table lies: an offset in the file, unlike all other directories.
    fn certificate_table(&self) -> Result<Option<(usize, usize)>, Error> {
        let Some((offset, size)) = self.directory(DIRECTORY_SECURITY) else { return Ok(None) };
        let (offset, size) = (offset as usize, size as usize);
        match offset.checked_add(size) {
            Some(end) if end <= self.bytes.len() && offset >= self.header_size => {
                Ok(Some((offset, size)))
            }
            _ => Err(Error::Truncated {
                structure: "certificate table",
                at: offset as u64,
                size: self.bytes.len() as u64,
            }),
        }
    }

    /// The PKCS #7 signed data that the file carries; none for an unsigned file.
    ///
    /// # Errors
    /// [`Error::Truncated`] when the certificate table passes the end.
    pub fn certificates(&self) -> Result<Vec<&'a [u8]>, Error> {
        let Some((offset, size)) = self.certificate_table()? else { return Ok(Vec::new()) };
        let table = &self.bytes[offset..offset + size];
        let mut found = Vec::new();
        let mut at = 0;
        while found.len() < CERTIFICATES_MAX {
            let (Some(length), Some(kind)) = (u32_at(table, at), u16_at(table, at + 6)) else {
                break;
            };
            let length = length as usize;
            if length == 0 {
                break;
            }
            let bytes = at.checked_add(length).and_then(|end| table.get(at + 8..end));
            let bytes = bytes.ok_or(Error::Truncated {
                structure: "certificate table entry",
                at: (offset + at) as u64,
                size: (offset + size) as u64,
            })?;
            if kind == SIGNED_DATA {
                found.push(bytes);
            }
            at += length.next_multiple_of(8);
        }
        Ok(found)
    }

    /// The digest of all but the checksum, the place of the certificate table, and that table.
    ///
    /// A file without signature is hashed as if it were filled up to 8 bytes, as signing it would.
    ///
    /// # Errors
    /// [`Error::Damaged`] when sections overlap, [`Error::Truncated`] when one passes the end.
    pub fn digest(&self, algorithm: Algorithm) -> Result<Vec<u8>, Error> {
        let bytes = self.bytes;
        let table = self.certificate_table()?;
        let truncated = |structure, at: usize| Error::Truncated {
            structure,
            at: at as u64,
            size: bytes.len() as u64,
        };
        let header = self.header_size;
        let security = self.directories_at + 8 * DIRECTORY_SECURITY;
        if header > bytes.len() {
            return Err(truncated("headers", 0));
        }
        let mut pieces: Vec<&[u8]> = Vec::new();
        let checksum = self.checksum_at;
        let parts = if self.directories > DIRECTORY_SECURITY {
            vec![(0, checksum), (checksum + 4, security), (security + 8, header)]
        } else {
            vec![(0, checksum), (checksum + 4, header)]
        };
        for (from, to) in parts {
            pieces.push(bytes.get(from..to).ok_or_else(|| truncated("headers", from))?);
        }
        let mut sections: Vec<_> =
            self.sections.iter().filter(|section| section.size > 0).collect();
        sections.sort_by_key(|section| section.offset);
        let mut done = header;
        for section in sections {
            let (from, size) = (section.offset as usize, section.size as usize);
            if from < done {
                return Err(Error::Damaged {
                    structure: "section header",
                    at: section.offset.into(),
                    found: section.size.into(),
                    expected: "sections that do not overlap",
                });
            }
            let end = from.checked_add(size).ok_or_else(|| truncated("section", from))?;
            pieces.push(bytes.get(from..end).ok_or_else(|| truncated("section", from))?);
            done = end;
        }
        // What lies behind the sections, but for the certificates.
        let end = table.map_or(bytes.len(), |(offset, _)| offset);
        pieces.push(bytes.get(done..end).unwrap_or(&[]));
        let padding =
            if table.is_none() { bytes.len().next_multiple_of(8) - bytes.len() } else { 0 };
        pieces.push(&[0; 8][..padding]);
        if let Some((offset, size)) = table {
            pieces.push(&bytes[offset + size..]);
        }
        Ok(algorithm.hash(&pieces))
    }
}
