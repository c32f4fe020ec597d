//! A key that gets another security descriptor.

use crate::cell::CellOffset;
use crate::cells::Cells;
use crate::error::HiveError;
use crate::key_node::KeyNode;
use crate::security::{self, SecurityCell};

/// Gives a key a descriptor; false when it has it already.
pub(crate) fn set_security(
    cells: &mut Cells,
    key: CellOffset,
    descriptor: &[u8],
    now: u64,
) -> Result<bool, HiveError> {
    let node = KeyNode::read(cells, key)?.0;
    let old = CellOffset(node.security.get());
    if SecurityCell::read(cells, old)?.1 == descriptor {
        return Ok(false);
    }
    // The new cell first: the old one may be what its ring is found by.
    let new = security::share(cells, old, descriptor)?;
    security::drop_references(cells, old, 1)?;
    enter(cells, key, new, now)?;
    Ok(true)
}

/// Gives keys whose descriptors are now in one cell another one: for each cell the new descriptor and the keys.
pub(crate) fn replace_security(
    cells: &mut Cells,
    planned: &[(CellOffset, &[u8], Vec<CellOffset>)],
    now: u64,
) -> Result<(), HiveError> {
    let number = |keys: &[CellOffset]| u32::try_from(keys.len()).unwrap_or(u32::MAX);
    // All new cells first: an old one may be what its ring is found by, or what other keys get.
    for (old, descriptor, keys) in planned {
        let new = security::share(cells, *old, descriptor)?;
        security::count_more(cells, new, number(keys).saturating_sub(1))?;
        for key in keys {
            enter(cells, *key, new, now)?;
        }
    }
    planned
        .iter()
        .try_for_each(|(old, _, keys)| security::drop_references(cells, *old, number(keys)))
}

/// Enters the cell of a key's descriptor.
fn enter(cells: &mut Cells, key: CellOffset, new: CellOffset, now: u64) -> Result<(), HiveError> {
    let mut node = *KeyNode::read(cells, key)?.0;
    node.security.set(new.0);
    node.last_write.set(now);
    node.write(cells, key)
}
