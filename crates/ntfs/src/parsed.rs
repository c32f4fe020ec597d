//! What was parsed of the metadata and still holds: file records, streams, index nodes. Parsing them anew for each name of a large
//! folder would cost more than everything else.
//!
//! **Invariant:** between operations all of it equals what the page cache holds. Writing a record replaces it here and drops the
//! streams of its file; index nodes are replaced as they are written and go with their index; an operation that fails after writing
//! drops everything. Records that the running operation wrote are newer here: they go to the page cache at its end, each once.

use std::sync::Arc;

use crate::{index::KnownNodes, numbered::Numbered, record::FileRecord, stream::Stream};

/// Records kept (1 MiB of them, 4 MiB on volumes with large ones).
const RECORDS_MAX: usize = 1024;
/// Records that wait for the end of their operation.
const WAITING_MAX: usize = 256;
/// Streams kept: those of the files that are changed in turns, the folder, the root, `$MFT`.
const STREAMS_MAX: usize = 24;
/// Indexes whose nodes are kept.
const INDEXES_MAX: usize = 8;

/// Parsed metadata.
#[derive(Default)]
pub(crate) struct Parsed {
    records: Numbered<Arc<FileRecord>>,
    /// Records that are newer than the page cache. All of them are in `records`.
    waiting: Vec<u64>,
    /// The one used last at the end.
    streams: Vec<Arc<Stream>>,
    indexes: Vec<(u64, Vec<u16>, KnownNodes)>,
    /// An operation is running.
    running: bool,
    /// It wrote something.
    changed: bool,
}

impl Parsed {
    /// Starts an operation.
    pub(crate) fn begin(&mut self) {
        self.changed = false;
        self.running = true;
    }

    /// Ends an operation that succeeded. No record waits.
    pub(crate) fn end(&mut self) {
        self.running = false;
    }

    /// Ends an operation that failed.
    pub(crate) fn rollback(&mut self) {
        self.running = false;
        if self.changed {
            *self = Self::default();
        }
    }

    pub(crate) fn record(&self, number: u64) -> Option<Arc<FileRecord>> {
        self.records.get(&number).cloned()
    }

    /// Keeps a record that was read.
    pub(crate) fn keep_record(&mut self, record: Arc<FileRecord>) {
        if self.records.len() >= RECORDS_MAX {
            let waiting = &self.waiting;
            self.records.retain(|number, _| waiting.contains(number));
        }
        self.records.insert(record.number, record);
    }

    /// Takes note of a record that was written, and waits for the page cache. False when no more should wait.
    pub(crate) fn record_written(&mut self, record: FileRecord) -> bool {
        self.changed = true;
        // An extension of $MFT has base record 0, with its sequence number.
        let base = if record.is_base() { record.number } else { record.base().record() };
        self.streams.retain(|stream| stream.base != base && stream.base != record.number);
        if !self.waiting.contains(&record.number) {
            self.waiting.push(record.number);
        }
        self.keep_record(Arc::new(record));
        self.running && self.waiting.len() < WAITING_MAX
    }

    /// Takes out the records that wait for the page cache. They come back with [`Parsed::keep_record`].
    pub(crate) fn take_waiting(&mut self) -> Vec<Arc<FileRecord>> {
        let numbers = std::mem::take(&mut self.waiting);
        numbers.into_iter().filter_map(|number| self.records.remove(&number)).collect()
    }

    pub(crate) fn stream(&mut self, base: u64, kind: u32, name: &[u16]) -> Option<Arc<Stream>> {
        let same = |s: &Arc<Stream>| s.base == base && s.kind == kind && s.name == name;
        let at = self.streams.iter().rposition(same)?;
        let stream = self.streams.remove(at);
        self.streams.push(stream.clone());
        Some(stream)
    }

    /// Drops the streams of a file that is about to change: a run list that is held twice would be copied at its first change.
    pub(crate) fn forget_streams(&mut self, base: u64) {
        self.streams.retain(|stream| stream.base != base);
    }

    /// Keeps a stream as its file's records describe it.
    pub(crate) fn keep_stream(&mut self, stream: Arc<Stream>) {
        let same = |s: &Arc<Stream>| {
            s.base == stream.base && s.kind == stream.kind && s.name == stream.name
        };
        self.streams.retain(|known| !same(known));
        if self.streams.len() >= STREAMS_MAX {
            self.streams.remove(0);
        }
        self.streams.push(stream);
    }

    /// Hands out the nodes of an index. They come back with [`Parsed::keep_nodes`] if the operation succeeds.
    pub(crate) fn take_nodes(&mut self, base: u64, name: &[u16]) -> KnownNodes {
        let at = self.indexes.iter().position(|(at, called, _)| *at == base && called == name);
        at.map(|at| self.indexes.remove(at).2).unwrap_or_default()
    }

    pub(crate) fn keep_nodes(&mut self, base: u64, name: Vec<u16>, mut nodes: KnownNodes) {
        self.changed |= nodes.take_changed();
        if self.indexes.len() >= INDEXES_MAX {
            self.indexes.remove(0);
        }
        self.indexes.push((base, name, nodes));
    }

    /// Drops the indexes of a file that is no more.
    pub(crate) fn forget_indexes(&mut self, base: u64) {
        self.indexes.retain(|(at, _, _)| *at != base);
    }
}
