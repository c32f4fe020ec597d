//! `winkiln reg`.

mod add;
mod delete;
mod diff;
mod export;
mod import;
mod query;
mod rewrite;
mod security;
mod transfer;

pub(crate) use diff::{Compared, compare_images};

use std::path::Path;

use winkiln_bake::{Session, Step};
use winkiln_guest::Location;
use winkiln_hive::reg_text::{RegAction, RegOperation};
use winkiln_hive::{Hive, KeyId};

use crate::args::Deferred;
use crate::args::reg::RegCommand;
use crate::error::{CliError, Doing as _, Result};
use crate::loose_hive::LooseHive;

/// Runs a registry command.
pub(super) fn run(command: RegCommand) -> Result<()> {
    match command {
        RegCommand::Query(Deferred(args)) => query::run(&args),
        RegCommand::Add(Deferred(args)) => add::run(&args),
        RegCommand::Delete(Deferred(args)) => delete::run(&args),
        RegCommand::Import(Deferred(args)) => import::run(&args),
        RegCommand::Export(Deferred(args)) => export::run(&args),
        RegCommand::Copy(Deferred(args)) => transfer::copy(&args),
        RegCommand::Rename(Deferred(args)) => transfer::rename(&args),
        RegCommand::Security(Deferred(args)) => security::run(&args),
        RegCommand::Diff(Deferred(args)) => diff::run(&args),
        RegCommand::Compact(Deferred(args)) => rewrite::compact(&args),
        RegCommand::Repair(Deferred(args)) => rewrite::repair(&args),
    }
}

/// Calls `read` with the hive that holds `key`, and the key's place in it when it exists. With `open_link`, a symbolic link is
/// itself that key.
fn with_key<T>(
    session: &mut Session,
    image: &Path,
    (key, open_link): (&str, bool),
    read: impl FnOnce(&Hive, Option<KeyId>) -> Result<T>,
) -> Result<T> {
    let doing = || format!("cannot read {key} in {}", image.display());
    let (registry, disk) = session.registry().doing(doing)?;
    let place =
        if open_link { registry.locate_link(disk, key) } else { registry.locate(disk, key) };
    let Location { hive, path } = place.doing(doing)?;
    let hive = registry.hive(disk, &hive).doing(doing)?;
    let found = hive.find(hive.root(), &path).doing(doing)?;
    read(hive, found)
}

/// The error for a key that is not there.
fn no_such_key(key: &str) -> CliError {
    CliError::failed(format!("no such key: {key}"))
}

/// The error for a value that is not there.
fn no_such_value(key: &str, name: &str) -> CliError {
    let name = if name.is_empty() { "(Default)" } else { name };
    CliError::failed(format!("no such value: {key}\\{name}"))
}

/// A step, or the same in every control set.
fn in_sets(step: Step, all_control_sets: bool) -> Step {
    if all_control_sets { Step::InAllControlSets(Box::new(step)) } else { step }
}

/// A step, or the same on a symbolic link itself.
fn on_link(step: Step, open_link: bool) -> Step {
    if open_link { Step::OnLink(Box::new(step)) } else { step }
}

/// Edits one key of a loose hive.
fn edit_loose(
    hive: &mut LooseHive,
    file: &Path,
    key: &str,
    action: RegAction,
    all_control_sets: bool,
    now: u64,
) -> Result<()> {
    let operation = RegOperation { line: 0, key: key.into(), action };
    hive.carry_out(&operation, all_control_sets, now)
        .doing(|| format!("cannot edit {key} in {}", file.display()))
}
