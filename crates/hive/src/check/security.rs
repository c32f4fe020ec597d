//! Security cells: content, reference counts, the ring.

use super::Check;
use crate::cell::{CellOffset, CellSet};
use crate::descriptor;
use crate::error::{HiveError, Structure};
use crate::security::SecurityCell;

impl Check<'_> {
    pub(super) fn security_ring(&mut self) {
        let cells = self.cells;
        let mut first = None;
        for (at, references) in std::mem::take(&mut self.security) {
            self.security.insert(at, references);
            // Claimed by the first key already if something else names the cell.
            if self.claim(at, Structure::Security, "a key").is_none() {
                continue;
            }
            let cell = match SecurityCell::read(cells, at) {
                Ok((cell, descriptor)) => {
                    if !descriptor::is_well_formed(descriptor) {
                        self.add("security.size", at, "descriptor is malformed");
                    }
                    cell
                }
                Err(HiveError::Truncated { needed, found, .. })
                    if cells
                        .payload(at, Structure::Security)
                        .is_ok_and(|payload| payload.starts_with(b"sk")) =>
                {
                    self.add(
                        "security.size",
                        at,
                        format!("descriptor of {needed} bytes, the cell holds {found}"),
                    );
                    continue;
                }
                Err(fault) => {
                    self.add("security.signature", at, fault.to_string());
                    continue;
                }
            };
            let found = cell.references.get();
            if found != references {
                let text = format!("counts {found} references, {references} keys name it");
                self.add("security.refcount", at, text);
            }
            first = first.or(Some(at));
        }
        if let Some(first) = first {
            self.ring_from(first);
        }
    }

    fn ring_from(&mut self, first: CellOffset) {
        let cells = self.cells;
        let mut listed = CellSet::new(cells.length());
        let mut unused = Vec::new();
        let mut at = first;
        while !listed.contains(at.0) {
            let Some(cell) = self.ring_member(at) else { return };
            listed.insert(at.0);
            if !self.security.contains_key(&at) {
                unused.push(at);
            }
            let next = CellOffset(cell);
            match cells.record::<SecurityCell>(next, Structure::Security) {
                Ok((cell, _)) if cell.previous.get() == at.0 => {}
                Ok((cell, _)) => {
                    let previous = CellOffset(cell.previous.get()).in_file();
                    let text = format!("previous of {:#x} is {previous:#x}", next.in_file());
                    self.add("security.list", at, text);
                }
                Err(fault) => return self.add("security.list", at, fault.to_string()),
            }
            at = next;
        }
        let outside: Vec<CellOffset> =
            self.security.keys().copied().filter(|at| !listed.contains(at.0)).collect();
        for at in outside {
            self.add("security.list", at, "not in the ring");
        }
        for at in unused {
            self.add("security.unused", at, "in the ring, but no key names it");
            self.seen.insert(at.0);
        }
    }

    /// The next member of the ring.
    fn ring_member(&mut self, at: CellOffset) -> Option<u32> {
        match self.cells.record::<SecurityCell>(at, Structure::Security) {
            Ok((cell, _)) if cell.signature == *b"sk" => Some(cell.next.get()),
            Ok(_) | Err(_) => {
                self.add("security.list", at, "ring leads to something that is no security cell");
                None
            }
        }
    }
}
