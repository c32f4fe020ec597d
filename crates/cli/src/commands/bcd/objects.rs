//! `winkiln bcd create`, `copy`, `delete`, `displayorder` and its like, `default`, `timeout` and `retarget`.

use std::fs::File;
use std::io::Read as _;

use winkiln_bake::{Report, Step, edit_store_step};
use winkiln_boot::bcd::{self, OrderList};

use super::edit_loose;
use crate::args::boot_objects::{
    CopyArgs, CreateArgs, DeleteArgs, FirmwareArg, OrderArgs, StoreEditArgs,
};
use crate::args::{EditArgs, Target, split_target, text};
use crate::error::{CliError, Result};
use crate::output::Output;
use crate::session;

/// More entries than any list holds.
const ENTRIES_MAX: usize = 256;
const RANDOM: &str = "/dev/urandom";

/// Makes an entry, or without one named, the whole store.
pub(super) fn create(args: &CreateArgs) -> Result<()> {
    let (target, rest) = target(&args.edit, &["OBJECT"], 1)?;
    let asked = match (&args.application, &args.inherit, args.device) {
        (Some(kind), ..) => Some(kind.clone()),
        (_, Some(kind), _) => Some(format!("inherit {kind}")),
        (_, _, true) => Some("device".to_owned()),
        _ => None,
    };
    if rest.is_empty() && asked.is_none() {
        if let Target::Loose(_) = target {
            return Err(CliError::usage(
                "a whole store is made for an image; with --store, name what to make in it",
            ));
        }
        if args.description.is_some() {
            return Err(CliError::usage(
                "--description is for an entry; the whole store names Windows as Windows does",
            ));
        }
        let efi = args.firmware.map(|firmware| firmware == FirmwareArg::Uefi);
        let guids = Some((new_guid()?, new_guid()?));
        return carry_out(&args.edit.with, &target, &Step::BcdCreateStore { efi, guids });
    }
    if args.firmware.is_some() {
        return Err(CliError::usage("--firmware is for a whole store, not for an entry"));
    }
    let object = match rest.first() {
        Some(object) => object.clone(),
        None => new_guid()?,
    };
    let kind = match &asked {
        Some(words) => bcd::kind_named(words)
            .ok_or_else(|| CliError::usage(format!("{words} is no type of an entry")))?,
        None => bcd::kind_of_alias(&object).ok_or_else(|| {
            CliError::usage(format!("{object} is no well-known object; say what it is"))
                .hint("--application osloader, --inherit or --device")
        })?,
    };
    let description = args.description.clone();
    carry_out(&args.edit.with, &target, &Step::BcdCreate { object, kind, description })
}

/// Copies an entry.
pub(super) fn copy(args: &CopyArgs) -> Result<()> {
    let (target, mut rest) = target(&args.edit, &["OBJECT"], 0)?;
    let (object, guid) = (rest.remove(0), new_guid()?);
    let description = Some(args.description.clone());
    carry_out(&args.edit.with, &target, &Step::BcdCopy { object, guid, description })
}

/// Deletes an entry.
pub(super) fn delete(args: &DeleteArgs) -> Result<()> {
    let (target, mut rest) = target(&args.edit, &["OBJECT"], 0)?;
    let (object, cleanup) = (rest.remove(0), !args.nocleanup);
    carry_out(&args.edit.with, &target, &Step::BcdDeleteObject { object, cleanup })
}

/// Changes a list of entries.
pub(super) fn order(args: &OrderArgs, list: OrderList) -> Result<()> {
    let (target, entries) = target(&args.edit, &["ENTRY"; ENTRIES_MAX], ENTRIES_MAX - 1)?;
    carry_out(&args.edit.with, &target, &Step::BcdOrder { list, edit: args.order_edit(), entries })
}

/// Sets an element of the boot manager.
pub(super) fn manager(args: &StoreEditArgs, element: &str, name: &'static str) -> Result<()> {
    let (target, mut rest) = target(args, &[name], 0)?;
    let (object, element) = ("{bootmgr}".to_owned(), element.to_owned());
    carry_out(&args.with, &target, &Step::BcdSet { object, element, value: rest.remove(0) })
}

/// Points devices at the partitions of the image that they meant.
pub(super) fn retarget(args: &StoreEditArgs) -> Result<()> {
    let (target, _) = target(args, &[], 0)?;
    if let Target::Loose(_) = target {
        return Err(CliError::usage("only an image tells what devices mean; --store does not"));
    }
    carry_out(&args.with, &target, &Step::BcdRetarget)
}

fn target(args: &StoreEditArgs, names: &[&str], optional: usize) -> Result<(Target, Vec<String>)> {
    let (target, rest) =
        split_target(args.store.store.as_ref(), &args.positional, names, optional)?;
    let rest = rest.iter().zip(names).map(|(argument, name)| text(argument, name));
    Ok((target, rest.collect::<Result<_>>()?))
}

/// Carries out one step on the store of an image, or on a loose one.
pub(super) fn carry_out(with: &EditArgs, target: &Target, step: &Step) -> Result<()> {
    let output = Output::new(&with.output);
    let report: Report = match target {
        Target::Image(image) => {
            let session = session::open(image, &with.open, &with.write)?;
            session::bake(session, std::slice::from_ref(step), image, output)?
        }
        Target::Loose(file) => {
            edit_loose(file, &with.write, |store, now| edit_store_step(store, step, now))?
        }
    };
    output.report(&report, None)
}

/// A random GUID.
fn new_guid() -> Result<String> {
    let mut bytes = [0; 16];
    File::open(RANDOM)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|error| CliError::host(format!("cannot read {RANDOM}"), &error))?;
    Ok(bcd::new_guid(bytes))
}
