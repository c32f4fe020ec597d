//! The store of variables, and boot entries in it.

use std::collections::{BTreeMap, HashMap};

use super::LoadOption;
use super::variable::{DELETED_BIT, Slot, Variable, slot_of};
use crate::bcd::GuidBytes;

/// `{8be4df61-93ca-11d2-aa0d-00e098032b8c}`, the owner of what the UEFI specification names.
pub(super) const GLOBAL: GuidBytes = [
    0x61, 0xDF, 0xE4, 0x8B, 0xCA, 0x93, 0xD2, 0x11, 0xAA, 0x0D, 0x00, 0xE0, 0x98, 0x03, 0x2B, 0x8C,
];
/// Kept, for boot services, at run time: as boot entries are.
const ATTRIBUTES: u32 = 7;
pub(super) const ORDER: &str = "BootOrder";

/// `{fff12b8d-7696-4c8b-a985-2747075b4f50}`, a firmware volume of variables.
const VOLUME: GuidBytes = [
    0x8D, 0x2B, 0xF1, 0xFF, 0x96, 0x76, 0x8B, 0x4C, 0xA9, 0x85, 0x27, 0x47, 0x07, 0x5B, 0x4F, 0x50,
];
/// `{aaf32c78-947b-439a-a180-2e144ec37792}`, a store of authenticated variables.
const AUTHENTICATED: GuidBytes = [
    0x78, 0x2C, 0xF3, 0xAA, 0x7B, 0x94, 0x9A, 0x43, 0xA1, 0x80, 0x2E, 0x14, 0x4E, 0xC3, 0x77, 0x92,
];
/// `{ddcf3616-3275-4164-98b6-fe85707ffe7d}`, a store of others.
const PLAIN: GuidBytes = [
    0x16, 0x36, 0xCF, 0xDD, 0x75, 0x32, 0x64, 0x41, 0x98, 0xB6, 0xFE, 0x85, 0x70, 0x7F, 0xFE, 0x7D,
];
const MAGIC: [u8; 4] = *b"_FVH";
const FORMATTED_AND_HEALTHY: [u8; 2] = [0x5A, 0xFE];
/// Bytes of the store's head.
const HEAD: usize = 28;
/// Flash without anything in it.
const ERASED: u8 = 0xFF;

/// Why a store was not read or edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NvramError {
    /// The file is something else.
    #[error("not a variable store of EDK2: {what} at {offset:#x}")]
    NotAStore {
        /// What is not as it should be.
        what: &'static str,
        /// Where, from the file's start.
        offset: usize,
    },
    /// There are other bytes where the list of variables ends.
    #[error("the variable store is damaged: neither a variable nor erased flash at {offset:#x}")]
    Damaged {
        /// Where, from the file's start.
        offset: usize,
    },
    /// There is no room for another variable.
    #[error("the variable store is full: {needed} bytes are needed, {free} are free")]
    Full {
        /// Bytes that the new variables take.
        needed: usize,
        /// Bytes that are free once what was deleted is gone.
        free: usize,
    },
    /// Every number from 0000 to FFFF is taken, or the entry is none that can be written.
    #[error("no such boot entry can be written: {reason}")]
    NoEntry {
        /// Why.
        reason: &'static str,
    },
    /// There is no boot entry of that number.
    #[error("there is no boot entry Boot{number:04X}")]
    NoSuchEntry {
        /// As asked.
        number: u16,
    },
}

/// What was made of a boot entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddedEntry {
    /// Its number.
    pub number: u16,
    /// False when the store had it, first in the order, and nothing was changed.
    pub changed: bool,
}

/// A variable store of EDK2, as it lies in flash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NvramStore {
    bytes: Vec<u8>,
    /// Where variables begin and where the store ends.
    first: usize,
    end: usize,
    /// Where the list of variables ends.
    free: usize,
    authenticated: bool,
}

