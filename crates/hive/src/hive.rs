//! A hive as keys and values.

use crate::base_block::{self, BASE_BLOCK_SIZE, BaseBlock};
use crate::bin::BinHeader;
use crate::cell::CellOffset;
use crate::cells::Cells;
use crate::check::{self, Finding};
use crate::create;
use crate::edit;
use crate::error::HiveError;
use crate::key_node::{self, KeyNode, LEVELS_MAX};
use crate::name;
use crate::recovery::{self, Recovery};
use crate::subkey_list;
use std::collections::HashSet;
use std::mem::offset_of;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use zerocopy::FromBytes;

mod compact;
mod links;
mod query;
mod security;
mod security_below;
mod set;
mod transfer;
mod without_logs;

pub use links::{LINK_VALUE, Walk};
use query::components;
pub use query::{KeyInfo, Value};
pub use security_below::{SecurityChange, SecurityChanges};
pub use set::{NewValue, ValueSet};

/// A key of one hive: the offset of its key node cell, counted from the first bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub u32);

impl KeyId {
    /// Offset of the key in the file, bytes.
    #[must_use]
    pub fn in_file(self) -> u64 {
        self.cell().in_file()
    }

    fn cell(self) -> CellOffset {
        CellOffset(self.0)
    }
}

/// A registry hive in memory, with the ranges that edits changed.
///
/// # Transaction logs
/// Windows replays `.LOG`, `.LOG1` and `.LOG2` only into a hive whose two sequence numbers differ or whose base block is
/// torn. [`Hive::open`] refuses both, so what it opens has no pending log, and [`Hive::seal`] keeps the two numbers equal:
/// the logs beside an edited hive stay as they are and are not applied to it. Their entries also carry lower numbers than
/// the sealed hive; [`Hive::pass_logs`] makes sure of that where logs are newer than the hive, as beside one that was put
/// back from a backup. Should the base block of the edited hive be torn before Windows has loaded it once, Windows would
/// take base block and pages from a new-format log; whoever wants to exclude that empties the logs together with the edit.
///
/// # Failed edits
/// An edit that fails has changed nothing.
pub struct Hive {
    cells: Cells,
    root: CellOffset,
    minor: u32,
    /// Sequence numbers that differ: reading only.
    dirty: Option<(u32, u32)>,
    /// Edited since the last seal.
    edited: bool,
    /// Recovered from logs since the last seal.
    recovered: bool,
    /// Highest sequence number of the logs beside the hive.
    logged: u32,
    /// Keys whose subkeys are known to be in order.
    sorted: HashSet<CellOffset>,
    /// Whether any key is a symbolic link, once it was asked.
    links: OnceLock<bool>,
}

impl Hive {
    /// Reads a hive: base block, bins and every cell's size are checked; keys are checked as they are visited.
    ///
    /// # Errors
    /// [`HiveError::Dirty`] when transaction logs would have to be applied first, otherwise what is damaged or not
    /// supported (versions other than 1.3 to 1.6).
    pub fn open(bytes: impl Into<Arc<Vec<u8>>>) -> Result<Self, HiveError> {
        let hive = Self::open_unrecovered(bytes)?;
        hive.refuse_dirty()?;
        Ok(hive)
    }

    /// Reads a hive as [`Hive::open`] does, also when it is dirty: as it is, without what its logs hold.
    ///
    /// Edits of a dirty hive fail with [`HiveError::Dirty`].
    ///
    /// # Errors
    /// What is damaged or not supported.
    pub fn open_unrecovered(bytes: impl Into<Arc<Vec<u8>>>) -> Result<Self, HiveError> {
        let bytes = bytes.into();
        let base = BaseBlock::read(&bytes)?;
        let (primary, secondary) = (base.primary_sequence.get(), base.secondary_sequence.get());
        let root = CellOffset(base.root.get());
        let cells = Cells::open(bytes, base.length.get())?;
        KeyNode::read(&cells, root)?;
        let dirty = (primary != secondary).then_some((primary, secondary));
        Ok(Self {
            cells,
            root,
            minor: base.minor.get(),
            dirty,
            edited: false,
            recovered: false,
            logged: 0,
            sorted: HashSet::new(),
            links: OnceLock::new(),
        })
    }

