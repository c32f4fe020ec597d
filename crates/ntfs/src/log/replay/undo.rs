//! The records of transactions that did not end, in the order in which they are taken back.

use crate::log::{
    LogError,
    analysis::Analysis,
    client_record::{ClientRecord, Direction},
    records::{Kind, Log},
    tables::TransactionState,
};

/// Records taken back at most; a transaction has some hundreds.
const RECORDS_MAX: usize = 1 << 20;

/// LSNs of the records to undo, newest first over all transactions.
pub(super) fn order(log: &Log<'_>, analysis: &Analysis) -> Result<Vec<u64>, LogError> {
    let mut lsns = Vec::new();
    for (id, transaction) in &analysis.transactions {
        let mut lsn = transaction.undo_next;
        match transaction.state {
            // What is committed stays.
            TransactionState::Committed => continue,
            TransactionState::Prepared if lsn != 0 => {
                let problem =
                    "its transaction is prepared, neither to be kept nor to be taken back";
                return Err(LogError::Record { lsn, problem, found: u64::from(*id) });
            }
            TransactionState::Prepared | TransactionState::Active => {}
        }
        while lsn != 0 {
            let record = log.record(lsn)?;
            let wrong = |problem, found| LogError::Record { lsn, problem, found };
            if record.kind != Kind::Client || record.transaction != *id {
                return Err(wrong(
                    "not a record of the transaction that it should be of",
                    u64::from(*id),
                ));
            }
            if ClientRecord::parse(&record)?.changes(Direction::Undo) {
                lsns.push(lsn);
            }
            if record.undo_next >= lsn {
                return Err(wrong("what is to be undone next is newer", record.undo_next));
            }
            if lsns.len() > RECORDS_MAX {
                let (what, found) = ("records to undo", lsns.len() as u64);
                return Err(LogError::TooLarge { what, found, most: RECORDS_MAX as u64 });
            }
            lsn = record.undo_next;
        }
    }
    lsns.sort_unstable_by(|a, b| b.cmp(a));
    Ok(lsns)
}
