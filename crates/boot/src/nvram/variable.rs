//! One variable.
//!
//! ```text
//! 0x00   2  55 AA, as a number
//! 0x02   1  state; bits are taken away: 3F added, 3E about to be deleted, 3C or 3D deleted
//! 0x04   4  attributes
//! 0x08   8  count of authenticated writes     only in stores of authenticated variables
//! 0x10  16  time of the last of them
//! 0x20   4  index of its key
//! 0x24   4  bytes of the name, with its NUL   0x08 in other stores
//! 0x28   4  bytes of the data
//! 0x2c  16  GUID of its owner
//! 0x3c      name in UTF-16, data
//! ```

use crate::bcd::{GuidBytes, terminated};

/// Mark of a variable's head.
const START: [u8; 2] = [0xAA, 0x55];
const ADDED: u8 = 0x3F;
/// Taken away from the state of one that is deleted.
pub(super) const DELETED_BIT: u8 = 0x02;
const IN_TRANSITION: u8 = 0x3E;
/// Boundary that variables begin on.
const ALIGNMENT: usize = 4;
/// Bytes of a head up to its sizes, of either kind of store.
const SIZES_AUTHENTICATED: usize = 0x24;
const SIZES_PLAIN: usize = 0x08;

/// A variable that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name, such as `Boot0000`.
    pub name: String,
    /// Its owner.
    pub owner: GuidBytes,
    /// Its attributes: 1 kept, 2 for boot services, 4 at run time.
    pub attributes: u32,
    /// What it holds.
    pub data: Vec<u8>,
}

/// A place in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot<'b> {
    /// Head, name and data.
    pub(super) bytes: &'b [u8],
    pub(super) state: u8,
    authenticated: bool,
}

impl<'b> Slot<'b> {
    /// The slot that begins at the start of `bytes`; `None` for what is none, or does not end in them.
    pub(super) fn read(bytes: &'b [u8], authenticated: bool) -> Option<Self> {
        if !bytes.starts_with(&START) {
            return None;
        }
        let state = *bytes.get(2)?;
        let (name, data) = sizes(bytes, authenticated)?;
        let length = head(authenticated).checked_add(name)?.checked_add(data)?;
        Some(Self { bytes: bytes.get(..length)?, state, authenticated })
    }

    /// Bytes up to where the next one begins.
    pub(super) fn length(&self) -> usize {
        self.bytes.len().next_multiple_of(ALIGNMENT)
    }

    /// True for one that counts; one that is about to be deleted does where there is no other of its name.
    pub(super) fn is_added(&self) -> bool {
        self.state == ADDED
    }

    pub(super) fn is_in_transition(&self) -> bool {
        self.state == IN_TRANSITION
    }

    pub(super) fn variable(&self) -> Option<Variable> {
        let (name, _) = sizes(self.bytes, self.authenticated)?;
        let head = head(self.authenticated);
        let units = self.bytes.get(head..head.checked_add(name)?)?.chunks_exact(2);
        let units: Vec<u16> = units.map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        let text = units.split(|unit| *unit == 0).next().unwrap_or_default();
        Some(Variable {
            name: String::from_utf16_lossy(text),
            owner: *self.bytes.get(head - 16..)?.first_chunk()?,
            attributes: u32::from_le_bytes(*self.bytes.get(4..)?.first_chunk()?),
            data: self.bytes.get(head + name..)?.to_vec(),
        })
    }
}

/// A slot that holds a variable, padded to where the next one begins.
pub(super) fn slot_of(variable: &Variable, authenticated: bool) -> Option<Vec<u8>> {
    let name = terminated(&variable.name);
    let mut bytes = [&START[..], &[ADDED, 0], &variable.attributes.to_le_bytes()].concat();
    if authenticated {
        bytes.resize(SIZES_AUTHENTICATED, 0);
    }
    bytes.extend(u32::try_from(name.len()).ok()?.to_le_bytes());
    bytes.extend(u32::try_from(variable.data.len()).ok()?.to_le_bytes());
    bytes.extend(variable.owner);
    bytes.extend(name);
    bytes.extend(&variable.data);
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0xFF);
    Some(bytes)
}

/// Bytes of a head.
fn head(authenticated: bool) -> usize {
    sizes_at(authenticated) + 8 + 16
}

fn sizes_at(authenticated: bool) -> usize {
    if authenticated { SIZES_AUTHENTICATED } else { SIZES_PLAIN }
}

/// Bytes of the name and of the data.
fn sizes(bytes: &[u8], authenticated: bool) -> Option<(usize, usize)> {
    let number = |at: usize| -> Option<usize> {
        let number = u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
        usize::try_from(number).ok()
    };
    let at = sizes_at(authenticated);
    Some((number(at)?, number(at + 4)?))
}
