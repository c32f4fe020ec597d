//! Values set, one or many of a key at once.

use super::refuse_handle;
use crate::cell::CellOffset;
use crate::cells::Cells;
use crate::error::{HiveError, Structure};
use crate::hive::{NewValue, ValueSet};
use crate::key_node::KeyNode;
use crate::name;
use crate::upcase::upcase;
use crate::value::{self, KeyValue};
use std::collections::HashMap;

const WHAT: Structure = Structure::ValueList;

/// Values of a key that are looked through one by one.
const FEW: usize = 16;

/// No further value.
const END: u32 = u32::MAX;

/// The values of a key, found by name without reading each of them every time.
struct Listed {
    at: Vec<CellOffset>,
    /// Of the names in upper case.
    hashes: Vec<u32>,
    /// Of many values: the first of each hash, by its place in `at`.
    first: Option<HashMap<u32, u32>>,
    /// For each value of `at`, the next one with its hash, or [`END`].
    next: Vec<u32>,
}

impl Listed {
    /// For `new` values that are to be set. For one alone, each is read when it is looked at.
    fn read(cells: &Cells, node: &KeyNode, new: usize) -> Result<Self, HiveError> {
        let at: Vec<CellOffset> = value::list(cells, node)?.collect();
        let mut listed = Self { at, hashes: Vec::new(), first: None, next: Vec::new() };
        if new <= 1 {
            return Ok(listed);
        }
        listed.hashes = listed
            .at
            .iter()
            .map(|at| Ok(name::hash(KeyValue::read(cells, *at)?.1.units().map(upcase))))
            .collect::<Result<_, HiveError>>()?;
        if listed.at.len() + new > FEW {
            listed.first = Some(HashMap::new());
            listed.next = vec![END; listed.at.len()];
            // The last one is linked first: of two with one name the first one counts.
            for index in (0..listed.at.len()).rev() {
                listed.link(index);
            }
        }
        Ok(listed)
    }

    fn push(&mut self, at: CellOffset, hash: u32, new: usize) {
        self.at.push(at);
        if new > 1 {
            self.hashes.push(hash);
            self.next.push(END);
            self.link(self.at.len() - 1);
        }
    }

    fn link(&mut self, index: usize) {
        let (Some(first), Some(hash)) = (&mut self.first, self.hashes.get(index)) else { return };
        let after = first.insert(*hash, u32::try_from(index).unwrap_or(END)).unwrap_or(END);
        if let Some(next) = self.next.get_mut(index) {
            *next = after;
        }
    }

    /// The first value of that name.
    fn find(
        &self,
        cells: &Cells,
        hash: u32,
        upper: &[u16],
    ) -> Result<Option<CellOffset>, HiveError> {
        let is_it = |at: CellOffset| {
            let (_, name) = KeyValue::read(cells, at)?;
            Ok::<_, HiveError>(name.len() == upper.len() && name.cmp_upper(upper).is_eq())
        };
        let Some(first) = &self.first else {
            for (index, at) in self.at.iter().enumerate() {
                let other = self.hashes.get(index).is_some_and(|own| *own != hash);
                if !other && is_it(*at)? {
                    return Ok(Some(*at));
                }
            }
            return Ok(None);
        };
        let mut at = first.get(&hash).copied();
        while let Some(index) = at {
            let own = self.at.get(index as usize).copied();
            if let Some(own) = own
                && is_it(own)?
            {
                return Ok(Some(own));
            }
            at = self.next.get(index as usize).copied().filter(|next| *next != END);
        }
        Ok(None)
    }
}

/// Creates or replaces values, in their order.
pub(crate) fn set_values(
    cells: &mut Cells,
    key: CellOffset,
    values: &[NewValue<'_>],
    minor: u32,
    now: u64,
) -> Result<Vec<ValueSet>, HiveError> {
    let mut node = *KeyNode::read(cells, key)?.0;
    refuse_handle(&node, key)?;
    let mut listed = Listed::read(cells, &node, values.len())?;
    let old = listed.at.len();
    let mut done = Vec::with_capacity(values.len());
    let mut upper = Vec::new();
    for new in values {
        upper.clear();
        upper.extend(name::units(new.name).map(upcase));
        let hash = name::hash(upper.iter().copied());
        let set = match listed.find(cells, hash, &upper)? {
            Some(at) => {
                let set = value::replace(cells, at, new.kind, new.data, minor)?;
                if set == ValueSet::Unchanged {
                    done.push(set);
                    continue;
                }
                set
            }
            None => {
                let at = value::create(cells, new.name, new.kind, new.data, minor)?;
                listed.push(at, hash, values.len());
                ValueSet::Created
            }
        };
        done.push(set);
        let name_length = u32::try_from(upper.len() * 2).unwrap_or(u32::MAX);
        let data_length = u32::try_from(new.data.len()).unwrap_or(u32::MAX);
        node.largest_value_name.set(node.largest_value_name.get().max(name_length));
        node.largest_value_data.set(node.largest_value_data.get().max(data_length));
    }
    if done.iter().any(|set| *set != ValueSet::Unchanged) {
        append(cells, &mut node, key, listed.at.get(old..).unwrap_or_default())?;
        node.last_write.set(now);
        node.write(cells, key)?;
    }
    Ok(done)
}

/// Appends values to a key's list.
fn append(
    cells: &mut Cells,
    node: &mut KeyNode,
    key: CellOffset,
    values: &[CellOffset],
) -> Result<(), HiveError> {
    if values.is_empty() {
        return Ok(());
    }
    let too_many = || HiveError::TooMany { offset: key.in_file(), what: "values" };
    let count = node.value_count.get() as usize;
    let needed = (count + values.len()) * 4;
    let at = if count == 0 {
        cells.allocate(needed).map_err(|error| match error {
            HiveError::DataTooLong { .. } => too_many(),
            error => error,
        })?
    } else {
        let at = CellOffset(node.values.get());
        if cells.payload(at, WHAT)?.len() >= needed {
            at
        } else {
            // Long lists grow by a quarter, so that they do not move each time.
            let spare = if count >= 64 { count } else { 0 };
            match cells.resize(at, needed + spare, WHAT) {
                Err(HiveError::DataTooLong { .. }) => {
                    cells.resize(at, needed, WHAT).map_err(|_| too_many())?
                }
                grown => grown?,
            }
        }
    };
    let entries: Vec<u8> = values.iter().flat_map(|value| value.0.to_le_bytes()).collect();
    cells.write(at, count * 4, &entries, WHAT)?;
    node.values.set(at.0);
    node.value_count.set(u32::try_from(count + values.len()).map_err(|_| too_many())?);
    Ok(())
}
