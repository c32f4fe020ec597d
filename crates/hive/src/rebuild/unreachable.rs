//! Allocated cells that nothing names.

use super::Rebuild;
use crate::bin::BIN_HEADER;
use crate::cell::CellOffset;
use crate::key_node::KeyNode;

impl Rebuild<'_> {
    /// Tells which keys are reached from nowhere, and how much else.
    pub(super) fn tell_unreachable(&mut self) {
        if self.losses.is_none() {
            return;
        }
        let from = self.from;
        let (mut cells, mut bytes, mut first) = (0_u64, 0_u64, None);
        for (index, &bin) in from.bins().iter().enumerate() {
            let end = from.bins().get(index + 1).copied().unwrap_or(from.length());
            let mut at = bin + BIN_HEADER;
            while at < end {
                let Some(size) = from.size_field(CellOffset(at)) else { break };
                let here = CellOffset(at);
                if size < 0 && !self.taken.contains(at) {
                    match KeyNode::read(from, here) {
                        Ok((_, name)) => {
                            let text = format!("key {:?}, which no key names", name.to_text());
                            self.tell("", here, text);
                        }
                        Err(_) => {
                            cells += 1;
                            bytes += u64::from(size.unsigned_abs());
                            first = first.or(Some(here));
                        }
                    }
                }
                at = at.saturating_add(size.unsigned_abs());
            }
        }
        if let Some(first) = first {
            let text = format!("{cells} cells of {bytes} bytes in all, which nothing names");
            self.tell("", first, text);
        }
    }
}
