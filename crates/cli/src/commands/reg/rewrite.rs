//! `winkiln reg compact` and `winkiln reg repair`.

use serde::Serialize;

use crate::args::reg::RewriteArgs;
use crate::clock;
use crate::error::Result;
use crate::loose_hive::{Rewritten, rewrite};
use crate::output::Output;
use crate::render::text::{printable, size};

/// `--json` of both.
#[derive(Debug, Serialize)]
struct RewriteJson {
    committed: bool,
    bytes_before: u64,
    bytes_after: u64,
    lost: Vec<LostJson>,
}

#[derive(Debug, Serialize)]
struct LostJson {
    key: String,
    offset: u64,
    what: String,
}

/// Writes a hive anew.
pub(super) fn compact(args: &RewriteArgs) -> Result<()> {
    let now = clock::file_time(args.write.time)?;
    tell(args, &rewrite::compact(&args.hive, now, args.write.dry_run)?)
}

/// Writes a damaged hive anew with what can be read.
pub(super) fn repair(args: &RewriteArgs) -> Result<()> {
    let now = clock::file_time(args.write.time)?;
    tell(args, &rewrite::repair(&args.hive, now, args.write.dry_run)?)
}

fn tell(args: &RewriteArgs, done: &Rewritten) -> Result<()> {
    let output = Output::new(&args.output.common());
    for warning in &done.warnings {
        output.warn(warning);
    }
    let lost = done.losses.iter().map(|loss| LostJson {
        key: format!("\\{}", loss.key),
        offset: loss.offset,
        what: loss.text.clone(),
    });
    let json = RewriteJson {
        committed: done.committed,
        bytes_before: done.before,
        bytes_after: done.after,
        lost: lost.collect(),
    };
    output.outcome(&json, || {
        let mut text = String::new();
        for loss in &json.lost {
            let key = printable(&loss.key);
            text.push_str(&format!(
                "lost at {:#x}: {key}: {}\n",
                loss.offset,
                printable(&loss.what)
            ));
        }
        let (before, after) = (size(done.before), size(done.after));
        let verb = match (done.committed, args.write.dry_run) {
            (true, _) => "wrote",
            (false, true) => "would write",
            (false, false) => "nothing to do for",
        };
        text.push_str(&format!(
            "{verb} {} ({before} before, {after} after)\n",
            args.hive.display()
        ));
        text
    })
}
