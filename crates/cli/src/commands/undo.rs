//! `winkiln undo`.

use serde::Serialize;
use winkiln_disk::{OpenOptions, UndoFile, UndoOptions};

use crate::args::UndoArgs;
use crate::error::{Doing as _, Result};
use crate::output::Output;
use crate::render::text::size;
use crate::signals;

#[derive(Debug, Serialize)]
struct UndoJson {
    image: String,
    /// `undone`, `already`, or with `--dry-run` `possible`.
    state: &'static str,
    dry_run: bool,
    /// Bytes of the image file that were put back.
    bytes: u64,
}

/// Puts back what a commit overwrote.
pub(crate) fn run(args: &UndoArgs) -> Result<()> {
    let output = Output::new(&args.output);
    let doing = || format!("cannot undo {}", args.file.display());
    let file = UndoFile::open(&args.file).doing(doing)?;
    let image = args.image.as_deref().unwrap_or(file.image());
    let options = UndoOptions {
        open: OpenOptions {
            writable: !args.dry_run,
            journal_dir: args.journal_dir.clone(),
            interrupt: signals::interrupt(),
            ..OpenOptions::default()
        },
        ignore_date: args.ignore_date,
    };
    let done = file.undo(image, &options).doing(doing)?;
    let bytes = size(done.bytes);
    let (state, text) = if done.already {
        ("already", "the image is as it was before that commit; nothing to do".to_owned())
    } else if done.undone {
        ("undone", format!("put {bytes} back: the image is as it was before that commit"))
    } else {
        ("possible", format!("{bytes} can be put back; nothing written"))
    };
    let json = UndoJson {
        image: image.display().to_string(),
        state,
        dry_run: args.dry_run,
        bytes: if done.already { 0 } else { done.bytes },
    };
    output.outcome(&json, || format!("{}: {text}\n", image.display()))
}
