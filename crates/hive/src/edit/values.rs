//! Values set, one or many of a key at once.

use super::refuse_handle;
use crate::cell::CellOffset;
use crate::cells::Cells;
use crate::error::{HiveError, Structure};
use crate::hive::{NewValue, ValueSet};
use crate::key_node::KeyNode;
use crate::name;
use crate::upcase::upcase;
use crate::value::{self, KeyValue, ValueType};

const WHAT: Structure = Structure::ValueList;

/// The values of a key, found by name without reading each of them every time.
struct Listed {
    /// Of the name in upper case.
    hashes: Vec<u32>,
    at: Vec<CellOffset>,
}

impl Listed {
    /// Without `hashed`, each is read when it is looked at.
    fn read(cells: &Cells, node: &KeyNode, hashed: bool) -> Result<Self, HiveError> {
        let at: Vec<CellOffset> = value::list(cells, node)?.collect();
        if !hashed {
            return Ok(Self { hashes: Vec::new(), at });
        }
        let hashes = at
            .iter()
            .map(|at| Ok(name::hash(KeyValue::read(cells, *at)?.1.units().map(upcase))))
            .collect::<Result<_, HiveError>>()?;
        Ok(Self { hashes, at })
    }

    /// The first value of that name.
    fn find(
        &self,
        cells: &Cells,
        hash: u32,
        upper: &[u16],
    ) -> Result<Option<CellOffset>, HiveError> {
        for (index, at) in self.at.iter().enumerate() {
            let other = self.hashes.get(index).is_some_and(|own| *own != hash);
            if !other && KeyValue::read(cells, *at)?.1.cmp_upper(upper).is_eq() {
                return Ok(Some(*at));
            }
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
    let mut listed = Listed::read(cells, &node, values.len() > 1)?;
    let old = listed.at.len();
    let mut done = Vec::with_capacity(values.len());
    let mut upper = Vec::new();
    for new in values {
        upper.clear();
        upper.extend(name::units(new.name).map(upcase));
        let hash = name::hash(upper.iter().copied());
        let set = match listed.find(cells, hash, &upper)? {
            Some(at) => {
                let (own, _) = KeyValue::read(cells, at)?;
                let place = own.place(cells, at, minor)?;
                if own.kind.get() == new.kind.raw() && place.is(new.data) {
                    done.push(ValueSet::Unchanged);
                    continue;
                }
                let before = (ValueType::from_raw(own.kind.get()), place.to_vec());
                value::replace(cells, at, new.kind, new.data, minor)?;
                ValueSet::Replaced(before.0, before.1)
            }
            None => {
                listed.at.push(value::create(cells, new.name, new.kind, new.data, minor)?);
                if values.len() > 1 {
                    listed.hashes.push(hash);
                }
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
