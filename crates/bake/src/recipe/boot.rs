//! `[[bcd]]` and `[[firstboot]]`.

use toml::de::DeValue;
use winkiln_boot::bcd::{self, OrderEdit, OrderList};

use super::error::{RecipeError, RecipeProblem};
use super::table::Table;
use crate::Step;
use crate::first_boot::Command;

/// What is done to the store: an element set or deleted, an object made, copied or deleted, a list of the boot manager changed, or
/// devices pointed at the partitions they meant.
pub(super) fn edit(table: &Table<'_>) -> Result<Step, RecipeError> {
    let has = |key| table.get(key).is_some();
    let asked = ["create", "copy", "list", "retarget"].into_iter().filter(|key| has(key)).count();
    if asked > 1 || asked == 1 && (has("element") || has("value") || has("delete")) {
        return Err(table.conflict("one table does one thing"));
    }
    if has("list") {
        return order(table);
    }
    if has("entries") || has("how") {
        return Err(table.conflict("entries and how go with list"));
    }
    if has("retarget") {
        return if table.flag("retarget")? && !has("object") {
            Ok(Step::BcdRetarget)
        } else {
            Err(table.conflict("retarget = true stands alone"))
        };
    }
    if has("create") || has("copy") {
        return object(table);
    }
    if has("description") {
        return Err(table.conflict("description goes with create or copy"));
    }
    let object = table.required("object")?.to_owned();
    if !has("element") && table.flag("delete")? {
        let step = Step::BcdDeleteObject { object: object.clone(), cleanup: true };
        return Ok(Step::BcdWhere { object, is_there: true, step: Box::new(step) });
    }
    element(table, object)
}

/// An element to set, or with `delete = true` to delete.
fn element(table: &Table<'_>, object: String) -> Result<Step, RecipeError> {
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

/// An object to make or to copy, unless it is there.
fn object(table: &Table<'_>) -> Result<Step, RecipeError> {
    let object = table.required("object")?.to_owned();
    let description = table.text("description")?.map(str::to_owned);
    let step = match table.text("copy")? {
        Some(from) => {
            let (object, guid) = (from.to_owned(), object.clone());
            Step::BcdCopy { object, guid, description }
        }
        None => {
            let wrong = || {
                table.conflict("create is osloader, resume, bootsector, startup, ntldr, device, inherit, or inherit and one of these")
            };
            let kind = bcd::kind_named(table.required("create")?).ok_or_else(wrong)?;
            Step::BcdCreate { object: object.clone(), kind, description }
        }
    };
    Ok(Step::BcdWhere { object, is_there: false, step: Box::new(step) })
}

/// A list of the boot manager.
fn order(table: &Table<'_>) -> Result<Step, RecipeError> {
    if ["object", "description"].into_iter().any(|key| table.get(key).is_some()) {
        return Err(table.conflict("list is one of the boot manager"));
    }
    let lists = [OrderList::Display, OrderList::Tools, OrderList::BootSequence];
    let name = table.required("list")?;
    let list = lists.into_iter().find(|list| list.element() == name);
    let list = list
        .ok_or_else(|| table.conflict("list is displayorder, toolsdisplayorder or bootsequence"))?;
    let edit = match table.text("how")? {
        None | Some("set") => OrderEdit::Set,
        Some("first") => OrderEdit::AddFirst,
        Some("last") => OrderEdit::AddLast,
        Some("remove") => OrderEdit::Remove,
        Some(_) => return Err(table.conflict("how is set, first, last or remove")),
    };
    let entries = match table.get("entries") {
        Some(node) => node.texts()?.into_iter().map(str::to_owned).collect(),
        None => vec![table.required("entries")?.to_owned()],
    };
    Ok(Step::BcdOrder { list, edit, entries })
}

/// A command for the next start.
pub(super) fn command(table: &Table<'_>) -> Result<Step, RecipeError> {
    let command = Command::new(table.required("name")?, table.required("run")?)
        .map_err(|error| table.error(RecipeProblem::FirstBoot(error)))?;
    Ok(Step::FirstBoot { command })
}
