//! `[[drivers]]`: driver packages.

use std::path::Path;

use winkiln_drivers::choice::Selection;

use super::error::RecipeError;
use super::table::Table;
use crate::DriverSource;

pub(super) fn read(table: &Table<'_>, folder: &Path) -> Result<DriverSource, RecipeError> {
    let names = |key| -> Result<Vec<String>, RecipeError> {
        let texts = table.get(key).map(|node| node.texts()).transpose()?;
        Ok(texts.unwrap_or_default().into_iter().map(str::to_owned).collect())
    };
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
