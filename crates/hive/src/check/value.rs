//! Values and their data.

use super::Check;
use crate::big_data;
use crate::cell::CellOffset;
use crate::error::{HiveError, Structure};
use crate::key_node::KeyNode;
use crate::upcase::upcase;
use crate::value::{self, KeyValue};
use std::collections::HashSet;

impl Check<'_> {
    /// Checks the value list of a key, each value, and the hints about them.
    pub(super) fn values(&mut self, at: CellOffset, node: &KeyNode, path: &str) {
        if node.values_listed() == 0 {
            return;
        }
        let list = CellOffset(node.values.get());
        if self.claim(list, Structure::ValueList, path).is_none() {
            return;
        }
        let cells = self.cells;
        let values = match value::list(cells, node) {
            Ok(values) => values,
            Err(fault) => return self.add("key.vallist", at, format!("{path}: {fault}")),
        };
        let mut names: HashSet<Vec<u16>> = HashSet::new();
        let (mut longest_name, mut longest_data) = (0, 0);
        for value in values {
            let Some((name, data)) = self.value(value, path) else { continue };
            longest_name = longest_name.max(u32::try_from(name.len() * 2).unwrap_or(u32::MAX));
            longest_data = longest_data.max(data);
            if let Some(name) = names.replace(name) {
                let name = String::from_utf16_lossy(&name);
                self.add("value.duplicate", value, format!("{path}: two values are called {name}"));
            }
        }
        let hint = node.largest_value_name.get();
        if hint < longest_name {
            let text = format!(
                "{path}: largest value name is said to be {hint} bytes, one has {longest_name}"
            );
            self.add("key.maxvaluename", at, text);
        }
        let hint = node.largest_value_data.get();
        if hint < longest_data {
            let text = format!(
                "{path}: largest value data are said to be {hint} bytes, one has {longest_data}"
            );
            self.add("key.maxvaluedata", at, text);
        }
    }

    /// Checks a value: its name in upper case, and bytes of data.
    fn value(&mut self, at: CellOffset, path: &str) -> Option<(Vec<u16>, u32)> {
        self.claim(at, Structure::KeyValue, path)?;
        let cells = self.cells;
        let (value, name) = match KeyValue::read(cells, at) {
            Ok(value) => value,
            Err(fault) => {
                let truncated_name = matches!(&fault, HiveError::Truncated { .. })
                    && cells
                        .payload(at, Structure::KeyValue)
                        .is_ok_and(|payload| payload.len() >= size_of::<KeyValue>());
                let id = if truncated_name { "value.name" } else { "value.signature" };
                self.add(id, at, format!("{path}: {fault}"));
                return None;
            }
        };
        let label = format!("{path}: {}", name.to_text());
        self.data(value, at, &label);
        Some((name.units().map(upcase).collect(), value.length()))
    }

    fn data(&mut self, value: &KeyValue, at: CellOffset, label: &str) {
        let inline = value.data_length.get() != value.length();
        let length = value.length();
        if inline {
            if length > 4 {
                self.add(
                    "value.inline",
                    at,
                    format!("{label}: {length} bytes said to be in the value itself"),
                );
            }
            return;
        }
        if length == 0 {
            return;
        }
        let data = CellOffset(value.data.get());
        let Some(payload) = self.claim(data, Structure::ValueData, label) else { return };
        if length as usize > big_data::SEGMENT && self.minor >= 4 && payload.starts_with(b"db") {
            self.big_data(data, payload, length as usize, label);
        } else if length as usize > payload.len() {
            let text =
                format!("{label}: {length} bytes of data, their cell holds {}", payload.len());
            self.add("value.data", at, text);
        }
    }

    fn big_data(&mut self, at: CellOffset, record: &[u8], length: usize, label: &str) {
        let Some(&[_, _, low, high, l0, l1, l2, l3]) = record.first_chunk::<8>() else {
            return self.add("value.bigdata", at, format!("{label}: big data record is cut short"));
        };
        let count = usize::from(u16::from_le_bytes([low, high]));
        let list = CellOffset(u32::from_le_bytes([l0, l1, l2, l3]));
        let Some(payload) = self.claim(list, Structure::SegmentList, label) else { return };
        let expected = length.div_ceil(big_data::SEGMENT);
        let entries = payload.get(..count * 4);
        let Some(entries) = entries.filter(|_| count == expected) else {
            let text = format!(
                "{label}: {count} segments for {length} bytes, their list holds {}",
                payload.len() / 4
            );
            return self.add("value.bigdata", at, text);
        };
        let mut left = length;
        for (index, entry) in entries.chunks_exact(4).enumerate() {
            let segment =
                entry.first_chunk::<4>().map_or(u32::MAX, |entry| u32::from_le_bytes(*entry));
            if let Some(payload) = self.claim(CellOffset(segment), Structure::Segment, label)
                && payload.len() < left.min(big_data::SEGMENT)
            {
                self.add("value.bigdata", at, format!("{label}: segment {index} is too short"));
            }
            left = left.saturating_sub(big_data::SEGMENT);
        }
    }
}
