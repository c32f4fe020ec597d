//! Entries of `BitReg`: `root,[subkey],name,[flags],mask,byte`.

use super::super::super::{Entry, InfError, InfProblem};
use super::{RegistryEdit, RegistryOperation, edit};

const SET: u32 = 0x0000_0001;

pub(super) fn entry_edit(entry: &Entry<'_>) -> Result<RegistryEdit, InfError> {
    let flags = entry.number(3, "flags of BitReg")?.unwrap_or(0);
    let found = entry.string(4);
    let digits = found.trim_start_matches("0x").trim_start_matches("0X");
    let mask = u8::from_str_radix(digits, 16);
    let mask = mask.map_err(|_| entry.error(InfProblem::NotAByte { found: found.clone() }))?;
    let byte = entry.number(5, "byte of BitReg")?.unwrap_or(0);
    let operation =
        RegistryOperation::Bits { name: entry.text(2), byte, mask, set: flags & SET != 0 };
    edit(entry, flags, operation)
}
