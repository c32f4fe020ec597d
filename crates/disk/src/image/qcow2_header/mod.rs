//! The qcow2 header, decoded and judged before the format driver sees the file.
//!
//! The driver ignores the encryption field and rewrites the header of images with auto-clear features before it
//! checks anything, so whether it may have the file is decided here.
//!
//! Source: QEMU `docs/interop/qcow2.txt`; limits on table sizes as in QEMU's own driver.

mod encode;
mod error;
mod geometry;

use std::io;

pub(crate) use encode::encode_new;
pub use error::Qcow2Error;

use crate::host::{HostFile, read_padded};

/// First bytes of a qcow2 image.
pub(crate) const MAGIC: &[u8; 4] = b"QFI\xfb";

const V2_BYTES: u64 = 72;
const V3_BYTES: u64 = 104;
const MAX_BACKING_NAME: u32 = 1023;

const DIRTY: u64 = 1;
const CORRUPT: u64 = 1 << 1;
const EXTERNAL_DATA: u64 = 1 << 2;
const COMPRESSION: u64 = 1 << 3;
const EXTENDED_L2: u64 = 1 << 4;
const KNOWN_INCOMPATIBLE: u64 = DIRTY | CORRUPT | EXTERNAL_DATA | COMPRESSION | EXTENDED_L2;
const BITMAPS: u64 = 1;
const RAW_EXTERNAL: u64 = 1 << 1;

const EXTENSION_END: u32 = 0;
const EXTENSION_BACKING_FORMAT: u32 = 0xe279_2aca;
const EXTENSION_DATA_FILE: u32 = 0x4441_5441;
const EXTENSION_FEATURE_NAMES: u32 = 0x6803_f857;
const FEATURE_NAME_BYTES: u64 = 48;

/// What the layers above need of a header that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Qcow2Header {
    pub(crate) cluster_bits: u32,
    pub(crate) backing: Option<String>,
    pub(crate) backing_format: Option<String>,
    /// The name of the external data file, if the image has one; empty when the header does not say.
    pub(crate) data_file: Option<String>,
}

/// Why a header was not read.
#[derive(Debug)]
pub(crate) enum HeaderFailure {
    Io(io::Error),
    Refused(Qcow2Error),
}

impl From<Qcow2Error> for HeaderFailure {
    fn from(error: Qcow2Error) -> Self {
        Self::Refused(error)
    }
}

/// Reads and judges the header of a qcow2 file that is to be read or, with `writable`, written.
pub(crate) fn read_header(
    file: &dyn HostFile,
    writable: bool,
) -> Result<Qcow2Header, HeaderFailure> {
    let length = file.len().map_err(HeaderFailure::Io)?;
    let mut fixed = [0; V3_BYTES as usize + 8];
    read_padded(file, 0, &mut fixed).map_err(HeaderFailure::Io)?;
    let fields = Fields::decode(&fixed, length)?;
    fields.judge_features(writable)?;
    fields.judge_geometry(length)?;

    let mut cluster = vec![0; 1 << fields.cluster_bits];
    read_padded(file, 0, &mut cluster).map_err(HeaderFailure::Io)?;
    let mut header = Qcow2Header {
        cluster_bits: fields.cluster_bits,
        backing: fields.backing_name(&cluster)?,
        backing_format: None,
        data_file: (fields.incompatible & EXTERNAL_DATA != 0).then(String::new),
    };
    read_extensions(&cluster, u64::from(fields.header_length), &mut header)?;
    Ok(header)
}

/// The numbers of the header.
#[derive(Debug)]
struct Fields {
    version: u32,
    backing_offset: u64,
    backing_length: u32,
    cluster_bits: u32,
    size: u64,
    crypt_method: u32,
    l1_size: u32,
    l1_offset: u64,
    refcount_offset: u64,
    refcount_clusters: u32,
    snapshots: u32,
    snapshots_offset: u64,
    incompatible: u64,
    autoclear: u64,
    refcount_order: u32,
    header_length: u32,
    compression: u8,
}

impl Fields {
    fn decode(bytes: &[u8], file_length: u64) -> Result<Self, Qcow2Error> {
        let found = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if found != *MAGIC {
            return Err(Qcow2Error::Magic { found });
        }
        let version = u32_at(bytes, 4);
        let expected = match version {
            2 => V2_BYTES,
            3 => V3_BYTES,
            found => return Err(Qcow2Error::Version { found }),
        };
        if file_length < expected {
            return Err(Qcow2Error::Truncated { found: file_length, expected });
        }
        let v3 = version == 3;
        let header_length = if v3 { u32_at(bytes, 100) } else { V2_BYTES as u32 };
        Ok(Self {
            version,
            backing_offset: u64_at(bytes, 8),
            backing_length: u32_at(bytes, 16),
            cluster_bits: u32_at(bytes, 20),
            size: u64_at(bytes, 24),
            crypt_method: u32_at(bytes, 32),
            l1_size: u32_at(bytes, 36),
            l1_offset: u64_at(bytes, 40),
            refcount_offset: u64_at(bytes, 48),
            refcount_clusters: u32_at(bytes, 56),
            snapshots: u32_at(bytes, 60),
            snapshots_offset: u64_at(bytes, 64),
            incompatible: if v3 { u64_at(bytes, 72) } else { 0 },
            autoclear: if v3 { u64_at(bytes, 88) } else { 0 },
            refcount_order: if v3 { u32_at(bytes, 96) } else { 4 },
            header_length,
            compression: if header_length > V3_BYTES as u32 { bytes[V3_BYTES as usize] } else { 0 },
        })
    }

