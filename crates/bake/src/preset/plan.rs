//! What planning a preset reads, and what it gives.

use winkiln_hive::ValueType;

use super::PresetError;
use crate::facts::{Facts, Lookup};
use crate::first_boot::Command;
use crate::step::Step;
use crate::value_text::string_data;

/// What a preset means for one guest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Planned {
    /// To be applied in order.
    pub steps: Vec<Step>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// The guest that a preset is planned for, and the plan so far.
pub(super) struct Planner<'a> {
    pub(super) name: &'static str,
    pub(super) argument: Option<&'a str>,
    pub(super) facts: &'a Facts,
    pub(super) lookup: &'a mut dyn Lookup,
    pub(super) planned: Planned,
}

impl Planner<'_> {
    pub(super) fn step(&mut self, step: Step) {
        self.planned.steps.push(step);
    }

    pub(super) fn dword(&mut self, key: &str, name: &str, data: u32) {
        self.step(Step::SetValue {
            key: key.to_owned(),
            name: name.to_owned(),
            kind: ValueType::Dword,
            data: data.to_le_bytes().to_vec(),
        });
    }

    pub(super) fn text(&mut self, key: &str, name: &str, text: &str) {
        self.step(Step::SetValue {
            key: key.to_owned(),
            name: name.to_owned(),
            kind: ValueType::Sz,
            data: string_data(text),
        });
    }

    /// Sets an element of a BCD object.
    pub(super) fn element(&mut self, object: &str, element: &str, value: &str) {
        self.step(Step::BcdSet {
            object: object.to_owned(),
            element: element.to_owned(),
            value: value.to_owned(),
        });
    }

    pub(super) fn first_boot(&mut self, command: Command) {
        self.step(Step::FirstBoot { command });
    }

    /// Adds a warning, under the preset's name.
    pub(super) fn warn(&mut self, text: &str) {
        self.planned.warnings.push(format!("{}: {text}", self.name));
    }

    /// The error for a guest that the preset does not fit.
    pub(super) fn not_for_guest(&self, reason: &'static str) -> PresetError {
        PresetError::NotForGuest { name: self.name, reason }
    }
}
