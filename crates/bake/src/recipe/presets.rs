//! `[presets]`: `name = true`, `name = "argument"`, `name = ["argument", ...]`; `false` leaves one out.

use std::path::Path;

use toml::de::DeValue;

use super::error::{RecipeError, RecipeProblem};
use super::table::Node;
use crate::Preset;

/// Files that presets take are relative to `folder`.
pub(super) fn read(node: &Node<'_>, folder: &Path) -> Result<Vec<Preset>, RecipeError> {
    let mut presets = Vec::new();
    for node in node.any_table("[presets]")?.nodes() {
        let name = node.key();
        let preset = match node.value() {
            DeValue::Boolean(true) => Preset::new(name, None).map(|preset| vec![preset]),
            // The name is checked all the same.
            DeValue::Boolean(false) => Preset::check_name(name).map(|()| Vec::new()),
            DeValue::String(argument) => {
                Preset::new(name, Some(argument)).map(|preset| vec![preset])
            }
            DeValue::Array(_) => Preset::from_list(name, &node.texts()?),
            _ => return Err(node.wrong_type("true, false, text or a list of texts")),
        };
        let resolved = preset.and_then(|presets| {
            presets.into_iter().map(|preset| preset.resolve(folder)).collect::<Result<Vec<_>, _>>()
        });
        presets.extend(resolved.map_err(|error| node.error(RecipeProblem::Preset(error)))?);
    }
    Ok(presets)
}
