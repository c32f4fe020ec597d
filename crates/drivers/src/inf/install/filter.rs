//! `.Filters`: `AddFilter`.
//!
//! Source: "INF AddFilter directive" (Windows 10 version 1903 and later).

use super::super::{Entry, InfError, InfProblem};
use super::lookup::Lookup;

/// A filter that the device gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Line of its `AddFilter`, from 1.
    pub line: u32,
    /// Name of the filter's service.
    pub service: String,
    /// Its install section.
    pub section: String,
    /// `FilterPosition`: `Upper` or `Lower`.
    pub position: Option<String>,
    /// `FilterLevel`, a level that the device's own package defines.
    pub level: Option<String>,
}

pub(super) fn add_filter<'a>(
    directive: &Entry<'a>,
    lookup: &mut Lookup<'a>,
) -> Result<Option<Filter>, InfError> {
    let missing =
        |field| directive.error(InfProblem::MissingField { directive: "AddFilter", field });
    let service = directive.optional(0).ok_or_else(|| missing("name"))?;
    let section = directive.optional(2).ok_or_else(|| missing("install section"))?;
    let Some(inf) = lookup.required(directive, &section)? else { return Ok(None) };
    let value = |key| inf.entry(&section, key).and_then(|entry| entry.optional(0));
    let (position, level) = (value("FilterPosition"), value("FilterLevel"));
    Ok(Some(Filter { line: directive.line(), service, position, level, section }))
}
