//! The consistency check: what the Windows kernel and strict checkers see.

use crate::base_block::{self, BASE_BLOCK_SIZE, BaseBlock, PAGE};
use crate::cell::{CellOffset, CellSet};
use crate::cells::Cells;
use crate::error::{HiveError, Structure};
use crate::key_node::LEVELS_MAX;
use std::collections::BTreeMap;
use zerocopy::FromBytes;

mod key;
mod list;
mod security;
mod value;

/// Something the checker found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable short name such as `cell.leaked`.
    pub id: &'static str,
    /// Offset in the file, bytes.
    pub offset: u64,
    /// What was found and expected.
    pub text: String,
}

/// [`Finding::id`] of a hive whose last write was not completed.
pub const DIRTY: &str = "base.dirty";

/// Findings of one check: a damaged hive can hold one for every few bytes.
const FINDINGS_MAX: usize = 10_000;

/// Checks a file that [`crate::Hive::open`] may refuse, as far as it can be read. `None` when it is not a hive at all.
#[must_use]
pub fn check_file(bytes: &[u8]) -> Option<Vec<Finding>> {
    if bytes.len() < BASE_BLOCK_SIZE as usize || !bytes.starts_with(b"regf") {
        return None;
    }
    let (base, _) = BaseBlock::read_from_prefix(bytes).ok()?;
    let (cells, faults) = Cells::open_damaged(bytes.to_vec(), base.length.get());
    let mut findings = check(&cells);
    findings.splice(0..0, faults.iter().map(layout_finding));
    findings.sort_by_key(|finding| !finding.id.starts_with("base."));
    Some(findings)
}

/// Checks a hive whose bins and cells were walked.
pub(crate) fn check(cells: &Cells) -> Vec<Finding> {
    let mut check = Check {
        cells,
        minor: 0,
        findings: Vec::new(),
        seen: CellSet::new(cells.length()),
        security: BTreeMap::new(),
    };
    let Ok((base, _)) = BaseBlock::read_from_prefix(cells.bytes()) else { return check.findings };
    check.base_block(&base);
    check.minor = base.minor.get();
    check.tree(CellOffset(base.root.get()));
    check.security_ring();
    check.leaks();
    check.findings
}

fn layout_finding(fault: &HiveError) -> Finding {
    let (id, offset) = match fault {
        HiveError::BinSignature { offset, .. } => ("bin.signature", *offset),
        HiveError::BinOffset { offset, .. } => ("bin.offset", *offset),
        HiveError::BinSize { offset, .. } => ("bin.size", *offset),
        HiveError::CellSize { offset, .. } => ("cell.size", *offset),
        _ => ("base.length", 0),
    };
    Finding { id, offset, text: fault.to_string() }
}

struct Check<'a> {
    cells: &'a Cells,
    minor: u32,
    findings: Vec<Finding>,
    /// Allocated cells that something names.
    seen: CellSet,
    /// Security cells and how many keys name each.
    security: BTreeMap<CellOffset, u32>,
}

impl<'a> Check<'a> {
    fn add(&mut self, id: &'static str, at: CellOffset, text: impl Into<String>) {
        self.add_at(id, at.in_file(), text.into());
    }

    fn add_at(&mut self, id: &'static str, offset: u64, text: String) {
        match self.findings.len() {
            0..FINDINGS_MAX => self.findings.push(Finding { id, offset, text }),
            FINDINGS_MAX => {
                let text = format!("more than {FINDINGS_MAX} findings, the rest is left out");
                self.findings.push(Finding { id: "check.cut", offset, text });
            }
            _ => {}
        }
    }

    fn base_block(&mut self, base: &BaseBlock) {
        let (primary, secondary) = (base.primary_sequence.get(), base.secondary_sequence.get());
        if primary != secondary {
            self.add_at(DIRTY, 4, format!("sequence numbers {primary} and {secondary} differ"));
        }
        let bytes = self.cells.bytes();
        if let (Some(found), Some(expected)) =
            (base_block::stored_checksum(bytes), base_block::checksum(bytes))
            && found != expected
        {
            let text = format!("checksum is {found:#010x}, computed {expected:#010x}");
            self.add_at("base.checksum", base_block::CHECKSUM_AT as u64, text);
        }
        let (major, minor) = (base.major.get(), base.minor.get());
        if major != 1 || !(2..=6).contains(&minor) {
            self.add_at(
                "base.version",
                20,
                format!("version is {major}.{minor}, expected 1.2 to 1.6"),
            );
        }
        let length = base.length.get();
        let file = bytes.len() as u64;
        if !length.is_multiple_of(PAGE) || u64::from(BASE_BLOCK_SIZE) + u64::from(length) > file {
            self.add_at("base.length", 40, format!("bins are {length} bytes, the file {file}"));
        }
    }

    /// Notes that `who` names the cell at `at`, and returns its payload when it is allocated and nobody else's.
    fn claim(&mut self, at: CellOffset, what: Structure, who: &str) -> Option<&'a [u8]> {
        match self.cells.payload(at, what) {
            Ok(payload) => {
                if self.seen.contains(at.0) {
                    self.add(
                        "ref.twice",
                        at,
                        format!("{what} of {who} belongs to something else too"),
                    );
                    return None;
                }
                self.seen.insert(at.0);
                Some(payload)
            }
            Err(HiveError::FreeCell { .. }) => {
                self.add("ref.free", at, format!("{what} of {who} is a free cell"));
                None
            }
            Err(_) => {
                self.add("ref.nocell", at, format!("{what} of {who} is where no cell starts"));
                None
            }
        }
    }

    /// Every allocated cell that nothing names.
    fn leaks(&mut self) {
        for (index, &bin) in self.cells.bins().iter().enumerate() {
            let end = self.cells.bins().get(index + 1).copied().unwrap_or(self.cells.length());
            let mut at = bin + crate::bin::BIN_HEADER;
            while at < end {
                let Some(size) = self.cells.size_field(CellOffset(at)) else { break };
                if size < 0 && !self.seen.contains(at) {
                    let text =
                        format!("{} bytes are allocated, nothing names them", size.unsigned_abs());
                    self.add("cell.leaked", CellOffset(at), text);
                }
                at = at.saturating_add(size.unsigned_abs());
            }
        }
    }

    fn too_deep(&mut self, at: CellOffset, level: u32) -> bool {
        let deep = level > LEVELS_MAX;
        if deep {
            self.add("key.depth", at, format!("key lies deeper than {LEVELS_MAX} levels"));
        }
        deep
    }
}
