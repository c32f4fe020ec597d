//! `winkiln nvram`.

use std::path::Path;

use winkiln_boot::nvram::NvramStore;
use winkiln_disk::{Device as _, Image, OpenOptions, Transaction};
use winkiln_guest::efi_entry;

use crate::args::nvram::{NvramAddArgs, NvramCommand, NvramListArgs};
use crate::error::{CliError, Doing as _, Result};
use crate::output::Output;
use crate::render::nvram as render;
use crate::session;

/// Bytes of a file of variables: those of OVMF have half a million, those for Arm machines 64 MiB.
const SIZE_MAX: u64 = 128 << 20;

/// Runs a command on firmware variables.
pub(super) fn run(command: NvramCommand) -> Result<()> {
    match command {
        NvramCommand::List(args) => list(&args),
        NvramCommand::Add(args) => add(&args),
    }
}

fn list(args: &NvramListArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let options = session::open_options(&args.with.open);
    let (_, store) = open(&args.vars, &OpenOptions { writable: false, ..options })?;
    output.data(&render::document(&args.vars, &store), || render::text(&store))
}

fn add(args: &NvramAddArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let doing = || format!("cannot read the boot configuration of {}", args.image.display());
    let mut session = session::open_read_only(&args.image, &args.with.open, output)?;
    let windows = session.windows().doing(doing)?;
    let entry = efi_entry(session.disk(), &windows, &args.description).ok_or_else(|| {
        CliError::failed(format!(
            "no UEFI starts the Windows of {}: it has no boot configuration beside a boot manager on an EFI system partition",
            args.image.display()
        ))
    })?;
    drop(session);
    let options =
        OpenOptions { writable: !args.dry_run, undo: args.undo.clone(), ..OpenOptions::default() };
    let (transaction, mut store) = open(&args.vars, &options)?;
    let editing = || format!("cannot edit {}", args.vars.display());
    let before = store.clone();
    let added = store.add_boot_entry(&entry).doing(editing)?;
    write(&transaction, &before, &store).doing(editing)?;
    // What a reader will find, read back out of what is about to be committed.
    let again = read(&transaction).doing(editing)?;
    let is_first = again.boot_order().first() == Some(&added.number);
    let found = again.boot_entries().remove(&added.number);
    let leads_there = found.is_some_and(|found| found.leads_where(&entry));
    if !is_first || !leads_there {
        return Err(CliError::fault(format!(
            "{}: the new entry is not read back",
            args.vars.display()
        )));
    }
    let committed = added.changed && !args.dry_run;
    if committed {
        transaction.commit().doing(|| format!("cannot commit to {}", args.vars.display()))?;
    }
    let done = render::Added { vars: &args.vars, entry: &entry, added, committed, store: &again };
    output.outcome(&done.document(), || done.text())
}

fn open(path: &Path, options: &OpenOptions) -> Result<(Transaction, NvramStore)> {
    let doing = || format!("cannot open {}", path.display());
    let transaction = Transaction::begin(Image::open(path, options).doing(doing)?);
    let store = read(&transaction).doing(doing)?;
    Ok((transaction, store))
}

fn read(transaction: &Transaction) -> Result<NvramStore> {
    let length = transaction.len();
    let length = usize::try_from(length).ok().filter(|_| length <= SIZE_MAX);
    let Some(length) = length else {
        return Err(CliError::failed("it is larger than any file of firmware variables"));
    };
    let mut bytes = vec![0; length];
    transaction.read_at(0, &mut bytes)?;
    Ok(NvramStore::open(bytes)?)
}

/// Writes what differs.
fn write(transaction: &Transaction, before: &NvramStore, after: &NvramStore) -> Result<()> {
    const PIECE: usize = 512;
    let pieces = before.bytes().chunks(PIECE).zip(after.bytes().chunks(PIECE));
    for (number, (old, new)) in pieces.enumerate() {
        if old != new {
            transaction.write_at((number * PIECE) as u64, new)?;
        }
    }
    Ok(())
}
