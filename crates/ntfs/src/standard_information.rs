//! `$STANDARD_INFORMATION`: a file's times, DOS attributes and security id.
//!
//! Source: linux-ntfs documentation, "$STANDARD_INFORMATION"; [MS-FSCC] 2.6 for the attribute bits.

use crate::{
    Error,
    attribute::{Form, kind},
    bytes,
    core::Core,
    stream::Body,
};

/// DOS attribute bits.
pub(crate) mod dos {
    pub(crate) const READ_ONLY: u32 = 0x1;
    pub(crate) const HIDDEN: u32 = 0x2;
    pub(crate) const SYSTEM: u32 = 0x4;
    pub(crate) const DIRECTORY: u32 = 0x10;
    pub(crate) const ARCHIVE: u32 = 0x20;
    pub(crate) const TEMPORARY: u32 = 0x100;
    pub(crate) const SPARSE: u32 = 0x200;
    pub(crate) const REPARSE_POINT: u32 = 0x400;
    pub(crate) const COMPRESSED: u32 = 0x800;
    pub(crate) const OFFLINE: u32 = 0x1000;
    pub(crate) const NOT_INDEXED: u32 = 0x2000;
    pub(crate) const ENCRYPTED: u32 = 0x4000;
    /// What users may set.
    pub(crate) const SETTABLE: u32 =
        READ_ONLY | HIDDEN | SYSTEM | ARCHIVE | TEMPORARY | OFFLINE | NOT_INDEXED;
}

/// Bytes of the value on NTFS 1.2 and 3.x volumes.
const SHORT: usize = 0x30;
const LONG: usize = 0x48;

/// A `$STANDARD_INFORMATION` value, kept with the fields that are not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StandardInformation(Vec<u8>);

impl StandardInformation {
    /// The value of a new file.
    pub(crate) fn new(now: u64, attributes: u32, security_id: u32) -> Self {
        let mut information = Self(vec![0; LONG]);
        information.set_times([now; 4]);
        information.set_attributes(attributes);
        information.0[0x34..0x38].copy_from_slice(&security_id.to_le_bytes());
        information
    }

    pub(crate) fn parse(value: Vec<u8>) -> Option<Self> {
        (value.len() >= SHORT).then_some(Self(value))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Created, modified, record changed, accessed.
    pub(crate) fn times(&self) -> [u64; 4] {
        [0, 8, 0x10, 0x18].map(|at| bytes::u64_at(&self.0, at).unwrap_or(0))
    }

    pub(crate) fn set_times(&mut self, times: [u64; 4]) {
        for (slot, time) in self.0.chunks_exact_mut(8).zip(times) {
            slot.copy_from_slice(&time.to_le_bytes());
        }
    }

    pub(crate) fn attributes(&self) -> u32 {
        bytes::u32_at(&self.0, 0x20).unwrap_or(0)
    }

    pub(crate) fn set_attributes(&mut self, attributes: u32) {
        self.0[0x20..0x24].copy_from_slice(&attributes.to_le_bytes());
    }

    /// Whether names in the folder differ by case: no maximum number of versions, and version 1.
    ///
    /// Source: libyal's NTFS format documentation, "The standard information attribute".
    pub(crate) fn is_case_sensitive(&self) -> bool {
        bytes::u32_at(&self.0, 0x24) == Some(0) && bytes::u32_at(&self.0, 0x28) == Some(1)
    }

    /// Makes names in the folder differ by case, or not.
    pub(crate) fn set_case_sensitive(&mut self, sensitive: bool) {
        self.0[0x24..0x28].fill(0);
        self.0[0x28..0x2c].copy_from_slice(&u32::from(sensitive).to_le_bytes());
    }

    /// Sets the id of the security descriptor in `$Secure`. A value of NTFS 1.2 grows.
    pub(crate) fn set_security_id(&mut self, id: u32) {
        if self.0.len() < LONG {
            self.0.resize(LONG, 0);
        }
        self.0[0x34..0x38].copy_from_slice(&id.to_le_bytes());
    }

    /// The id of the security descriptor in `$Secure`.
    pub(crate) fn security_id(&self) -> Option<u32> {
        bytes::u32_at(&self.0, 0x34).filter(|id| *id != 0)
    }
}

impl Core {
    /// Reads a file's `$STANDARD_INFORMATION`, which stands in its base record.
    pub(crate) fn information(&mut self, base: u64) -> Result<StandardInformation, Error> {
        let record = self.shared_record(base)?;
        let slot =
            record.slots().iter().copied().find(|slot| slot.kind == kind::STANDARD_INFORMATION);
        let damaged = |problem| Error::Damaged {
            structure: "$STANDARD_INFORMATION",
            record: base,
            problem,
            found: 0,
        };
        match record.attribute(slot.ok_or_else(|| damaged("missing"))?)?.form {
            Form::Resident { value, .. } => {
                StandardInformation::parse(value).ok_or_else(|| damaged("cut short"))
            }
            Form::NonResident { .. } => Err(damaged("not resident")),
        }
    }

    /// Replaces it.
    pub(crate) fn set_information(
        &mut self,
        base: u64,
        information: &StandardInformation,
    ) -> Result<(), Error> {
        let mut record = self.record(base)?;
        let slot =
            record.slots().iter().copied().find(|slot| slot.kind == kind::STANDARD_INFORMATION);
        let Some(slot) = slot else { return Ok(()) };
        let mut attribute = record.attribute(slot)?;
        if let Form::Resident { value, .. } = &mut attribute.form {
            value.clear();
            value.extend_from_slice(information.bytes());
        }
        if attribute.length() > slot.length + record.room() {
            // It grew: other attributes make room.
            let stream = self.open_stream(base, kind::STANDARD_INFORMATION, &[])?;
            let Some(mut stream) = stream else { return Ok(()) };
            stream.body = Body::Resident(information.bytes().to_vec());
            return self.save_stream(&mut stream);
        }
        record.replace(slot, &attribute)?;
        self.write_record(record)
    }
}
