//! The second and third pass: what is to be written, in memory.

use std::{
    collections::{BTreeMap, HashMap},
    ops::RangeInclusive,
};

use crate::{
    boot_sector::Geometry,
    log::{
        LogError, Operation,
        analysis::Analysis,
        client_record::{ClientRecord, Direction},
        file_record_redo::{self, Change},
        index_redo,
        operation::Class,
        raw_redo::RawChange,
        records::{Kind, Log},
        tables::OpenAttribute,
    },
};

mod blocks;
mod undo;

use blocks::{BlockKind, Blocks};

/// Attribute types.
const DATA: u32 = 0x80;
const INDEX_ALLOCATION: u32 = 0xa0;
/// Record number of `$MFT`.
const MFT: u64 = 0;

/// Reads bytes of the volume.
pub type ReadVolume<'a, E> = dyn FnMut(u64, &mut [u8]) -> Result<(), E> + 'a;

/// Everything that a replay writes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Bytes by their offset on the volume, fixups applied.
    pub writes: BTreeMap<u64, Vec<u8>>,
    /// Every file record in it: record number, offset on the volume. They must agree with the volume's `$MFT`.
    pub file_records: Vec<(u64, u64)>,
    /// Operations repeated.
    pub redone: u64,
    /// Operations taken back.
    pub undone: u64,
}

/// Plans the replay of `log`, the whole stream of `$LogFile`, over a volume of this geometry. Nothing is written.
///
/// # Errors
/// [`LogError`] for what is not known for sure, and the error of `read`.
pub fn plan<E: From<LogError>>(
    log: &[u8],
    geometry: &Geometry,
    read: &mut ReadVolume<'_, E>,
) -> Result<Plan, E> {
    let log = Log::open(log)?;
    let Some(checkpoint) = log.area().checkpoint.filter(|_| !log.area().clean) else {
        return Ok(Plan::default());
    };
    let analysis = Analysis::run(&log, checkpoint)?;
    let mut replay = Replay {
        geometry,
        attributes: &analysis.attributes,
        blocks: Blocks::new(geometry),
        plan: Plan::default(),
    };
    if let Some(from) = analysis.redo_from {
        // An error of the volume ends the walk, whose own errors are of the log.
        let mut failed = None;
        let walked = log.walk(from, |record| {
            if record.kind != Kind::Client || failed.is_some() {
                return Ok(());
            }
            let client = ClientRecord::parse(record)?;
            if !client.changes(Direction::Redo) {
                return Ok(());
            }
            let missing = missing(&analysis, &client)?;
            if !missing.contains(&true) {
                return Ok(());
            }
            if let Err(error) = replay.apply(&client, (Direction::Redo, &missing), read) {
                failed = Some(error);
            }
            Ok(())
        });
        if let Some(error) = failed {
            return Err(error);
        }
        walked?;
    }
    for lsn in undo::order(&log, &analysis)? {
        let record = log.record(lsn)?;
        let client = ClientRecord::parse(&record)?;
        let all = vec![true; client.lcns.len()];
        replay.apply(&client, (Direction::Undo, &all), read)?;
    }
    let (writes, file_records) = replay.blocks.finish()?;
    Ok(Plan { writes, file_records, ..replay.plan })
}

/// Which clusters of the record may be old on disk. They must be where the record says. The others are newer than the record, or were
/// freed and may hold something else.
fn missing(analysis: &Analysis, client: &ClientRecord<'_>) -> Result<Vec<bool>, LogError> {
    let mut missing = vec![false; client.lcns.len()];
    for ((vcn, lcn), missing) in client.clusters()?.into_iter().zip(&mut missing) {
        let Some(dirty) = analysis.clusters.get(&(client.target, vcn)) else { continue };
        if client.lsn() < dirty.oldest {
            continue;
        }
        if dirty.lcn != lcn {
            let problem = "names another cluster than the table of dirty pages";
            return Err(LogError::Record { lsn: client.lsn(), problem, found: lcn });
        }
        *missing = true;
    }
    Ok(missing)
}

struct Replay<'a> {
    geometry: &'a Geometry,
    attributes: &'a HashMap<u32, OpenAttribute>,
    blocks: Blocks,
    plan: Plan,
}