    /// Reads a hive and applies its transaction logs, as Windows does when it loads a hive that was not written completely.
    ///
    /// `logs` are the contents of `.LOG`, `.LOG1` and `.LOG2`, in any order; logs that Windows would not use are passed
    /// over. A clean hive is opened as it is. What was recovered counts as modified, though not as edited: [`Hive::seal`]
    /// returns the ranges, and moves the sequence numbers past those of all applied entries.
    ///
    /// # Errors
    /// [`HiveError::Dirty`], or [`HiveError::Checksum`] for a torn base block, when no log can be applied;
    /// [`HiveError::LogGap`] when entries are missing between the logs; what is damaged after recovery.
    pub fn recover(bytes: &[u8], logs: &[&[u8]]) -> Result<(Self, Recovery), HiveError> {
        let (recovered, recovery) = recovery::recover(bytes, logs)?;
        let mut hive = Self::open(recovered)?;
        if recovery.entries > 0 {
            hive.cells.mark_differences(bytes);
            hive.recovered = true;
        }
        Ok((hive, recovery))
    }

    /// What is wrong with this hive that was not wrong with the file `before` recovery: logs of another hive, or damaged
    /// ones, show here.
    #[must_use]
    pub fn new_findings(&self, before: &[u8]) -> Vec<Finding> {
        let mut found = self.check();
        if !found.is_empty() {
            let before = check::check_file(before).unwrap_or_default();
            let known: HashSet<(&str, u64)> =
                before.iter().map(|finding| (finding.id, finding.offset)).collect();
            found.retain(|finding| !known.contains(&(finding.id, finding.offset)));
        }
        found
    }

    /// Makes the next [`Hive::seal`] go past the sequence numbers of these logs, whatever they are.
    pub fn pass_logs(&mut self, logs: &[&[u8]]) {
        self.logged = self.logged.max(recovery::highest_sequence(logs));
    }

    /// Makes an empty hive: a root key of that name, owned by Administrators, SYSTEM full, Users read.
    ///
    /// Names above 255 UTF-16 units are cut. The whole file counts as changed.
    #[must_use]
    pub fn create(root_name: &str, now: u64) -> Self {
        Self::create_in_format(root_name, 5, now)
    }

    /// The same in format 1.`minor`, from 3 to 6: Windows keeps boot configuration in hives of format 1.3.
    #[must_use]
    pub fn create_in_format(root_name: &str, minor: u32, now: u64) -> Self {
        let minor = minor.clamp(3, 6);
        let mut bytes = create::empty(root_name, minor, now);
        let sum = base_block::checksum(&bytes).unwrap_or(0);
        if let Some(target) = bytes.get_mut(base_block::CHECKSUM_AT..base_block::CHECKSUM_AT + 4) {
            target.copy_from_slice(&sum.to_le_bytes());
        }
        let length = u32::try_from(bytes.len()).unwrap_or(0).saturating_sub(BASE_BLOCK_SIZE);
        let (mut cells, _) = Cells::open_damaged(bytes, length);
        cells.mark_all();
        let root = CellOffset(crate::bin::BIN_HEADER);
        Self {
            cells,
            root,
            minor,
            dirty: None,
            edited: true,
            recovered: false,
            logged: 0,
            sorted: HashSet::new(),
            links: OnceLock::new(),
        }
    }

    /// The root key.
    #[must_use]
    pub fn root(&self) -> KeyId {
        KeyId(self.root.0)
    }

    /// Format version: 3 to 6, for 1.3 to 1.6.
    #[must_use]
    pub fn minor_version(&self) -> u32 {
        self.minor
    }

    /// Opens or creates every key on `path` below `from`. New keys inherit as Windows would; existing spelling is kept.
    /// Returns the last key, and how many keys were made. A list that some other program sorted by its own rule is put in
    /// Windows' order before a key is added to it.
    ///
    /// # Errors
    /// When a name has more than 255 UTF-16 units or a key would lie deeper than 512 levels, when a link is in the way,
    /// when the hive is dirty or what is touched is damaged.
    pub fn create_key(
        &mut self,
        from: KeyId,
        path: &str,
        now: u64,
    ) -> Result<(KeyId, u32), HiveError> {
        self.refuse_dirty()?;
        let mut sorted = HashSet::new();
        let (root, minor, known) = (self.root, self.minor, &self.sorted);
        let (key, made) = self.cells.edit(|cells| {
            let mut at = from.cell();
            KeyNode::read(cells, at)?;
            let mut level = None;
            let mut made = 0;
            for name in components(path) {
                let (node, _) = KeyNode::read(cells, at)?;
                edit::refuse_link(node, at)?;
                let upper = name::upper(name);
                let in_order = known.contains(&at) || sorted.contains(&at);
                let found = if in_order {
                    subkey_list::find_sorted(cells, at, node, &upper)?
                } else {
                    subkey_list::find(cells, at, node, &upper)?
                };
                at = match found {
                    Some(subkey) => subkey,
                    None => {
                        name::refuse_key_name(name)?;
                        if !in_order {
                            let node = *node;
                            if !subkey_list::is_sorted(cells, at, &node)? {
                                subkey_list::sort(cells, at, &node)?;
                            }
                            sorted.insert(at);
                        }
                        let depth = match level {
                            Some(depth) => depth,
                            None => key_node::level(cells, root, at)?,
                        } + 1;
                        if depth > LEVELS_MAX {
                            return Err(HiveError::TooDeep {
                                offset: at.in_file(),
                                max: LEVELS_MAX,
                            });
                        }
                        level = Some(depth);
                        made += 1;
                        edit::create_subkey(cells, at, name, minor, now)?
                    }
                };
            }
            Ok((at, made))
        })?;
        self.sorted.extend(sorted);
        self.edited |= made > 0;
        Ok((KeyId(key.0), made))
    }

