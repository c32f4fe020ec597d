//! An index kept in a file's attributes: `$INDEX_ROOT`, `$INDEX_ALLOCATION` and `$BITMAP` of one name.

use std::sync::Arc;

use crate::{
    Error,
    attribute::{Attribute, Form, kind},
    bytes,
    cluster_io::Route,
    core::Core,
    fixup,
    index::{IndexStore, KnownNodes},
    run_list,
    stream::{Body, Stream},
};

/// Bytes of a record kept free for the attributes of the first block.
const FIRST_BLOCK_RESERVE: usize = 0x50 + 0x28;
/// Bytes kept free for mapping pairs and bitmap as they grow.
const GROWTH_RESERVE: usize = 0x18;
/// A root smaller than this is of no use: other attributes move out for it.
const ROOT_MIN: usize = 0x60;
/// Blocks added at once, at most.
const GROW_BLOCKS: u64 = 16;
/// Longest index bitmap, in bytes: 2^23 blocks hold more names than a volume has file records.
const BITMAP_MAX: u64 = 1 << 20;

/// The attributes of one index.
pub(crate) struct IndexAttributes<'a> {
    core: &'a mut Core,
    base: u64,
    root: Arc<Stream>,
    blocks: Option<Arc<Stream>>,
    bitmap: Option<Arc<Stream>>,
    /// `blocks` and `bitmap` are not in the record yet: the root must shrink first.
    pending: bool,
    block_size: u32,
    nodes: KnownNodes,
}

impl Core {
    /// Runs `f` on an index of a file.
    pub(crate) fn with_index<T>(
        &mut self,
        base: u64,
        name: &str,
        f: impl FnOnce(&mut IndexAttributes<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let name: Vec<u16> = name.encode_utf16().collect();
        let missing = Error::NotADirectory { record: base };
        let root = self.shared_stream(base, kind::INDEX_ROOT, &name)?.ok_or(missing)?;
        let Body::Resident(value) = &root.body else {
            return Err(root.damaged("$INDEX_ROOT is not resident", 0));
        };
        let block_size = bytes::u32_at(value, 8).unwrap_or(0);
        if !block_size.is_power_of_two() || !(512..=65536).contains(&block_size) {
            return Err(root.damaged("size of index blocks", block_size.into()));
        }
        let blocks = self.shared_stream(base, kind::INDEX_ALLOCATION, &name)?;
        // A bitmap without blocks is a leftover of no meaning.
        let bitmap = match &blocks {
            Some(_) => self.shared_stream(base, kind::BITMAP, &name)?,
            None => None,
        };
        let complete = blocks.is_some() == bitmap.is_some();
        if !complete || bitmap.as_ref().is_some_and(|bitmap| bitmap.size() > BITMAP_MAX) {
            return Err(root.damaged("$INDEX_ALLOCATION and $BITMAP do not fit each other", 0));
        }
        let nodes = self.parsed.take_nodes(base, &name);
        let pending = false;
        let mut store =
            IndexAttributes { core: self, base, root, blocks, bitmap, pending, block_size, nodes };
        let value = f(&mut store)?;
        let nodes = store.finish()?;
        self.parsed.keep_nodes(base, name, nodes);
        Ok(value)
    }
}

impl IndexAttributes<'_> {
    fn block_offset(&self, vcn: u64) -> Result<u64, Error> {
        let offset = vcn.saturating_mul(self.vcn_unit().into());
        let end = offset.saturating_add(self.block_size.into());
        match &self.blocks {
            Some(blocks) if end <= blocks.size() && offset % u64::from(self.block_size) == 0 => {
                Ok(offset)
            }
            _ => Err(self.root.damaged("an entry leads past $INDEX_ALLOCATION", vcn)),
        }
    }

    fn read_bitmap(&mut self) -> Result<Vec<u8>, Error> {
        let Some(bitmap) = &self.bitmap else { return Ok(Vec::new()) };
        let mut value = vec![0; bitmap.size() as usize];
        self.core.read_stream(bitmap, 0, &mut value)?;
        Ok(value)
    }

