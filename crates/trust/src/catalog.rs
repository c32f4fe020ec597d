//! Security catalogs: signed lists of the digests of a driver's files.
//!
//! Source: "Catalog Files and Digital Signatures" (Microsoft); the layout of certificate trust lists in `wincrypt.h` and
//! `mscat.h` of the Windows SDK.

use crate::certificate::{printable, string, utf16};
use crate::der::{Der, Element, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, context};
use crate::digest::Algorithm;
use crate::error::Error;
use crate::oid;
use crate::pe;
use crate::signature::{Signature, digest};
use crate::signed_data::SignedData;

/// Members of a catalog; those of Windows itself have some ten thousand.
const MEMBERS_MAX: usize = 1 << 20;

/// A security catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    /// Files it is about.
    pub members: Vec<Member>,
    /// Names and values of the whole: `OS` (`7X64,10X64,...`), `HWID1`, ...
    pub attributes: Vec<(String, String)>,
    /// Its signature.
    pub signature: Signature,
}

/// A file that a catalog is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The digest, and its algorithm.
    pub algorithm: Algorithm,
    /// The digest of the file: of a PE file as its signatures have it, of another of all its bytes.
    pub digest: Vec<u8>,
    /// Names and values: `File`, `OSAttr` (`2:6.1,2:10.0`), ...
    pub attributes: Vec<(String, String)>,
}

impl Member {
    /// The value of an attribute, by its name in whatever case.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        value(&self.attributes, name)
    }
}

fn value<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

impl Catalog {
    /// Reads a catalog and verifies its signature.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read. A signature that does not hold is no error but a verdict.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let data = SignedData::read(bytes)?;
        let content = data.content.filter(|_| data.content_type == oid::TRUST_LIST);
        let content = content
            .ok_or(Error::Unsupported { what: "signed data without a trust list", at: 0 })?;
        let mut list = content.inside();
        list.optional(INTEGER)?; // version
        list.expect(SEQUENCE, "subjectUsage")?;
        list.optional(OCTET_STRING)?; // listIdentifier
        list.optional(INTEGER)?; // sequenceNumber
        for time in [0x17, 0x18, 0x17, 0x18] {
            list.optional(time)?; // thisUpdate, nextUpdate
        }
        list.expect(SEQUENCE, "subjectAlgorithm")?;
        let mut members = Vec::new();
        if let Some(subjects) = list.optional(SEQUENCE)? {
            let mut inside = subjects.inside();
            while let Some(subject) = inside.next()? {
                if members.len() >= MEMBERS_MAX {
                    let (at, found) = (subject.at as u64, members.len() as u64);
                    return Err(Error::Damaged {
                        structure: "trustedSubjects",
                        at,
                        found,
                        expected: "fewer members",
                    });
                }
                members.extend(member(&subject)?);
            }
        }
        let mut attributes = Vec::new();
        if let Some(extensions) = list.optional(context(0))? {
            for extension in extensions.inside().expect(SEQUENCE, "extensions")?.all()? {
                let mut parts = extension.inside();
                let kind = parts.expect(OBJECT_IDENTIFIER, "extension")?.content;
                parts.optional(1)?;
                let value = parts.expect(OCTET_STRING, "extension")?;
                if kind == oid::CATALOG_NAME_VALUE {
                    attributes.extend(name_value(&mut value.inside())?);
                }
            }
        }
        Ok(Self { members, attributes, signature: Signature::of(&data)? })
    }

    /// The value of an attribute of the whole, by its name in whatever case.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        value(&self.attributes, name)
    }

    /// The member that is a file with these contents: an INF, a driver, ...
    pub fn covers(&self, contents: &[u8]) -> Option<&Member> {
        let image = pe::Image::is_pe(contents).then(|| pe::Image::parse(contents).ok()).flatten();
        [Algorithm::Sha256, Algorithm::Sha1].into_iter().find_map(|algorithm| {
            let of_algorithm = self.members.iter().filter(|member| member.algorithm == algorithm);
            let find = |digest: &[u8]| of_algorithm.clone().find(|member| member.digest == digest);
            let as_pe = image.as_ref().and_then(|image| image.digest(algorithm).ok());
            as_pe.and_then(|digest| find(&digest)).or_else(|| find(&algorithm.hash(&[contents])))
        })
    }
}

/// A member; `None` without a digest of a known algorithm.
fn member(subject: &Element<'_>) -> Result<Option<Member>, Error> {
    let mut parts = subject.inside();
    let identifier = parts.expect(OCTET_STRING, "subjectIdentifier")?.content;
    let mut found = None;
    let mut attributes = Vec::new();
    if let Some(set) = parts.optional(SET)? {
        for attribute in set.all()? {
            let mut parts = attribute.inside();
            let kind = parts.expect(OBJECT_IDENTIFIER, "attribute")?.content;
            let mut values = parts.expect(SET, "attribute")?.inside();
            if kind == oid::SPC_INDIRECT_DATA {
                if let Some(content) = values.next()? {
                    found = digest(&content)?;
                }
            } else if kind == oid::CATALOG_NAME_VALUE {
                attributes.extend(name_value(&mut values)?);
            }
        }
    }
    let (algorithm, digest) = match (found, identifier.len()) {
        (Some(found), _) => found,
        // Catalogs of the second version name a member by its digest.
        (None, 20) => (Algorithm::Sha1, identifier.to_vec()),
        (None, 32) => (Algorithm::Sha256, identifier.to_vec()),
        (None, _) => return Ok(None),
    };
    Ok(Some(Member { algorithm, digest, attributes }))
}

/// A name in UTF-16, big-endian, flags, and a value in UTF-16, little-endian, with a zero at its end.
fn name_value(values: &mut Der<'_>) -> Result<Option<(String, String)>, Error> {
    let Some(pair) = values.optional(SEQUENCE)? else { return Ok(None) };
    let mut parts = pair.inside();
    let Some(name) = parts.next()? else { return Ok(None) };
    parts.expect(INTEGER, "flags of a name and value")?;
    let value = parts.expect(OCTET_STRING, "value of a name")?.content;
    let value = utf16(value, u16::from_le_bytes);
    Ok(Some((string(&name), printable(value.trim_end_matches('\0')))))
}
