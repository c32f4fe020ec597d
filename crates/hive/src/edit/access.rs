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
    let mut node = *KeyNode::read(cells, key)?.0;
    let old = CellOffset(node.security.get());
    if SecurityCell::read(cells, old)?.1 == descriptor {
        return Ok(false);
    }
    // The new cell first: the old one may be what its ring is found by.
    let new = security::share(cells, old, descriptor)?;
    security::drop_references(cells, old, 1)?;
    node.security.set(new.0);
    node.last_write.set(now);
    node.write(cells, key)?;
    Ok(true)
}
