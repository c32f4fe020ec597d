//! Security cells: descriptors that keys share, counted and linked in a ring.
//!
//! Source: M. Suhanov, "Windows registry file format specification", "Key security".

use crate::cell::CellOffset;
use crate::cells::Cells;
use crate::error::{HiveError, Structure};
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

const WHAT: Structure = Structure::Security;

/// A security cell without its descriptor.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct SecurityCell {
    /// `sk`
    pub(crate) signature: [u8; 2],
    pub(crate) reserved: [u8; 2],
    /// The next cell of the ring.
    pub(crate) next: U32,
    /// The previous cell of the ring.
    pub(crate) previous: U32,
    /// Keys that name this cell.
    pub(crate) references: U32,
    /// Bytes of the descriptor.
    pub(crate) length: U32,
}

impl SecurityCell {
    /// Reads the cell at `at` with its descriptor, which must lie within.
    pub(crate) fn read(cells: &Cells, at: CellOffset) -> Result<(&Self, &[u8]), HiveError> {
        let (cell, rest) = cells.record::<Self>(at, WHAT)?;
        let offset = at.in_file();
        if cell.signature != *b"sk" {
            return Err(HiveError::Signature { what: WHAT, offset, found: cell.signature });
        }
        let length = cell.length.get();
        let (needed, found) = (u64::from(length), rest.len() as u64);
        let short = HiveError::Truncated { what: WHAT, offset, needed, found };
        rest.get(..length as usize).map(|descriptor| (cell, descriptor)).ok_or(short)
    }

    /// A copy of the cell that starts at `at`, to be changed and written back.
    fn copy(cells: &Cells, at: CellOffset) -> Result<Self, HiveError> {
        Self::read(cells, at).map(|(cell, _)| *cell)
    }
}

/// Counts one more key with this descriptor: the cell of the same content in the ring of `near`, or a new one in it.
pub(crate) fn share(
    cells: &mut Cells,
    near: CellOffset,
    descriptor: &[u8],
) -> Result<CellOffset, HiveError> {
    match find(cells, near, descriptor)? {
        Some(at) => {
            count_more(cells, at, 1)?;
            Ok(at)
        }
        None => add(cells, near, descriptor),
    }
}

/// Counts more keys with the descriptor of the cell at `at`.
pub(crate) fn count_more(cells: &mut Cells, at: CellOffset, keys: u32) -> Result<(), HiveError> {
    let mut cell = SecurityCell::copy(cells, at)?;
    let Some(references) = cell.references.get().checked_add(keys) else {
        return Err(field(at, "reference count", cell.references.get()));
    };
    cell.references.set(references);
    cells.write_record(at, &cell, WHAT)
}

/// Adds a cell to the ring after `near`, or begins a ring.
pub(crate) fn add_to_ring(
    cells: &mut Cells,
    near: Option<CellOffset>,
    descriptor: &[u8],
) -> Result<CellOffset, HiveError> {
    if let Some(near) = near {
        return add(cells, near, descriptor);
    }
    let at = cells.allocate(size_of::<SecurityCell>() + descriptor.len())?;
    let cell = SecurityCell {
        signature: *b"sk",
        reserved: [0; 2],
        next: U32::new(at.0),
        previous: U32::new(at.0),
        references: U32::new(1),
        length: U32::new(u32::try_from(descriptor.len()).unwrap_or(u32::MAX)),
    };
    cells.write_record(at, &cell, WHAT)?;
    cells.write(at, size_of::<SecurityCell>(), descriptor, WHAT)?;
    Ok(at)
}

/// Finds a descriptor in the ring that `near` is part of.
fn find(
    cells: &Cells,
    near: CellOffset,
    descriptor: &[u8],
) -> Result<Option<CellOffset>, HiveError> {
    let mut at = near;
    // A ring cannot have more members than the hive has room for.
    for _ in 0..=cells.length() / 24 {
        let (cell, own) = SecurityCell::read(cells, at)?;
        if own == descriptor {
            return Ok(Some(at));
        }
        at = CellOffset(cell.next.get());
        if at == near {
            return Ok(None);
        }
    }
    Err(field(near, "next cell of the ring", near.0))
}

/// Adds a cell to the ring after `near`.
fn add(cells: &mut Cells, near: CellOffset, descriptor: &[u8]) -> Result<CellOffset, HiveError> {
    let next = CellOffset(SecurityCell::copy(cells, near)?.next.get());
    let cell = SecurityCell {
        signature: *b"sk",
        reserved: [0; 2],
        next: U32::new(next.0),
        previous: U32::new(near.0),
        references: U32::new(1),
        length: U32::new(u32::try_from(descriptor.len()).unwrap_or(u32::MAX)),
    };
    let mut bytes = cell.as_bytes().to_vec();
    bytes.extend(descriptor);
    let at = cells.allocate_with(&bytes)?;
    link(cells, near, at, next)?;
    Ok(at)
}

/// Enters `at` as the next of `before` and the previous of `after`, which may be the same cell.
fn link(
    cells: &mut Cells,
    before: CellOffset,
    at: CellOffset,
    after: CellOffset,
) -> Result<(), HiveError> {
    let mut cell = SecurityCell::copy(cells, before)?;
    cell.next.set(at.0);
    cells.write_record(before, &cell, WHAT)?;
    let mut cell = SecurityCell::copy(cells, after)?;
    cell.previous.set(at.0);
    cells.write_record(after, &cell, WHAT)
}

/// Counts `keys` fewer, and frees the cell when none is left.
pub(crate) fn drop_references(
    cells: &mut Cells,
    at: CellOffset,
    keys: u32,
) -> Result<(), HiveError> {
    let mut cell = SecurityCell::copy(cells, at)?;
    let Some(left) = cell.references.get().checked_sub(keys) else {
        return Err(field(at, "reference count", cell.references.get()));
    };
    if left > 0 {
        cell.references.set(left);
        return cells.write_record(at, &cell, WHAT);
    }
    let (before, after) = (CellOffset(cell.previous.get()), CellOffset(cell.next.get()));
    if before == at || after == at {
        // The only member of its ring, which is then gone.
        if before != after {
            return Err(field(at, "next cell of the ring", after.0));
        }
        return cells.release(at, WHAT);
    }
    let mut cell = SecurityCell::copy(cells, before)?;
    if cell.next.get() != at.0 {
        return Err(field(before, "next cell of the ring", cell.next.get()));
    }
    cell.next.set(after.0);
    cells.write_record(before, &cell, WHAT)?;
    let mut cell = SecurityCell::copy(cells, after)?;
    if cell.previous.get() != at.0 {
        return Err(field(after, "previous cell of the ring", cell.previous.get()));
    }
    cell.previous.set(before.0);
    cells.write_record(after, &cell, WHAT)?;
    cells.release(at, WHAT)
}

fn field(at: CellOffset, field: &'static str, found: u32) -> HiveError {
    HiveError::Field { what: WHAT, offset: at.in_file(), field, found: u64::from(found) }
}