impl NvramStore {
    /// Takes the contents of a file such as `OVMF_VARS.fd`.
    ///
    /// # Errors
    /// [`NvramError::NotAStore`], [`NvramError::Damaged`].
    pub fn open(bytes: Vec<u8>) -> Result<Self, NvramError> {
        let wrong = |what, offset| NvramError::NotAStore { what, offset };
        let has =
            |at: usize, wanted: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(wanted));
        if !has(0x10, &VOLUME) {
            return Err(wrong("no volume of variables", 0x10));
        }
        if !has(0x28, &MAGIC) {
            return Err(wrong("no firmware volume", 0x28));
        }
        let length = bytes.get(0x30..).and_then(<[u8]>::first_chunk).copied();
        let store = length.map_or(0, |length| usize::from(u16::from_le_bytes(length)));
        let authenticated = has(store, &AUTHENTICATED);
        if !authenticated && !has(store, &PLAIN) {
            return Err(wrong("no variable store", store));
        }
        if !has(store + 0x14, &FORMATTED_AND_HEALTHY) {
            return Err(wrong("a store that is not formatted or not healthy", store + 0x14));
        }
        let size = bytes.get(store + 0x10..).and_then(<[u8]>::first_chunk).copied();
        let size = size.and_then(|size| usize::try_from(u32::from_le_bytes(size)).ok());
        let first = (store + HEAD).next_multiple_of(4);
        let end = size.and_then(|size| store.checked_add(size));
        let end = end.filter(|end| *end <= bytes.len() && *end >= first);
        let end = end.ok_or_else(|| wrong("a store longer than the file", store + 0x10))?;
        let mut store = Self { bytes, first, end, free: first, authenticated };
        store.free = first + store.slots().map(|slot| slot.length()).sum::<usize>();
        let behind = store.bytes.get(store.free..end).unwrap_or_default();
        match behind.iter().position(|byte| *byte != ERASED) {
            Some(at) => Err(NvramError::Damaged { offset: store.free + at }),
            None => Ok(store),
        }
    }

    /// The file's contents.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Every slot, one behind the other.
    fn slots(&self) -> impl Iterator<Item = Slot<'_>> {
        let mut at = self.first;
        std::iter::from_fn(move || {
            let slot = Slot::read(self.bytes.get(at..self.end)?, self.authenticated)?;
            at += slot.length();
            // The last one may end with the store.
            (at <= self.end).then_some(slot)
        })
    }

    /// Every slot, with where it begins.
    fn placed(&self) -> impl Iterator<Item = (usize, Slot<'_>)> {
        let mut at = self.first;
        self.slots().map(move |slot| {
            let begin = at;
            at += slot.length();
            (begin, slot)
        })
    }

    /// Every slot that counts, with where it begins.
    fn live(&self) -> Vec<(usize, Slot<'_>)> {
        let mut by_name: HashMap<(String, GuidBytes), usize> = HashMap::new();
        let mut found: Vec<Option<(usize, Slot<'_>)>> = Vec::new();
        for (begin, slot) in self.placed() {
            if !slot.is_added() && !slot.is_in_transition() {
                continue;
            }
            let Some(variable) = slot.variable() else { continue };
            let known = by_name.get(&(variable.name.clone(), variable.owner)).copied();
            if let Some(known) = known.and_then(|known| found.get_mut(known)) {
                // One that replaces another follows it.
                if slot.is_in_transition() {
                    continue;
                }
                *known = None;
            }
            by_name.insert((variable.name, variable.owner), found.len());
            found.push(Some((begin, slot)));
        }
        found.into_iter().flatten().collect()
    }

    /// Every variable that counts.
    #[must_use]
    pub fn variables(&self) -> Vec<Variable> {
        self.live().into_iter().filter_map(|(_, slot)| slot.variable()).collect()
    }

    /// The boot entries by number.
    #[must_use]
    pub fn boot_entries(&self) -> BTreeMap<u16, LoadOption> {
        let variables = self.variables().into_iter();
        let entries =
            variables.filter(|variable| variable.owner == GLOBAL).filter_map(|variable| {
                Some((number_of(&variable.name)?, LoadOption::read(&variable.data)?))
            });
        entries.collect()
    }

    /// Numbers of boot entries in the order in which the firmware tries them.
    #[must_use]
    pub fn boot_order(&self) -> Vec<u16> {
        let variables = self.variables();
        let order =
            variables.iter().find(|variable| variable.owner == GLOBAL && variable.name == ORDER);
        let data = order.map(|order| order.data.as_slice()).unwrap_or_default();
        data.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect()
    }

    /// Adds a boot entry, first in the order. One that leads to the same program of the same partition is it already.
    ///
    /// # Errors
    /// [`NvramError::Full`], [`NvramError::NoEntry`]; nothing is changed then.
    pub fn add_boot_entry(&mut self, option: &LoadOption) -> Result<AddedEntry, NvramError> {
        let reason = "its path or description is too long, or it is no file of a partition";
        let data = option.encode().ok_or(NvramError::NoEntry { reason })?;
        let entries = self.boot_entries();
        let present =
            entries.iter().find(|(_, other)| other.leads_where(option)).map(|(number, _)| *number);
        let order = self.boot_order();
        let taken: std::collections::HashSet<u16> = self
            .variables()
            .iter()
            .filter(|variable| variable.owner == GLOBAL)
            .filter_map(|variable| number_of(&variable.name))
            .collect();
        let number = match present {
            Some(number) => number,
            None => (0..=u16::MAX)
                .find(|number| !taken.contains(number))
                .ok_or(NvramError::NoEntry { reason: "every number is taken" })?,
        };
        let others = order.iter().copied().filter(|other| *other != number);
        let wanted: Vec<u16> = std::iter::once(number).chain(others).collect();
        let mut new = Vec::new();
        if present.is_none() {
            new.push(global(format!("Boot{number:04X}"), data));
        }
        if wanted != order {
            new.push(order_of(&wanted));
        }
        let changed = !new.is_empty();
        self.put(&new)?;
        Ok(AddedEntry { number, changed })
    }

    /// Puts variables behind the others, and deletes what they replace. Where there is no room behind, what was deleted before goes.
    pub(super) fn put(&mut self, new: &[Variable]) -> Result<(), NvramError> {
        let slots: Option<Vec<u8>> = new
            .iter()
            .map(|variable| slot_of(variable, self.authenticated))
            .collect::<Option<Vec<_>>>()
            .map(|slots| slots.concat());
        let slots = slots.ok_or(NvramError::NoEntry { reason: "it is too long" })?;
        let is_replaced = |slot: &Slot<'_>| {
            slot.variable().is_some_and(|old| {
                new.iter().any(|new| new.name == old.name && new.owner == old.owner)
            })
        };
        if slots.len() <= self.end - self.free {
            self.delete_where(is_replaced);
            let free = self.free;
            if let Some(place) = self.bytes.get_mut(free..free + slots.len()) {
                place.copy_from_slice(&slots);
            }
            self.free += slots.len();
            return Ok(());
        }
        let mut kept: Vec<u8> = Vec::new();
        for (_, slot) in self.live().into_iter().filter(|(_, slot)| !is_replaced(slot)) {
            kept.extend(slot.bytes);
            kept.resize(kept.len().next_multiple_of(4), ERASED);
        }
        let room = self.end - self.first;
        let free = room.saturating_sub(kept.len());
        if slots.len() > free {
            return Err(NvramError::Full { needed: slots.len(), free });
        }
        kept.extend(slots);
        let length = kept.len();
        kept.resize(room, ERASED);
        let (first, end) = (self.first, self.end);
        if let Some(place) = self.bytes.get_mut(first..end) {
            place.copy_from_slice(&kept);
        }
        self.free = first + length;
        Ok(())
    }
}

