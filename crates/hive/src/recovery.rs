//! Bringing a dirty hive to the state that Windows would load, from its transaction logs.
//!
//! Source: M. Suhanov, "Windows registry file format specification", "Format of transaction log files" and "Dirty state of
//! a hive".

mod dirty_vector;
mod entry;
mod log;
mod marvin;

use crate::base_block::{self, BASE_BLOCK_SIZE, BaseBlock};
use crate::bin::BinHeader;
use crate::error::HiveError;
use entry::Entry;
use log::Log;
use std::mem::offset_of;
use zerocopy::FromBytes;

/// Bytes by which logs may make a hive longer than what they and the file hold.
const SPARE: u64 = 16 << 20;

/// What was applied to a hive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Log entries that were applied; an old-format log counts as one. 0 for a clean hive.
    pub entries: u32,
    /// True when the base block was torn and came from a log.
    pub base_block: bool,
}

/// The highest sequence number in any of the logs that are whole; 0 when none is.
pub(crate) fn highest_sequence(logs: &[&[u8]]) -> u32 {
    let logs = logs.iter().filter_map(|log| Log::read(log));
    let highest = |log: Log<'_>| {
        let last = log.entries().last().map_or(0, |entry| entry.sequence);
        last.max(log.base.primary_sequence.get())
    };
    logs.map(highest).max().unwrap_or(0)
}

/// The recovered file, not yet checked beyond what recovery needs.
pub(crate) fn recover(bytes: &[u8], logs: &[&[u8]]) -> Result<(Vec<u8>, Recovery), HiveError> {
    let base = match BaseBlock::read(bytes) {
        Ok(base) if base.primary_sequence == base.secondary_sequence => {
            return Ok((bytes.to_vec(), Recovery::default()));
        }
        Ok(base) => Some(base),
        Err(HiveError::Checksum { found, expected }) => {
            let logs: Vec<Log<'_>> = logs.iter().filter_map(|log| Log::read(log)).collect();
            let torn = HiveError::Checksum { found, expected };
            return apply_any(bytes, None, &logs)?.ok_or(torn);
        }
        // A hive may have lost its last bins, which the log then holds.
        Err(HiveError::Length { .. }) => {
            BaseBlock::read_from_prefix(bytes).map(|(base, _)| base).ok()
        }
        Err(fault) => return Err(fault),
    };
    let logs: Vec<Log<'_>> = logs.iter().filter_map(|log| Log::read(log)).collect();
    let (primary, secondary) =
        base.map_or((0, 0), |base| (base.primary_sequence.get(), base.secondary_sequence.get()));
    apply_any(bytes, base.as_ref(), &logs)?.ok_or(HiveError::Dirty { primary, secondary })
}

