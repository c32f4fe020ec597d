//! `winkiln bcd`.

mod deletevalue;
mod enumerate;
mod export;
mod objects;
mod set;

use std::path::Path;

use winkiln_bake::value_text::type_number;
use winkiln_bake::{Change, Report};
use winkiln_boot::bcd::{self, BcdError, Element, OrderList, StoreChange};
use winkiln_hive::Hive;
use winkiln_verify::HiveFact;

use crate::args::Deferred;
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
        BcdCommand::Enum(Deferred(args)) => enumerate::run(&args),
        BcdCommand::Set(Deferred(args)) => set::run(&args),
        BcdCommand::DeleteValue(Deferred(args)) => deletevalue::run(&args),
        BcdCommand::Create(Deferred(args)) => objects::create(&args),
        BcdCommand::Copy(Deferred(args)) => objects::copy(&args),
        BcdCommand::Delete(Deferred(args)) => objects::delete(&args),
        BcdCommand::DisplayOrder(Deferred(args)) => objects::order(&args, OrderList::Display),
        BcdCommand::ToolsDisplayOrder(Deferred(args)) => objects::order(&args, OrderList::Tools),
        BcdCommand::BootSequence(Deferred(args)) => objects::order(&args, OrderList::BootSequence),
        BcdCommand::Default(Deferred(args)) => objects::manager(&args, "default", "ENTRY"),
        BcdCommand::Timeout(Deferred(args)) => objects::manager(&args, "timeout", "SECONDS"),
        BcdCommand::Export(Deferred(args)) => export::run(&args),
        BcdCommand::Retarget(Deferred(args)) => objects::retarget(&args),
    }
}

/// Edits a loose store and records what differs afterwards. `edit` returns false when it was already so.
fn edit_loose(
    file: &Path,
    write: &WriteArgs,
    edit: impl FnOnce(&mut Hive, u64) -> Result<bool, BcdError>,
) -> Result<Report> {
    let now = clock::loose_time(write)?;
    let mut store = LooseHive::open(file, Some(MOUNT), write)?;
    let doing = || format!("cannot edit {}", file.display());
    let (hive, ledger) = store.parts();
    let before = bcd::objects(hive).doing(doing)?;
    let changes = if edit(hive, now).doing(doing)? {
        bcd::changes(&before, &bcd::objects(hive).doing(doing)?)
    } else {
        Vec::new()
    };
    if changes.is_empty() {
        ledger.record(None);
    }
    for change in changes {
        ledger.expect(fact(&change));
        ledger.record(Some(told(&change, change.object())));
    }
    store.finish(now)
}

/// A change as the report tells it, of an object by that name.
pub(super) fn told(change: &StoreChange, object: &str) -> Change {
    match change {
        StoreChange::Object { heading, is_there, .. } => Change {
            kind: "bcd-object",
            target: object.to_owned(),
            before: (!is_there).then(|| heading.clone()),
            after: is_there.then(|| heading.clone()),
        },
        StoreChange::Element { before, after, .. } => {
            let name = after.as_ref().or(before.as_ref()).map(|element| element.name.clone());
            Change {
                kind: "bcd-element",
                target: format!("{object} {}", name.unwrap_or_default()),
                before: before.as_deref().map(one_line),
                after: after.as_deref().map(one_line),
            }
        }
    }
}

/// What an independent reader should find in the store after a change.
fn fact(change: &StoreChange) -> HiveFact {
    match change {
        StoreChange::Object { object, is_there, .. } => {
            let key = format!("Objects\\{object}");
            if *is_there { HiveFact::KeyExists { key } } else { HiveFact::KeyAbsent { key } }
        }
        StoreChange::Element { object, before, after } => {
            let id = after.as_ref().or(before.as_ref()).map_or(0, |element| element.id);
            let key = format!("Objects\\{object}\\Elements\\{id:08x}");
            match after.as_deref().map(Element::encode) {
                Some((kind, data)) => {
                    let name = "Element".to_owned();
                    HiveFact::Value { key, name, kind: type_number(kind), data }
                }
                None => HiveFact::KeyAbsent { key },
            }
        }
    }
}
