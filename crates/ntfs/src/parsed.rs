//! What was parsed of the metadata and still holds: file records, streams, index nodes. Parsing them anew for each name of a large
//! folder would cost more than everything else.
//!
//! **Invariant:** all of it equals what the page cache holds. Writing a record replaces it here and drops the streams of its file;
//! index nodes are replaced as they are written and go with their index; an operation that fails after writing drops everything.

use std::{collections::HashMap, sync::Arc};

use crate::{index::KnownNodes, record::FileRecord, stream::Stream};

/// Records kept (1 MiB of them, 4 MiB on volumes with large ones).
const RECORDS_MAX: usize = 1024;
/// Streams kept: those of the files that are changed in turns, the folder, the root, `$MFT`.
const STREAMS_MAX: usize = 24;
/// Indexes whose nodes are kept.
const INDEXES_MAX: usize = 8;

/// Parsed metadata.
#[derive(Default)]
pub(crate) struct Parsed {
    records: HashMap<u64, Arc<FileRecord>>,
    /// The one used last at the end.
    streams: Vec<Arc<Stream>>,
    indexes: Vec<(u64, Vec<u16>, KnownNodes)>,
    /// The running operation wrote something.
    changed: bool,
}

impl Parsed {
    /// Starts an operation.
    pub(crate) fn begin(&mut self) {
        self.changed = false;
    }

    /// Ends an operation that failed.
    pub(crate) fn rollback(&mut self) {
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
            self.records.clear();
        }
        self.records.insert(record.number, record);
    }

    /// Takes note of a record that was written.
    pub(crate) fn record_written(&mut self, record: FileRecord) {
        self.changed = true;
        // An extension of $MFT has base record 0, with its sequence number.
        let base = if record.is_base() { record.number } else { record.base().record() };
        self.streams.retain(|stream| stream.base != base && stream.base != record.number);
        self.keep_record(Arc::new(record));
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