impl Replay<'_> {
    /// Applies a record's redo or undo to the blocks in memory, for those of its clusters that are `wanted`.
    fn apply<E: From<LogError>>(
        &mut self,
        client: &ClientRecord<'_>,
        (direction, wanted): (Direction, &[bool]),
        read: &mut ReadVolume<'_, E>,
    ) -> Result<(), E> {
        let (lsn, operation) = (client.lsn(), client.operation(direction));
        let wrong = |problem, found| LogError::Record { lsn, problem, found };
        let class = operation.class();
        if class == Class::Unknown {
            return Err(LogError::Operation { lsn, operation }.into());
        }
        let attribute = self.attributes.get(&client.target).copied();
        let attribute = attribute
            .ok_or_else(|| wrong("names an attribute that is not open", client.target.into()))?;
        if let Some(lcn) =
            client.lcns.iter().find(|lcn| **lcn == 0 || **lcn >= self.geometry.clusters())
        {
            return Err(wrong("names a cluster past the volume", *lcn).into());
        }
        let data = client.data(direction)?;
        let of_mft = attribute.kind == DATA && attribute.file == MFT;
        let kind = match class {
            Class::FileRecord if of_mft => BlockKind::FileRecord,
            Class::IndexBlock if attribute.kind == INDEX_ALLOCATION => BlockKind::IndexBlock,
            Class::Bytes if attribute.kind == INDEX_ALLOCATION => BlockKind::IndexBlock,
            Class::Bytes | Class::Bits if !of_mft && attribute.kind != INDEX_ALLOCATION => {
                return self.apply_raw(client, (direction, wanted), &data, read);
            }
            _ => {
                return Err(wrong(
                    "operation on an attribute of another type",
                    attribute.kind.into(),
                )
                .into());
            }
        };
        let size = match kind {
            BlockKind::FileRecord => self.geometry.record_size as usize,
            BlockKind::IndexBlock => attribute.index_block as usize,
        };
        let (offset, clusters) = self.block_place(client, size)?;
        if !wanted.get(clusters).is_some_and(|wanted| wanted.contains(&true)) {
            return Ok(());
        }
        let initialises = match operation {
            Operation::InitializeFileRecordSegment => data.starts_with(b"FILE"),
            Operation::UpdateNonresidentValue => {
                client.record_offset + client.attribute_offset == 0 && data.starts_with(b"INDX")
            }
            _ => false,
        };
        let number = match kind {
            BlockKind::FileRecord => {
                let cluster = u64::from(self.geometry.cluster_size);
                let at = client
                    .vcn
                    .checked_mul(cluster)
                    .and_then(|at| at.checked_add(client.block_offset as u64));
                at.ok_or_else(|| wrong("clusters past the last one", client.vcn))? / size as u64
            }
            BlockKind::IndexBlock => client.vcn,
        };
        let misfit = |problem| LogError::Misfit { lsn, operation, offset, problem };
        let block = self.blocks.get(kind, (offset, size), number, read)?.map_err(misfit)?;
        if !block.is_valid() {
            if !initialises {
                return Err(misfit(
                    "it is torn or was never written, and is not written as a whole",
                )
                .into());
            }
            block.clear();
        } else if direction == Direction::Redo && block.lsn() >= lsn {
            // It reached the disk.
            return Ok(());
        }
        let done = match kind {
            BlockKind::FileRecord => file_record_redo::apply(
                block.bytes_mut(),
                &Change {
                    operation,
                    attribute: client.record_offset,
                    offset: client.attribute_offset,
                    data: &data,
                    replaced: client.length(match direction {
                        Direction::Redo => Direction::Undo,
                        Direction::Undo => Direction::Redo,
                    }),
                },
            ),
            BlockKind::IndexBlock => {
                let at = client.record_offset + client.attribute_offset;
                index_redo::apply(block.bytes_mut(), operation, at, &data)
            }
        };
        done.map_err(misfit)?;
        let in_place = matches!(
            operation,
            Operation::UpdateRecordDataRoot | Operation::UpdateRecordDataAllocation
        );
        // Data of a view index is written in place, and leaves the block's LSN.
        block.changed((direction == Direction::Redo && !in_place).then_some(lsn));
        self.count(direction);
        Ok(())
    }

    /// Where the block of a record lies, and which of the record's clusters it has. They follow each other.
    fn block_place(
        &self,
        client: &ClientRecord<'_>,
        size: usize,
    ) -> Result<(u64, RangeInclusive<usize>), LogError> {
        let (lsn, cluster) = (client.lsn(), self.geometry.cluster_size as usize);
        let wrong = |problem, found| LogError::Record { lsn, problem, found };
        if !(512..=65536).contains(&size) || !size.is_power_of_two() {
            return Err(wrong("block size", size as u64));
        }
        let first = client.block_offset / cluster;
        let last = (client.block_offset + size - 1) / cluster;
        let lcns = client.lcns.get(first..=last);
        let lcns =
            lcns.ok_or_else(|| wrong("a block past its clusters", client.block_offset as u64))?;
        if let Some(pair) = lcns.windows(2).find(|pair| pair[1] != pair[0].wrapping_add(1)) {
            return Err(wrong("a block in clusters that do not follow each other", pair[1]));
        }
        let lcn = lcns.first().copied().unwrap_or_default();
        let at = lcn.checked_mul(cluster as u64);
        let at = at.and_then(|at| at.checked_add((client.block_offset % cluster) as u64));
        Ok((at.ok_or_else(|| wrong("a cluster past the volume", lcn))?, first..=last))
    }

    fn apply_raw<E: From<LogError>>(
        &mut self,
        client: &ClientRecord<'_>,
        (direction, wanted): (Direction, &[bool]),
        data: &[u8],
        read: &mut ReadVolume<'_, E>,
    ) -> Result<(), E> {
        let (lsn, operation) = (client.lsn(), client.operation(direction));
        let wrong = |problem| LogError::Record { lsn, problem, found: client.vcn };
        let at = client.block_offset + client.record_offset + client.attribute_offset;
        let change = RawChange::of(operation, at, data).map_err(wrong)?;
        let (from, to) = change.range();
        let cluster = self.geometry.cluster_size as usize;
        if to > client.lcns.len() * cluster {
            return Err(wrong("writes past its clusters").into());
        }
        let wanted = client.lcns.iter().zip(wanted).enumerate().filter(|(_, (_, wanted))| **wanted);
        for (index, (lcn, _)) in wanted {
            let start = index * cluster;
            if from < start + cluster && to > start {
                let page = self.blocks.raw(*lcn, read)?.map_err(wrong)?;
                change.apply(page, start);
            }
        }
        self.count(direction);
        Ok(())
    }

    fn count(&mut self, direction: Direction) {
        match direction {
            Direction::Redo => self.plan.redone += 1,
            Direction::Undo => self.plan.undone += 1,
        }
    }
}
