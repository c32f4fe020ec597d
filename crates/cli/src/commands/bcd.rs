//! `winkiln bcd`.

mod deletevalue;
mod enumerate;
mod set;

use std::path::Path;

use winkiln_bake::value_text::type_number;
use winkiln_bake::{Change, Report};
use winkiln_boot::bcd::{self, BcdError, Element};
use winkiln_hive::Hive;
use winkiln_verify::HiveFact;

use crate::args::WriteArgs;
use crate::args::boot::BcdCommand;
use crate::clock;
use crate::error::{Doing as _, Result};
use crate::loose_hive::LooseHive;
use crate::render::bcd::one_line;

/// Where a store is mounted; its contents need not tell.
const MOUNT: &str = r"HKLM\BCD00000000";

/// Runs a boot configuration command.
pub(super) fn run(command: BcdCommand) -> Result<()> {
    match command {
        BcdCommand::Enum(args) => enumerate::run(&args),
        BcdCommand::Set(args) => set::run(&args),
        BcdCommand::DeleteValue(args) => deletevalue::run(&args),
    }
}

/// Edits one element of a loose store. `edit` returns false when it was already so.
fn edit_store(
    file: &Path,
    object: &str,
    element: &str,
    write: &WriteArgs,
    edit: impl FnOnce(&mut Hive, u64) -> Result<bool, BcdError>,
) -> Result<Report> {
    let now = clock::loose_time(write)?;
    let mut store = LooseHive::open(file, Some(MOUNT), write.dry_run)?;
    let doing = || format!("cannot edit {element} of {object} in {}", file.display());
    let (hive, ledger) = store.parts();
    let before = bcd::element(hive, object, element).doing(doing)?;
    let changed = edit(hive, now).doing(doing)?;
    let after = bcd::element(hive, object, element).doing(doing)?;
    if let Some(fact) = fact(hive, object, after.as_ref()).doing(doing)? {
        ledger.expect(fact);
    }
    ledger.record(changed.then(|| Change {
        kind: "bcd-element",
        target: format!("{object} {element}"),
        before: before.as_ref().map(one_line),
        after: after.as_ref().map(one_line),
    }));
    store.finish(now)
}

/// What an independent reader should find in the store after an element was set.
fn fact(
    store: &Hive,
    object: &str,
    element: Option<&Element>,
) -> Result<Option<HiveFact>, BcdError> {
    let Some(element) = element else { return Ok(None) };
    let guid = store.info(bcd::find_object(store, object)?)?.name;
    let key = format!("Objects\\{guid}\\Elements\\{:08x}", element.id);
    let value = match store.find(store.root(), &key)? {
        Some(id) => store.value(id, "Element")?,
        None => None,
    };
    Ok(value.map(|value| HiveFact::Value {
        key,
        name: value.name,
        kind: type_number(value.kind),
        data: value.data,
    }))
}
