//! `winkiln recover`.

use serde::Serialize;
use winkiln_disk::Image;
use winkiln_disk::image::Recovery;

use crate::args::RecoverArgs;
use crate::error::{Doing as _, Result};
use crate::output::Output;
use crate::session;
use crate::signals;

#[derive(Debug, Serialize)]
struct RecoverJson {
    recovery: Option<&'static str>,
    dry_run: bool,
}

/// Finishes or discards an interrupted commit, which opening for writing does.
pub(crate) fn run(args: &RecoverArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let mut options = session::open_options(&args.with.open);
    options.writable = !args.dry_run;
    options.interrupt = signals::interrupt();
    let image = Image::open(&args.image, &options)
        .doing(|| format!("cannot recover {}", args.image.display()))?;
    let (word, text) = match (image.recovery(), args.dry_run) {
        (None, _) => (None, "no commit was interrupted; nothing to do"),
        (Some(Recovery::Finished), false) => {
            (Some("finished"), "finished the interrupted commit: the image holds all of it")
        }
        (Some(Recovery::Discarded), false) => {
            (Some("discarded"), "discarded an incomplete commit: the image is as it was before")
        }
        (Some(Recovery::Finished), true) => {
            (Some("finished"), "a commit was interrupted and can be finished; nothing written")
        }
        (Some(Recovery::Discarded), true) => {
            (Some("discarded"), "an incomplete commit can be discarded; nothing written")
        }
    };
    drop(image);
    let json = RecoverJson { recovery: word, dry_run: args.dry_run };
    output.outcome(&json, || format!("{}: {text}\n", args.image.display()))
}
