//! `[[drivers]]` and `[[remove-drivers]]`: driver packages.

use std::path::Path;

use toml::de::DeValue;
use winkiln_drivers::choice::Selection;

use super::error::{RecipeError, RecipeProblem};
use super::table::Table;
use crate::{DriverRemoval, DriverSource, KeepIp};

pub(super) fn read(table: &Table<'_>, folder: &Path) -> Result<DriverSource, RecipeError> {
    let names = |key| names(table, key);
    Ok(DriverSource {
        path: folder.join(table.required("source")?),
        selection: Selection {
            only: names("only")?,
            exclude: names("exclude")?,
            all: table.flag("all")?,
        },
        force_unsigned: table.flag("force-unsigned")?,
    })
}

/// `keep-ip = true`, or a list of `ADDRESS=MAC`.
pub(super) fn keep_ip(table: &Table<'_>) -> Result<Option<KeepIp>, RecipeError> {
    let Some(node) = table.get("keep-ip") else { return Ok(None) };
    let pairs = match node.value() {
        DeValue::Boolean(false) => return Ok(None),
        DeValue::Boolean(true) => Vec::new(),
        DeValue::Array(_) => node.texts()?,
        _ => return Err(node.wrong_type("true, false or a list of texts")),
    };
    KeepIp::parse(&pairs).map(Some).map_err(|error| node.error(RecipeProblem::KeepIp(error)))
}

/// Drivers to take out.
pub(super) fn removal(table: &Table<'_>) -> Result<DriverRemoval, RecipeError> {
    let removal = DriverRemoval {
        names: names(table, "name")?,
        vendors: names(table, "vendor")?,
        force: table.flag("force")?,
    };
    if removal.names.is_empty() && removal.vendors.is_empty() {
        return Err(table.conflict("[[remove-drivers]] takes name, vendor, or both"));
    }
    Ok(removal)
}

fn names(table: &Table<'_>, key: &'static str) -> Result<Vec<String>, RecipeError> {
    let texts = table.get(key).map(|node| node.texts()).transpose()?;
    Ok(texts.unwrap_or_default().into_iter().map(str::to_owned).collect())
}
