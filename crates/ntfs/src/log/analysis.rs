//! The first pass: which pages may be old on disk, and which transactions did not end.

use std::collections::{BTreeMap, HashMap};

use crate::{
    bytes,
    log::{
        LogError, Operation,
        checkpoint::Checkpoint,
        client_record::{ClientRecord, Direction},
        operation::Class,
        records::{Kind, Log},
        tables::{self, OpenAttribute, Transaction, TransactionState},
    },
};

/// A cluster of an attribute that may be old on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DirtyCluster {
    /// The oldest record whose change may be missing.
    pub(super) oldest: u64,
    pub(super) lcn: u64,
}

/// What the log says at its end.
#[derive(Debug, Default)]
pub(super) struct Analysis {
    pub(super) attributes: HashMap<u32, OpenAttribute>,
    /// By attribute and VCN.
    pub(super) clusters: HashMap<(u32, u64), DirtyCluster>,
    pub(super) transactions: BTreeMap<u32, Transaction>,
    /// Where redo begins; `None` when no page may be old.
    pub(super) redo_from: Option<u64>,
    /// Clusters looked at for those that were freed.
    effort: u64,
}

/// Windows frees clusters seldom; more than this only a log made to waste time does.
const EFFORT_MAX: u64 = 1 << 28;

impl Analysis {
    pub(super) fn run(log: &Log<'_>, at: u64) -> Result<Self, LogError> {
        let checkpoint = Checkpoint::read(log, at)?;
        let mut analysis = Self {
            attributes: checkpoint.attributes.into_iter().collect(),
            transactions: checkpoint.transactions.into_iter().collect(),
            ..Self::default()
        };
        for page in checkpoint.pages {
            for (index, lcn) in page.lcns.into_iter().enumerate().filter(|(_, lcn)| *lcn != 0) {
                let vcn = page.vcn.checked_add(index as u64);
                let problem = "dirty page past the last cluster";
                let vcn = vcn.ok_or(LogError::Record { lsn: at, problem, found: page.vcn })?;
                let cluster = DirtyCluster { oldest: page.oldest, lcn };
                analysis.clusters.insert((page.target, vcn), cluster);
            }
        }
        log.walk(checkpoint.start, |record| match record.kind {
            Kind::Checkpoint => Ok(()),
            Kind::Client => {
                let client = ClientRecord::parse(record)?;
                analysis.follow_transaction(&client, record.transaction, record.undo_next);
                analysis.follow_pages(&client, checkpoint.version)
            }
        })?;
        analysis.redo_from = analysis.clusters.values().map(|cluster| cluster.oldest).min();
        Ok(analysis)
    }

    fn follow_transaction(&mut self, client: &ClientRecord<'_>, id: u32, undo_next: u64) {
        let lsn = client.lsn();
        if client.redo == Operation::ForgetTransaction {
            self.transactions.remove(&id);
            return;
        }
        // Tables are dumped outside of transactions, under the number of any.
        if matches!(
            client.redo,
            Operation::OpenAttributeTableDump
                | Operation::AttributeNamesDump
                | Operation::DirtyPageTableDump
                | Operation::TransactionTableDump
        ) {
            return;
        }
        let new = Transaction { state: TransactionState::Active, undo_next: 0 };
        let transaction = self.transactions.entry(id).or_insert(new);
        match client.redo {
            Operation::PrepareTransaction => transaction.state = TransactionState::Prepared,
            Operation::CommitTransaction => transaction.state = TransactionState::Committed,
            // What was taken back, or must not be, is passed over.
            Operation::EndTopLevelAction => transaction.undo_next = undo_next,
            _ if client.undo == Operation::CompensationLogRecord => {
                transaction.undo_next = undo_next;
            }
            _ => transaction.undo_next = lsn,
        }
    }

    fn follow_pages(&mut self, client: &ClientRecord<'_>, version: u32) -> Result<(), LogError> {
        let lsn = client.lsn();
        match client.redo {
            Operation::OpenNonresidentAttribute => {
                let data = client.data(Direction::Redo)?;
                let opened = tables::open_attribute(&data, version);
                let problem = "open attribute";
                let opened = opened.ok_or(LogError::Record { lsn, problem, found: 0 })?;
                let before = self.attributes.insert(client.target, opened);
                let in_use = || self.clusters.keys().any(|(target, _)| *target == client.target);
                if before.is_some_and(|before| before != opened) && in_use() {
                    let problem = "opens another attribute in the place of a dirty one";
                    let found = client.target.into();
                    return Err(LogError::Record { lsn, problem, found });
                }
            }
            Operation::DeleteDirtyClusters => {
                self.effort += self.clusters.len() as u64;
                if self.effort > EFFORT_MAX {
                    let (what, found) = ("freed clusters", self.effort);
                    return Err(LogError::TooLarge { what, found, most: EFFORT_MAX });
                }
                self.forget_clusters(&client.data(Direction::Redo)?);
            }
            _ => {
                // A cluster that is not mapped is told as 0.
                for (vcn, lcn) in client.clusters()?.into_iter().filter(|(_, lcn)| *lcn != 0) {
                    let cluster = DirtyCluster { oldest: lsn, lcn };
                    self.clusters.entry((client.target, vcn)).or_insert(cluster);
                }
            }
        }
        Ok(())
    }

    /// Takes freed clusters out: what was to go there is of no use any more.
    fn forget_clusters(&mut self, ranges: &[u8]) {
        let range = |range: &[u8]| Some((bytes::u64_at(range, 0)?, bytes::u64_at(range, 8)?));
        let mut ranges: Vec<(u64, u64)> = ranges.chunks_exact(16).filter_map(range).collect();
        ranges.sort_unstable();
        self.clusters.retain(|_, cluster| {
            let before = ranges.partition_point(|(first, _)| *first <= cluster.lcn);
            let last = before.checked_sub(1).and_then(|at| ranges.get(at));
            last.is_none_or(|(first, length)| cluster.lcn - first >= *length)
        });
    }
}

impl ClientRecord<'_> {
    /// The clusters that the record is about: VCN and LCN of each.
    pub(super) fn clusters(&self) -> Result<Vec<(u64, u64)>, LogError> {
        let (lsn, found) = (self.lsn(), self.vcn);
        let problem = "clusters past the last one";
        let at = |(index, lcn): (usize, &u64)| {
            let vcn = self.vcn.checked_add(index as u64);
            Ok((vcn.ok_or(LogError::Record { lsn, problem, found })?, *lcn))
        };
        self.lcns.iter().enumerate().map(at).collect()
    }

    /// True when the record changes something on the volume, in one way or the other.
    pub(super) fn changes(&self, direction: Direction) -> bool {
        self.operation(direction).class() != Class::Nothing
    }
}