impl NvramStore {
    /// Deletes a variable of the specification's own, as firmware does: by a bit of its state.
    pub(super) fn delete(&mut self, name: &str) {
        self.delete_where(|slot| {
            slot.variable().is_some_and(|old| old.name == name && old.owner == GLOBAL)
        });
    }

    /// Deletes older copies too: they would count again.
    fn delete_where(&mut self, is_meant: impl Fn(&Slot<'_>) -> bool) {
        let counts = |slot: &Slot<'_>| slot.is_added() || slot.is_in_transition();
        let slots = self.placed().filter(|(_, slot)| counts(slot) && is_meant(slot));
        let places: Vec<usize> = slots.map(|(at, _)| at).collect();
        for at in places {
            if let Some(state) = self.bytes.get_mut(at + 2) {
                *state &= !DELETED_BIT;
            }
        }
    }
}

/// A variable of the specification's own.
fn global(name: String, data: Vec<u8>) -> Variable {
    Variable { name, owner: GLOBAL, attributes: ATTRIBUTES, data }
}

/// The variable of the boot order.
pub(super) fn order_of(order: &[u16]) -> Variable {
    let data = order.iter().flat_map(|number| number.to_le_bytes()).collect();
    global(ORDER.to_owned(), data)
}

/// The number of `Boot0000`.
fn number_of(name: &str) -> Option<u16> {
    let digits = name.strip_prefix("Boot")?;
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
    // Firmware looks for no other spelling.
    let plain = digits.len() == 4 && digits.bytes().all(is_digit);
    plain.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}
