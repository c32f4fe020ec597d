//! `winkiln reg import`.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use winkiln_bake::reg_steps;
use winkiln_hive::reg_text::{self, Encoding, Operations, RegAction, RegOperation, code_page};

use super::in_sets;
use crate::args::reg::ImportArgs;
use crate::args::{Target, split_target};
use crate::clock;
use crate::error::{CliError, Doing as _, Result};
use crate::loose_hive::LooseHive;
use crate::output::Output;
use crate::session;

/// Operations that are handed over at once, fewer when they have so many bytes, and how often before the reader waits.
const BATCH: usize = 1024;
const BATCH_BYTES: usize = 256 << 10;
const BATCHES: usize = 2;

/// A .reg file of a whole SOFTWARE hive is a tenth of that.
const REG_BYTES_MAX: u64 = 1 << 30;

/// Imports a .reg file.
pub(super) fn run(args: &ImportArgs) -> Result<()> {
    let output = Output::new(&args.with.output.common());
    let (target, rest) =
        split_target(args.with.hive.hive.as_ref(), &args.positional(), &["FILE.reg"], 0)?;
    let source = PathBuf::from(&rest[0]);
    let code_page = match &args.encoding {
        None => code_page("CP1252"),
        Some(name) => code_page(name),
    };
    let Some(code_page) = code_page else {
        let name = args.encoding.as_deref().unwrap_or_default();
        return Err(CliError::usage(format!("--encoding {name} is not a code page that is known"))
            .hint("such as CP1250 to CP1258, CP866, CP932, CP936, CP949, CP950, UTF-8"));
    };
    let doing = || format!("cannot read {}", source.display());
    let operations = operations(&source, code_page)?;
    let report = match &target {
        Target::Image(image) => {
            let mut session = session::open(image, &args.with.open, &args.with.write)?;
            if let Some(provenance) =
                session.provenance.as_mut().filter(|_| source != Path::new("-"))
            {
                provenance.add_input("reg-file", &source, None)?;
            }
            let steps = reg_steps::steps(operations).doing(doing)?;
            let steps = steps.into_iter().map(|step| in_sets(step, args.all_control_sets));
            session::bake(session, steps, image, output)?
        }
        Target::Loose(file) => {
            let now = clock::loose_time(&args.with.write)?;
            let hive = LooseHive::open(file, args.with.hive.mount.as_deref(), &args.with.write)?;
            let mut hive = hive.with_changes_told(output.changes_told());
            ahead(operations, own_bytes, |operations| {
                hive.import(operations, args.all_control_sets, now)
            })
            .doing(|| format!("cannot import {}", source.display()))?;
            hive.finish(now)?
        }
    };
    output.report(&report, None)
}

/// Bytes that an operation holds beside those before it.
fn own_bytes<E>(operation: &std::result::Result<RegOperation, E>) -> usize {
    let Ok(operation) = operation else { return 0 };
    match &operation.action {
        // Values share the name of their key.
        RegAction::CreateKey | RegAction::DeleteKey => operation.key.len(),
        RegAction::SetValue { name, data, .. } => name.len() + data.len(),
        RegAction::DeleteValue { name } => name.len(),
    }
}

/// Gives `take` what a thread of its own reads meanwhile.
fn ahead<T: Send, R>(
    items: impl Iterator<Item = T> + Send,
    bytes: fn(&T) -> usize,
    take: impl FnOnce(&mut dyn Iterator<Item = T>) -> R,
) -> R {
    let (sender, receiver) = mpsc::sync_channel::<Vec<T>>(BATCHES);
    thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut items = items.fuse();
            loop {
                let (mut batch, mut held) = (Vec::new(), 0);
                while batch.len() < BATCH && held < BATCH_BYTES {
                    let Some(item) = items.next() else { break };
                    held += bytes(&item);
                    batch.push(item);
                }
                if batch.is_empty() || sender.send(batch).is_err() {
                    return;
                }
            }
        });
        let taken = take(&mut receiver.into_iter().flatten());
        // What broke there is not that the items came to an end.
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        taken
    })
}

/// Begins to read a file. What comes through a pipe is read first, since the text is looked at twice.
fn operations(source: &Path, code_page: &'static Encoding) -> Result<Operations<'static>> {
    let doing = || format!("cannot read {}", source.display());
    let failed = |error: io::Error| CliError::host(doing(), &error);
    let too_long = || CliError::failed(format!("{} is too long for a .reg file", source.display()));
    let stream: Box<dyn io::Read> = if source.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(source).map_err(failed)?;
        let facts = file.metadata().map_err(failed)?;
        if facts.is_file() && facts.len() > REG_BYTES_MAX {
            return Err(too_long());
        }
        if facts.is_file() {
            return reg_text::operations(file, code_page).doing(doing);
        }
        Box::new(file)
    };
    let mut bytes = Vec::new();
    stream.take(REG_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > REG_BYTES_MAX {
        return Err(too_long());
    }
    reg_text::operations(io::Cursor::new(bytes), code_page).doing(doing)
}