    /// Refuses the features that the driver would damage or misread.
    fn judge_features(&self, writable: bool) -> Result<(), Qcow2Error> {
        if self.crypt_method != 0 {
            return Err(Qcow2Error::Encrypted { method: self.crypt_method });
        }
        let unknown = self.incompatible & !KNOWN_INCOMPATIBLE;
        if unknown != 0 {
            return Err(Qcow2Error::UnknownIncompatible { bits: unknown });
        }
        if self.incompatible & CORRUPT != 0 {
            return Err(Qcow2Error::Corrupt);
        }
        if self.incompatible & DIRTY != 0 {
            return Err(Qcow2Error::Dirty);
        }
        if self.incompatible & COMPRESSION != 0 || self.compression != 0 {
            let method = match self.compression {
                1 => "zstd".to_owned(),
                other => other.to_string(),
            };
            return Err(Qcow2Error::Compression { method });
        }
        if self.incompatible & EXTENDED_L2 != 0 {
            return Err(Qcow2Error::ExtendedL2);
        }
        if writable {
            if self.autoclear & BITMAPS != 0 {
                return Err(Qcow2Error::Bitmaps);
            }
            if self.autoclear & RAW_EXTERNAL != 0 {
                return Err(Qcow2Error::RawExternalData);
            }
            if self.autoclear != 0 {
                return Err(Qcow2Error::UnknownAutoclear { bits: self.autoclear });
            }
            if self.incompatible & EXTERNAL_DATA != 0 {
                return Err(Qcow2Error::ExternalData);
            }
        }
        Ok(())
    }

    fn backing_name(&self, cluster: &[u8]) -> Result<Option<String>, Qcow2Error> {
        if self.backing_offset == 0 {
            return Ok(None);
        }
        if self.backing_length > MAX_BACKING_NAME {
            return Err(Qcow2Error::Field {
                field: "backing_file_size",
                offset: 16,
                found: self.backing_length.into(),
                expected: format!("at most {MAX_BACKING_NAME}"),
            });
        }
        let start = usize::try_from(self.backing_offset).unwrap_or(usize::MAX);
        let bytes = start
            .checked_add(self.backing_length as usize)
            .and_then(|end| cluster.get(start..end))
            .ok_or_else(|| Qcow2Error::Field {
                field: "backing_file_offset",
                offset: 8,
                found: self.backing_offset,
                expected: "a name inside the first cluster".to_owned(),
            })?;
        text("backing file name", self.backing_offset, bytes).map(Some)
    }
}

/// Walks the header extensions inside the first cluster.
fn read_extensions(cluster: &[u8], start: u64, header: &mut Qcow2Header) -> Result<(), Qcow2Error> {
    let mut position = start;
    loop {
        let at = position as usize;
        let Some(head) = cluster.get(at..at + 8) else {
            return Err(Qcow2Error::Extension { kind: 0, offset: position, length: 8 });
        };
        let (kind, length) = (u32_at(head, 0), u64::from(u32_at(head, 4)));
        if kind == EXTENSION_END {
            return Ok(());
        }
        let bytes = usize::try_from(length)
            .ok()
            .and_then(|length| cluster.get(at + 8..(at + 8).checked_add(length)?))
            .ok_or(Qcow2Error::Extension { kind, offset: position, length })?;
        let once = |held: &Option<String>, found: String| match held {
            Some(first) if !first.is_empty() && *first != found => {
                Err(Qcow2Error::Extension { kind, offset: position, length })
            }
            _ => Ok(Some(found)),
        };
        match kind {
            EXTENSION_BACKING_FORMAT => {
                let found = text("backing file format", position + 8, bytes)?;
                header.backing_format = once(&header.backing_format, found)?;
            }
            EXTENSION_DATA_FILE => {
                let found = text("data file name", position + 8, bytes)?;
                if header.data_file.is_some() {
                    header.data_file = once(&header.data_file, found)?;
                }
            }
            EXTENSION_FEATURE_NAMES if length % FEATURE_NAME_BYTES != 0 => {
                return Err(Qcow2Error::Extension { kind, offset: position, length });
            }
            _ => {}
        }
        position += 8 + length.next_multiple_of(8);
    }
}

fn text(name: &'static str, offset: u64, bytes: &[u8]) -> Result<String, Qcow2Error> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Qcow2Error::NotText { name, offset })
}

/// The big-endian number at `at`, which lies inside `bytes`.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_be_bytes)
}
