//! `[presets]`: `name = true`, `name = "argument"`, `name = ["argument", ...]`; `false` leaves one out.

use toml::de::DeValue;

use super::error::{RecipeError, RecipeProblem};
use super::table::Node;
use crate::Preset;

pub(super) fn read(node: &Node<'_>) -> Result<Vec<Preset>, RecipeError> {
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
        presets.extend(preset.map_err(|error| node.error(RecipeProblem::Preset(error)))?);
    }
    Ok(presets)
}
