//! `[[bcd]]` and `[[firstboot]]`.

use toml::de::DeValue;

use super::error::{RecipeError, RecipeProblem};
use super::table::Table;
use crate::Step;
use crate::first_boot::Command;

/// An element to set, or with `delete = true` to delete.
pub(super) fn element(table: &Table<'_>) -> Result<Step, RecipeError> {
    let object = table.required("object")?.to_owned();
    let element = table.required("element")?.to_owned();
    if table.flag("delete")? {
        if table.get("value").is_some() {
            return Err(table.conflict("delete = true takes no value"));
        }
        return Ok(Step::BcdDelete { object, element });
    }
    let value = match table.get("value") {
        Some(node) => match node.value() {
            DeValue::Boolean(flag) => if *flag { "on" } else { "off" }.to_owned(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
            _ => node.text()?.to_owned(),
        },
        None => table.required("value")?.to_owned(),
    };
    Ok(Step::BcdSet { object, element, value })
}

/// A command for the next start.
pub(super) fn command(table: &Table<'_>) -> Result<Step, RecipeError> {
    let command = Command::new(table.required("name")?, table.required("run")?)
        .map_err(|error| table.error(RecipeProblem::FirstBoot(error)))?;
    Ok(Step::FirstBoot { command })
}