/// Applies what can be applied; `None` when nothing can. `base` is `None` when the base block is torn.
fn apply_any(
    bytes: &[u8],
    base: Option<&BaseBlock>,
    logs: &[Log<'_>],
) -> Result<Option<(Vec<u8>, Recovery)>, HiveError> {
    if let Some(done) = apply_entries(bytes, base, logs)? {
        return Ok(Some(done));
    }
    Ok(logs.iter().find_map(|log| apply_dirty_vector(bytes, base, log)))
}

/// Applies new-format logs.
fn apply_entries(
    bytes: &[u8],
    base: Option<&BaseBlock>,
    logs: &[Log<'_>],
) -> Result<Option<(Vec<u8>, Recovery)>, HiveError> {
    // The number of the first entry since the hive's file was last brought up to date, when primary and secondary number
    // were one; the primary one has gone on since.
    let least = base.map_or(0, |base| base.secondary_sequence.get());
    let mut chains: Vec<(&Log<'_>, Vec<Entry<'_>>)> = Vec::new();
    for log in logs {
        let mut entries = log.entries();
        entries.retain(|entry| entry.sequence >= least);
        if !entries.is_empty() {
            chains.push((log, entries));
        }
    }
    chains.sort_by_key(|(_, entries)| entries.first().map(|entry| entry.sequence));
    // Logs are used in turn: each goes on where the other ended.
    while let [(_, before), (_, after), ..] = chains.as_slice() {
        let (Some(end), Some(start)) = (before.last(), after.first()) else { break };
        if end.sequence.checked_add(1) == Some(start.sequence) {
            break;
        }
        if base.is_some() {
            return Err(HiveError::LogGap { before: end.sequence, after: start.sequence });
        }
        // With a torn base block, what lies before the gap is from an earlier time.
        chains.remove(0);
    }
    let Some((first, _)) = chains.first() else { return Ok(None) };
    let mut file = bytes.to_vec();
    if base.is_none() && !first.restore_base_block(&mut file) {
        return Ok(None);
    }
    let held: usize = logs.iter().map(Log::size).sum();
    let mut count = 0;
    for entry in chains.iter().flat_map(|(_, entries)| entries) {
        check_length(entry.bins_length, bytes.len(), held)?;
        entry.apply(&mut file);
        count += 1;
    }
    let last = chains.last().and_then(|(_, entries)| entries.last());
    if let Some(last) = last {
        enter_flags(&mut file, last.flags);
        stamp(&mut file, last.sequence, last.bins_length);
    }
    Ok(Some((file, Recovery { entries: count, base_block: base.is_none() })))
}

/// Applies an old-format log, if it belongs to the hive's last, unfinished write.
fn apply_dirty_vector(
    bytes: &[u8],
    base: Option<&BaseBlock>,
    log: &Log<'_>,
) -> Option<(Vec<u8>, Recovery)> {
    let time = match base {
        Some(base) => base.last_write,
        None => {
            let bin = bytes.get(BASE_BLOCK_SIZE as usize..)?;
            BinHeader::ref_from_prefix(bin).ok()?.0.last_write
        }
    };
    if log.base.last_write != time {
        return None;
    }
    let pages = log.dirty_pages()?;
    let mut file = bytes.to_vec();
    if base.is_none() && !log.restore_base_block(&mut file) {
        return None;
    }
    let length = log.base.length.get();
    check_length(length, bytes.len(), log.size()).ok()?;
    entry::grow(&mut file, length);
    for (offset, page) in pages {
        entry::write_page(&mut file, offset, page);
    }
    stamp(&mut file, log.base.primary_sequence.get(), length);
    Some((file, Recovery { entries: 1, base_block: base.is_none() }))
}

/// Bins that are new lie in the log: its word alone gets no memory.
fn check_length(length: u32, file: usize, logs: usize) -> Result<(), HiveError> {
    let (file, logs) = (file as u64, logs as u64);
    if u64::from(length) > file + logs + SPARE {
        return Err(HiveError::Length { length, file });
    }
    Ok(())
}

/// Takes the flag that log entries carry over into the base block.
///
/// Source: the specification named above, "Log entries"; that bit 0 alone is meant, the rest being of other uses, is
/// how other readers take it.
fn enter_flags(file: &mut [u8], flags: u32) {
    const AT: usize = 144;
    const PENDING_TRANSACTIONS: u32 = 1;
    if let Some(&[b0, b1, b2, b3]) = file.get(AT..).and_then(|field| field.first_chunk()) {
        let others = u32::from_le_bytes([b0, b1, b2, b3]) & !PENDING_TRANSACTIONS;
        put(file, AT, others | (flags & PENDING_TRANSACTIONS));
    }
}

fn put(file: &mut [u8], at: usize, number: u32) {
    if let Some(field) = file.get_mut(at..at + 4) {
        field.copy_from_slice(&number.to_le_bytes());
    }
}

/// Enters sequence number and length of all bins, and the checksum over them.
fn stamp(file: &mut [u8], sequence: u32, bins_length: u32) {
    put(file, offset_of!(BaseBlock, primary_sequence), sequence);
    put(file, offset_of!(BaseBlock, secondary_sequence), sequence);
    put(file, offset_of!(BaseBlock, length), bins_length);
    if let Some(sum) = base_block::checksum(file)
        && let Some(field) = file.get_mut(base_block::CHECKSUM_AT..base_block::CHECKSUM_AT + 4)
    {
        field.copy_from_slice(&sum.to_le_bytes());
    }
}
