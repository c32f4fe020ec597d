//! `winkiln nvram`.

use std::path::Path;

use winkiln_boot::nvram::{NvramError, NvramStore};
use winkiln_disk::{Device as _, Image, OpenOptions, Transaction};
use winkiln_guest::efi_entry;

use crate::args::Deferred;
use crate::args::nvram::{
    CommitArgs, NvramAddArgs, NvramCommand, NvramEntryArgs, NvramListArgs, NvramOrderArgs,
    NvramRenameArgs,
};
use crate::error::{CliError, Doing as _, Result};
use crate::output::Output;
use crate::render::nvram as render;
use crate::session;
use crate::signals;

/// Bytes of a file of variables: those of OVMF have half a million, those for Arm machines 64 MiB.
const SIZE_MAX: u64 = 128 << 20;

/// Runs a command on firmware variables.
pub(super) fn run(command: NvramCommand) -> Result<()> {
    match command {
        NvramCommand::List(Deferred(args)) => list(&args),
        NvramCommand::Add(Deferred(args)) => add(&args),
        NvramCommand::Delete(Deferred(args)) => delete(&args),
        NvramCommand::Order(Deferred(args)) => order(&args),
        NvramCommand::Rename(Deferred(args)) => rename(&args),
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
    let mut added = None;
    let edited = edit(&args.vars, &args.commit, |store| {
        let done = store.add_boot_entry(&entry)?;
        added = Some(done.number);
        Ok(done.changed)
    })?;
    let found = added.and_then(|number| edited.store.boot_entries().remove(&number));
    let is_first = edited.store.boot_order().first().copied() == added;
    let leads_there = found.is_some_and(|found| found.leads_where(&entry));
    let (Some(number), true, true) = (added, is_first, leads_there) else {
        return Err(not_read_back(&args.vars));
    };
    let edited = Done { is_added: true, ..edited.commit()? };
    let what = [("is first now", "would be first"), ("was first already", "was first already")];
    edited.shown(output, Some(number), what, &entry.description)
}

fn delete(args: &NvramEntryArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let mut gone = None;
    let edited = edit(&args.vars, &args.commit, |store| {
        gone = store.boot_entries().remove(&args.entry);
        store.delete_boot_entry(args.entry).map(|()| true)
    })?;
    let is_named = edited.store.boot_order().contains(&args.entry);
    if is_named || edited.store.boot_entries().contains_key(&args.entry) {
        return Err(not_read_back(&args.vars));
    }
    let name = gone.map(|entry| entry.description).unwrap_or_default();
    let what = [("is deleted", "would be deleted"); 2];
    edited.commit()?.shown(output, Some(args.entry), what, &name)
}

fn order(args: &NvramOrderArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let edited = edit(&args.vars, &args.commit, |store| store.put_first(&args.entries))?;
    let first = args.entries.first().copied();
    if edited.store.boot_order().first().copied() != first {
        return Err(not_read_back(&args.vars));
    }
    let entry = first.and_then(|number| edited.store.boot_entries().remove(&number));
    let name = entry.map(|entry| entry.description).unwrap_or_default();
    let what = [("is first now", "would be first"), ("was first already", "was first already")];
    edited.commit()?.shown(output, first, what, &name)
}

fn rename(args: &NvramRenameArgs) -> Result<()> {
    let output = Output::new(&args.of.with.output);
    let NvramEntryArgs { vars, entry, commit, .. } = &args.of;
    let edited = edit(vars, commit, |store| store.rename_boot_entry(*entry, &args.description))?;
    let found = edited.store.boot_entries().remove(entry);
    if found.is_none_or(|found| found.description != args.description) {
        return Err(not_read_back(vars));
    }
    let what = [("is now", "would be"), ("was already", "was already")];
    edited.commit()?.shown(output, Some(*entry), what, &args.description)
}

/// An edit that is not committed yet.
struct Edited<'a> {
    vars: &'a Path,
    transaction: Transaction,
    /// As it is read back out of what is about to be committed.
    store: NvramStore,
    changed: bool,
    dry_run: bool,
}

/// What became of an edit.
struct Done<'a> {
    vars: &'a Path,
    store: NvramStore,
    is_added: bool,
    changed: bool,
    committed: bool,
}

fn edit<'a>(
    vars: &'a Path,
    args: &CommitArgs,
    change: impl FnOnce(&mut NvramStore) -> std::result::Result<bool, NvramError>,
) -> Result<Edited<'a>> {
    let options = OpenOptions {
        writable: !args.dry_run,
        undo: args.undo.clone(),
        interrupt: signals::interrupt(),
        ..OpenOptions::default()
    };
    let (transaction, mut store) = open(vars, &options)?;
    let doing = || format!("cannot edit {}", vars.display());
    let before = store.clone();
    let changed = change(&mut store).doing(doing)?;
    write(&transaction, &before, &store).doing(doing)?;
    let store = read(&transaction).doing(doing)?;
    Ok(Edited { vars, transaction, store, changed, dry_run: args.dry_run })
}

fn not_read_back(vars: &Path) -> CliError {
    CliError::fault(format!("{}: what was written is not read back", vars.display()))
}

impl<'a> Edited<'a> {
    fn commit(self) -> Result<Done<'a>> {
        let Self { vars, transaction, store, changed, dry_run } = self;
        let committed = changed && !dry_run;
        if committed {
            transaction.commit().doing(|| format!("cannot commit to {}", vars.display()))?;
        }
        Ok(Done { vars, store, is_added: false, changed, committed })
    }
}

impl Done<'_> {
    /// `what` says what is so now and what would be; then the same of an edit that changed nothing.
    fn shown(
        &self,
        output: Output,
        entry: Option<u16>,
        what: [(&'static str, &'static str); 2],
        description: &str,
    ) -> Result<()> {
        let [changed, unchanged] = what;
        let (done, would) = if self.changed { changed } else { unchanged };
        let what = if self.committed { done } else { would };
        let edited = render::Edited {
            vars: self.vars,
            store: &self.store,
            entry,
            is_added: self.is_added,
            changed: self.changed,
            committed: self.committed,
        };
        output.outcome(&edited.document(), || edited.text(what, description))
    }
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