    /// Changes one bit of the bitmap, which must cover it.
    fn set_bit(&mut self, number: u64, used: bool) -> Result<(), Error> {
        let Some(bitmap) = &mut self.bitmap else { return Ok(()) };
        let mut byte = [0];
        self.core.read_stream(bitmap, number / 8, &mut byte)?;
        let bit = 1u8 << (number % 8);
        byte[0] = if used { byte[0] | bit } else { byte[0] & !bit };
        let bitmap = Arc::make_mut(bitmap);
        if let (Body::Resident(value), true) = (&mut bitmap.body, self.pending) {
            value[(number / 8) as usize] = byte[0];
            return Ok(());
        }
        self.core.write_stream(bitmap, number / 8, &byte)
    }

    /// Makes both attributes in memory; they go to the record when the root has made room.
    fn begin_blocks(&mut self) -> Result<(), Error> {
        if let Some(leftover) = self.core.open_stream(self.base, kind::BITMAP, &self.root.name)? {
            self.core.remove_stream(leftover)?;
        }
        let (base, name) = (self.base, self.root.name.clone());
        let stream = |kind, body| {
            let (name, extents) = (name.clone(), Vec::new());
            Some(Arc::new(Stream { base, kind, name, flags: 0, extents, body }))
        };
        let runs =
            Body::Runs { runs: Arc::default(), size: 0, initialized: 0, unit: 0, packed: false };
        self.blocks = stream(kind::INDEX_ALLOCATION, runs);
        self.bitmap = stream(kind::BITMAP, Body::Resident(vec![0; 8]));
        self.pending = true;
        Ok(())
    }

    /// Adds blocks, zeroed, to `$INDEX_ALLOCATION`.
    fn grow(&mut self, needed: u64) -> Result<(), Error> {
        let step = u64::from(self.block_size);
        let Some(blocks) = &mut self.blocks else { return Ok(()) };
        let blocks = Arc::make_mut(blocks);
        let have = blocks.size() / step;
        let more = (have / 4).clamp(1, GROW_BLOCKS).max(needed.saturating_sub(have));
        let size = blocks.size();
        self.core.resize_runs(blocks, size + more * step)?;
        if let Body::Runs { runs, size, initialized, .. } = &mut blocks.body {
            self.core.zero_runs(runs, *initialized, *size, (Route::Metadata, self.base))?;
            *initialized = *size;
        }
        if self.pending { Ok(()) } else { self.core.save_stream(blocks) }
    }

    fn add_pending(&mut self) -> Result<(), Error> {
        let (Some(blocks), Some(bitmap), true) = (&mut self.blocks, &mut self.bitmap, self.pending)
        else {
            return Ok(());
        };
        let (blocks, bitmap) = (Arc::make_mut(blocks), Arc::make_mut(bitmap));
        self.pending = false;
        if let Body::Runs { runs, size, initialized, .. } = &blocks.body {
            let end = run_list::end(runs).0;
            let form = Form::NonResident {
                lowest: 0,
                highest: end.wrapping_sub(1),
                pairs: run_list::encode(runs),
                unit: 0,
                allocated: end * self.core.cluster(),
                size: *size,
                initialized: *initialized,
                packed: None,
            };
            let attribute =
                Attribute { kind: blocks.kind, name: blocks.name.clone(), flags: 0, id: 0, form };
            blocks.extents = vec![self.core.add_attribute(self.base, &attribute)?];
        }
        if let Body::Resident(value) = &bitmap.body {
            let attribute = Attribute::resident(kind::BITMAP, &bitmap.name, value.clone());
            bitmap.extents = vec![self.core.add_attribute(self.base, &attribute)?];
        }
        Ok(())
    }

    fn finish(mut self) -> Result<KnownNodes, Error> {
        if self.pending {
            self.add_pending()?;
        }
        Ok(self.nodes)
    }

    /// Removes both attributes of an index that has no block any more.
    fn end_blocks(&mut self) -> Result<(), Error> {
        self.nodes.clear();
        let pending = std::mem::take(&mut self.pending);
        for stream in [self.blocks.take(), self.bitmap.take()].into_iter().flatten() {
            if pending {
                let mut stream = Arc::unwrap_or_clone(stream);
                self.core.resize_runs(&mut stream, 0)?;
            } else if let Some(stream) =
                self.core.open_stream(self.base, stream.kind, &stream.name)?
            {
                self.core.remove_stream(stream)?;
            }
        }
        Ok(())
    }
}

