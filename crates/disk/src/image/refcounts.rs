//! Refcounts that call used clusters free. The format driver would hand such clusters out.
//!
//! Two checks, neither of which reads more than the edit needs: before an image is opened for writing, its own structures must be
//! counted; before a commit, no cluster of the old file that was handed out may be named twice.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use super::layout::{Layout, Lookup, Read, mapped, pointers, u64_at};
use super::qcow2_header::{HeaderFailure, Qcow2Error};
use crate::host::{HostFile, read_padded};

/// Refuses an image that counts one of its own structures as free.
pub(super) fn check_tables(file: &dyn HostFile) -> Result<(), HeaderFailure> {
    let read = |offset, buf: &mut [u8]| read_padded(file, offset, buf);
    let found = first_free(&read, file.len().map_err(HeaderFailure::Io)?);
    match found.map_err(HeaderFailure::Io)? {
        Some(offset) => Err(Qcow2Error::CountedFree { offset }.into()),
        None => Ok(()),
    }
}

/// The offset of the first structure, inside the file, with a refcount of 0.
fn first_free(read: &Read<'_>, length: u64) -> io::Result<Option<u64>> {
    let layout = Layout::read(read)?;
    let mut places = layout.tables(read)?;
    // In order, so that no refcount block is read twice.
    places.sort_by_key(|place| place.start);
    let mut counts = Refcounts { read, layout: &layout, block: (u64::MAX, Vec::new()) };
    let mut next = 0;
    for place in places {
        let first = (place.start >> layout.cluster_bits).max(next);
        next = place.end.min(length).div_ceil(layout.cluster_bytes()).max(next);
        for cluster in first..next {
            if counts.is_free(cluster)? {
                return Ok(Some(cluster << layout.cluster_bits));
            }
        }
    }
    Ok(None)
}

struct Refcounts<'a> {
    read: &'a Read<'a>,
    layout: &'a Layout,
    /// The refcount block used last, and its number.
    block: (u64, Vec<u8>),
}

impl Refcounts<'_> {
    fn is_free(&mut self, cluster: u64) -> io::Result<bool> {
        let bits = 1 << self.layout.refcount_order;
        let counts = 8 * self.layout.cluster_bytes() / bits;
        let number = cluster / counts;
        if self.block.0 != number {
            let at = self.layout.refcount_table.start + number * 8;
            let mut pointers =
                pointers(self.read, &(at..self.layout.refcount_table.end.min(at + 8).max(at)))?;
            let mut block = Vec::new();
            if let Some(place) = pointers.next() {
                block.resize(1 << self.layout.cluster_bits, 0);
                (self.read)(place, &mut block)?;
            }
            self.block = (number, block);
        }
        let bit = (cluster % counts) * bits;
        let (at, within) = ((bit / 8) as usize, bit % 8);
        let bytes = self.block.1.get(at..at + bits.div_ceil(8) as usize).unwrap_or(&[]);
        // Narrower ones begin at a byte's lowest bit.
        let mask = if bits < 8 { ((1_u16 << bits) - 1) as u8 } else { 0xff };
        Ok(bytes.iter().all(|byte| byte >> within & mask == 0))
    }
}

/// Refuses a commit after which a cluster of the file as it was, `length` bytes long, has a new owner and an old one.
///
/// The file is to be `end` bytes long. `written` are the guest ranges that were written, end by start.
pub(super) fn check_owners(
    then: &Read<'_>,
    now: &Read<'_>,
    length: u64,
    end: u64,
    written: &BTreeMap<u64, u64>,
) -> io::Result<()> {
    let (old, new) = (Layout::read(then)?, Layout::read(now)?);
    if new.cluster_bits != old.cluster_bits {
        return Err(refusal(0));
    }
    let mut taken = new_tables(&old.tables(then)?, &new.tables(now)?, length, new.cluster_bits);
    let (mut before, mut after) = (Lookup::new(then, &old), Lookup::new(now, &new));
    let mut next = 0;
    for (start, end) in written {
        let first = (start >> new.cluster_bits).max(next);
        next = end.div_ceil(new.cluster_bytes()).max(next);
        for cluster in first..next {
            let place = after.place(cluster)?.filter(|place| *place < length);
            if let Some(place) = place
                && before.place(cluster)? != Some(place)
            {
                taken.push(place >> new.cluster_bits);
            }
        }
    }
    if taken.is_empty() {
        return Ok(());
    }
    taken.sort_unstable();
    let twice = taken.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
    let twice = match twice {
        None => named_twice(now, &new, end, &taken)?,
        found => found,
    };
    twice.map_or(Ok(()), |cluster| Err(refusal(cluster << new.cluster_bits)))
}

fn refusal(offset: u64) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Qcow2Error::CountedFree { offset })
}

/// The clusters of tables that are at new places below `length`.
fn new_tables(old: &[Range<u64>], new: &[Range<u64>], length: u64, bits: u32) -> Vec<u64> {
    let clusters = |places: &[Range<u64>]| {
        let below =
            |place: &Range<u64>| place.start >> bits..place.end.min(length).div_ceil(1 << bits);
        let mut clusters: Vec<u64> = places.iter().flat_map(below).collect();
        clusters.sort_unstable();
        clusters
    };
    let old = clusters(old);
    let mut new = clusters(new);
    new.retain(|cluster| old.binary_search(cluster).is_err());
    // A table that is named twice is found with everything else that is.
    new.dedup();
    new
}

/// The first of the clusters `taken` that the image, whose file is `end` bytes long, names more than once.
fn named_twice(
    read: &Read<'_>,
    layout: &Layout,
    end: u64,
    taken: &[u64],
) -> io::Result<Option<u64>> {
    let mut named = vec![false; taken.len()];
    let mut name = |place: &Range<u64>| {
        let (first, last) = (
            place.start >> layout.cluster_bits,
            place.end.saturating_sub(1) >> layout.cluster_bits,
        );
        let from = taken.partition_point(|cluster| *cluster < first);
        let to = taken.partition_point(|cluster| *cluster <= last);
        (from..to)
            .find(|index| std::mem::replace(&mut named[*index], true))
            .map(|index| taken[index])
    };
    let mut tables: Vec<u64> = pointers(read, &layout.l1)?.collect();
    for place in layout.tables(read)? {
        if let Some(cluster) = name(&place) {
            return Ok(Some(cluster));
        }
    }
    let mut shared = Vec::new();
    let bytes = layout.snapshot_l1.iter().map(|l1| l1.end - l1.start);
    if bytes.fold(0, u64::saturating_add) > end {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the snapshots' tables overlap"));
    }
    for l1 in &layout.snapshot_l1 {
        shared.extend(pointers(read, l1)?);
        // Sound snapshots share most.
        shared.sort_unstable();
        shared.dedup();
    }
    // Snapshots share tables with one another and with the disk: each counts once.
    tables.sort_unstable();
    shared.retain(|place| tables.binary_search(place).is_err());
    for place in &shared {
        if let Some(cluster) = name(&(*place..place.saturating_add(layout.cluster_bytes()))) {
            return Ok(Some(cluster));
        }
    }
    tables.append(&mut shared);
    tables.sort_unstable();
    tables.dedup();
    let mut table = vec![0; 1 << layout.cluster_bits];
    for place in tables {
        read(place, &mut table)?;
        for entry in table.chunks_exact(8) {
            let found =
                mapped(u64_at(entry, 0), layout.cluster_bits).and_then(|place| name(&place));
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}