    /// Deletes a key with all below it. Never the root.
    ///
    /// # Errors
    /// [`HiveError::RootKey`] and [`HiveError::NoDelete`] for keys that stay; when the hive is dirty or a part of the tree
    /// is damaged.
    pub fn delete_key(&mut self, key: KeyId, now: u64) -> Result<(), HiveError> {
        self.refuse_dirty()?;
        if key.cell() == self.root {
            return Err(HiveError::RootKey);
        }
        let minor = self.minor;
        let gone = self.cells.edit(|cells| edit::delete_key(cells, key.cell(), minor, now))?;
        for key in gone {
            self.sorted.remove(&key);
        }
        self.edited = true;
        Ok(())
    }

    /// Deletes a value. Returns false when there was none.
    ///
    /// # Errors
    /// When the hive is dirty or what is touched is damaged.
    pub fn delete_value(&mut self, key: KeyId, name: &str, now: u64) -> Result<bool, HiveError> {
        self.refuse_dirty()?;
        let minor = self.minor;
        let deleted =
            self.cells.edit(|cells| edit::delete_value(cells, key.cell(), name, minor, now))?;
        self.edited |= deleted;
        Ok(deleted)
    }

    fn refuse_dirty(&self) -> Result<(), HiveError> {
        match self.dirty {
            Some((primary, secondary)) => Err(HiveError::Dirty { primary, secondary }),
            None => Ok(()),
        }
    }

    /// Everything that is wrong with the hive, as the Windows kernel and strict checkers see it.
    ///
    /// Reads the whole hive.
    #[must_use]
    pub fn check(&self) -> Vec<Finding> {
        check::check(&self.cells)
    }

    /// True when [`Hive::seal`] has something to stamp: edits since opening or the last seal, or a recovery from logs.
    #[must_use]
    pub fn is_modified(&self) -> bool {
        self.edited || self.recovered
    }

    /// True when edits were made since opening, recovery or the last [`Hive::seal`].
    #[must_use]
    pub fn is_edited(&self) -> bool {
        self.edited
    }

    /// Stamps the base block (sequence numbers, time, checksum) after edits and returns the byte ranges of the file that
    /// changed since opening, merged and sorted, in steps of 512 bytes. Empty when nothing changed. The file may have
    /// grown: `bytes().len()`.
    ///
    /// A second call without edits in between stamps nothing and returns the same ranges.
    pub fn seal(&mut self, now: u64) -> Vec<Range<u64>> {
        if self.is_modified() {
            self.stamp(now);
            self.edited = false;
            self.recovered = false;
        }
        if self.cells.dirty().is_empty() {
            return Vec::new();
        }
        self.cells.dirty().ranges(self.cells.bytes().len())
    }

    fn stamp(&mut self, now: u64) {
        let Ok((base, _)) = BaseBlock::read_from_prefix(self.cells.bytes()) else { return };
        // Differ only in a dirty hive, which has no edits to seal.
        let next = base.primary_sequence.get().max(self.logged).wrapping_add(1).to_le_bytes();
        self.cells.write_file(offset_of!(BaseBlock, primary_sequence), &next);
        self.cells.write_file(offset_of!(BaseBlock, secondary_sequence), &next);
        self.cells.write_file(offset_of!(BaseBlock, last_write), &now.to_le_bytes());
        let bin_time = BASE_BLOCK_SIZE as usize + offset_of!(BinHeader, last_write);
        self.cells.write_file(bin_time, &now.to_le_bytes());
        self.cells.write_checksum();
    }

    /// The file's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.cells.bytes()
    }

    /// The file's bytes, without a copy. An edit made while they are held copies them first.
    #[must_use]
    pub fn shared_bytes(&self) -> Arc<Vec<u8>> {
        self.cells.shared_bytes()
    }
}

impl std::fmt::Debug for Hive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hive")
            .field("bytes", &self.cells.bytes().len())
            .field("version", &format_args!("1.{}", self.minor))
            .field("modified", &self.is_modified())
            .finish_non_exhaustive()
    }
}
