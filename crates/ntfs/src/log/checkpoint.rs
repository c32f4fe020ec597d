//! The last checkpoint: where the analysis begins, and the tables as they were.
//!
//! Source: linux-ntfs documentation, "$LogFile": client restart area.

use crate::{
    bytes,
    log::{
        LogError, Operation,
        client_record::ClientRecord,
        records::{Kind, Log},
        tables::{self, DirtyPage, OpenAttribute, Transaction},
    },
};

/// A checkpoint with its tables.
#[derive(Debug, Default)]
pub(super) struct Checkpoint {
    /// Version of the tables.
    pub(super) version: u32,
    /// The record from which the analysis goes on.
    pub(super) start: u64,
    pub(super) attributes: Vec<(u32, OpenAttribute)>,
    pub(super) pages: Vec<DirtyPage>,
    pub(super) transactions: Vec<(u32, Transaction)>,
}

impl Checkpoint {
    pub(super) fn read(log: &Log<'_>, lsn: u64) -> Result<Self, LogError> {
        let wrong = |problem, found| LogError::Record { lsn, problem, found };
        let record = log.record(lsn)?;
        if record.kind != Kind::Checkpoint {
            return Err(wrong("not a checkpoint", 0));
        }
        let data = &record.data;
        let short = || wrong("too short", data.len() as u64);
        let version = bytes::u32_at(data, 0).ok_or_else(short)?;
        let minor = bytes::u32_at(data, 4).ok_or_else(short)?;
        if version > 1 {
            return Err(LogError::Version { what: "checkpoint", major: version, minor });
        }
        let at = |at| bytes::u64_at(data, at).ok_or_else(short);
        // The first checkpoint of a log has nothing before it.
        let start = at(0x08)?;
        let mut checkpoint =
            Self { version, start: if start == 0 { lsn } else { start }, ..Self::default() };
        let broken = |lsn| move || LogError::Record { lsn, problem: "table", found: 0 };
        let attributes = at(0x10)?;
        with_table(log, attributes, Operation::OpenAttributeTableDump, |table| {
            let found = tables::open_attributes(table, version);
            checkpoint.attributes = found.ok_or_else(broken(attributes))?;
            Ok(())
        })?;
        let pages = at(0x20)?;
        with_table(log, pages, Operation::DirtyPageTableDump, |table| {
            checkpoint.pages = tables::dirty_pages(table, version).ok_or_else(broken(pages))?;
            Ok(())
        })?;
        let transactions = at(0x28)?;
        with_table(log, transactions, Operation::TransactionTableDump, |table| {
            checkpoint.transactions =
                tables::transactions(table).ok_or_else(broken(transactions))?;
            Ok(())
        })?;
        Ok(checkpoint)
    }
}

/// Calls `f` with the table in a record; LSN 0 stands for an empty one.
fn with_table(
    log: &Log<'_>,
    lsn: u64,
    operation: Operation,
    f: impl FnOnce(&[u8]) -> Result<(), LogError>,
) -> Result<(), LogError> {
    if lsn == 0 {
        return Ok(());
    }
    let record = log.record(lsn)?;
    let client = ClientRecord::parse(&record)?;
    if client.redo != operation {
        let found = client.redo as u64;
        return Err(LogError::Record { lsn, problem: "another table was expected", found });
    }
    f(client.table())
}