impl IndexStore for IndexAttributes<'_> {
    fn block_size(&self) -> u32 {
        self.block_size
    }

    fn vcn_unit(&self) -> u32 {
        if self.core.geometry.cluster_size > self.block_size {
            512
        } else {
            self.core.geometry.cluster_size
        }
    }

    fn read_root(&mut self) -> Result<Vec<u8>, Error> {
        match &self.root.body {
            Body::Resident(value) => Ok(value.clone()),
            Body::Runs { .. } => Err(self.root.damaged("$INDEX_ROOT is not resident", 0)),
        }
    }

    fn root_capacity(&mut self) -> Result<usize, Error> {
        let reserve = if self.blocks.is_none() || self.pending {
            FIRST_BLOCK_RESERVE
        } else {
            GROWTH_RESERVE
        };
        for _ in 0..4 {
            let room = self.core.resident_max(&self.root)? as usize;
            let capacity = room.saturating_sub(reserve);
            if capacity >= ROOT_MIN
                || !self
                    .core
                    .spare_room(Arc::make_mut(&mut self.root), ROOT_MIN + reserve - room)?
            {
                return Ok(capacity);
            }
        }
        Ok((self.core.resident_max(&self.root)? as usize).saturating_sub(reserve))
    }

    fn write_root(&mut self, value: &[u8]) -> Result<(), Error> {
        let root = Arc::make_mut(&mut self.root);
        root.body = Body::Resident(value.to_vec());
        self.core.save_stream(root)?;
        self.add_pending()
    }

    fn read_block(&mut self, vcn: u64) -> Result<Vec<u8>, Error> {
        let offset = self.block_offset(vcn)?;
        let mut block = vec![0; self.block_size as usize];
        if let Some(blocks) = &self.blocks {
            self.core.read_stream(blocks, offset, &mut block)?;
        }
        if !block.starts_with(b"INDX") {
            return Err(self.root.damaged("an index block's signature is not INDX", vcn));
        }
        fixup::undo(&mut block, "index block", vcn)?;
        Ok(block)
    }

    fn write_block(&mut self, vcn: u64, block: &mut [u8]) -> Result<(), Error> {
        let offset = self.block_offset(vcn)?;
        fixup::apply(block, "index block", vcn)?;
        match self.blocks.as_ref().map(|blocks| &blocks.body) {
            Some(Body::Runs { runs, .. }) => {
                self.core.write_runs(runs, offset, block, (Route::Metadata, self.base))
            }
            _ => Err(self.root.damaged("$INDEX_ALLOCATION is resident", 0)),
        }
    }

    fn allocate_block(&mut self) -> Result<u64, Error> {
        if self.blocks.is_none() {
            self.begin_blocks()?;
        }
        let bitmap = self.read_bitmap()?;
        let step = u64::from(self.block_size);
        let byte = bitmap.iter().position(|byte| *byte != 0xff);
        let number = match byte {
            Some(at) => at as u64 * 8 + u64::from(bitmap[at].trailing_ones()),
            None => bitmap.len() as u64 * 8,
        };
        if self.blocks.as_ref().is_none_or(|blocks| (number + 1) * step > blocks.size()) {
            self.grow(number + 1)?;
        }
        if byte.is_none()
            && let Some(stream) = &mut self.bitmap
        {
            let stream = Arc::make_mut(stream);
            let size = stream.size();
            if let (Body::Resident(value), true) = (&mut stream.body, self.pending) {
                value.resize(size as usize + 8, 0);
            } else {
                self.core.resize_stream(stream, size + 8)?;
                self.core.write_stream(stream, size, &[0; 8])?;
            }
        }
        self.set_bit(number, true)?;
        Ok(number * step / u64::from(self.vcn_unit()))
    }

    fn known_nodes(&mut self) -> Option<&mut KnownNodes> {
        Some(&mut self.nodes)
    }

    fn free_block(&mut self, vcn: u64) -> Result<(), Error> {
        let number = self.block_offset(vcn)? / u64::from(self.block_size);
        self.nodes.forget(vcn);
        self.set_bit(number, false)?;
        if self.read_bitmap()?.iter().all(|byte| *byte == 0) {
            self.end_blocks()?;
        }
        Ok(())
    }
}
