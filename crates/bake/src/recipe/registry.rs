//! `[[registry]]`: a `.reg` file, or one key or value.

use std::path::Path;

use toml::de::DeValue;
use winkiln_hive::ValueType;

use super::Recipe;
use super::error::{RecipeError, RecipeProblem};
use super::security;
use super::table::{Node, Table};
use crate::value_text::{ValueTextError, multi_data, parse_type, parse_value, type_name};
use crate::{BakeError, Step};

pub(super) fn read(table: &Table<'_>, folder: &Path, recipe: &mut Recipe) -> Result<(), BakeError> {
    if let Some(file) = table.text("file")? {
        if table.nodes().len() > 1 {
            return Err(table
                .conflict("[[registry]] takes either file, or key with name, type and data")
                .into());
        }
        return recipe.add_reg_file(&folder.join(file));
    }
    let step = inline(table)?;
    let rights = access(table)?;
    let everywhere = table.flag("all-control-sets")?;
    recipe.steps.extend(
        [Some(step), rights]
            .into_iter()
            .flatten()
            .map(|step| if everywhere { Step::InAllControlSets(Box::new(step)) } else { step }),
    );
    Ok(())
}

/// The rights that the key gets.
fn access(table: &Table<'_>) -> Result<Option<Step>, RecipeError> {
    let Some(node) = table.get("sddl") else { return Ok(None) };
    if table.flag("delete")? {
        return Err(table.conflict("delete = true takes no sddl"));
    }
    let sddl = node.text()?.to_owned();
    security::check(&sddl).map_err(|error| node.error(RecipeProblem::Sddl(error)))?;
    let key = table.required("key")?.to_owned();
    Ok(Some(Step::SetKeySecurity { key, sddl, below: false }))
}

fn inline(table: &Table<'_>) -> Result<Step, RecipeError> {
    let key = table.required("key")?.to_owned();
    let name = table.text("name")?;
    let data = table.get("data");
    let kind = table.text("type")?;
    if table.flag("delete")? {
        if data.is_some() || kind.is_some() {
            return Err(table.conflict("delete = true takes no type and no data"));
        }
        return Ok(match name {
            Some(name) => Step::DeleteValue { key, name: name.to_owned() },
            None => Step::DeleteKey { key },
        });
    }
    let (kind, data) = match (data, kind, name) {
        (Some(data), kind, name) => {
            typed(&data, kind.unwrap_or("REG_SZ"), name.unwrap_or_default())?
        }
        (None, None, None) => return Ok(Step::CreateKey { key }),
        (None, Some(kind), _) => {
            let error = |error| table.error(RecipeProblem::Value(error));
            // As `reg add` without /d: empty, which no number can be.
            parse_value(kind, "").map_err(error)?
        }
        (None, None, Some(_)) => {
            return Err(
                table.error(RecipeProblem::MissingKey { table: "[[registry]]", key: "data" })
            );
        }
    };
    Ok(Step::SetValue { key, name: name.unwrap_or_default().to_owned(), kind, data })
}

/// Data in the form that suits its type: an integer, a text as `reg add` takes it, a list of texts.
fn typed(
    node: &Node<'_>,
    type_text: &str,
    name: &str,
) -> Result<(ValueType, Vec<u8>), RecipeError> {
    let error = |error: ValueTextError| node.error(RecipeProblem::Value(error.of_value(name)));
    let kind = parse_type(type_text).map_err(error)?;
    match (node.value(), kind) {
        (DeValue::String(text), _) => parse_value(type_text, text).map_err(error),
        (DeValue::Array(_), ValueType::MultiSz) => {
            Ok((kind, multi_data(&node.texts()?).map_err(error)?))
        }
        (
            DeValue::Integer(number),
            ValueType::Dword | ValueType::DwordBigEndian | ValueType::Qword,
        ) => {
            // The parser keeps digits and radix apart, and has taken out underscores.
            let text = i128::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| number.as_str().to_owned(), |number| number.to_string());
            parse_value(&type_name(kind), &text).map_err(error)
        }
        (_, ValueType::MultiSz) => Err(node.wrong_type("text or a list of texts")),
        (_, ValueType::Dword | ValueType::DwordBigEndian | ValueType::Qword) => {
            Err(node.wrong_type("an integer, or text such as \"0xff\""))
        }
        (DeValue::Integer(_), _) => {
            Err(node.wrong_type("text (or type = \"REG_DWORD\" for a number)"))
        }
        _ => Err(node.wrong_type("text")),
    }
}
