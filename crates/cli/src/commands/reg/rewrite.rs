//! `winkiln reg compact` and `winkiln reg repair`.

use std::ffi::OsString;
use std::path::Path;

use serde::Serialize;
use winkiln_bake::{Report, Session, Step};
use winkiln_guest::{HiveFile, Location, Rewrite};

use crate::args::reg::RewriteArgs;
use crate::args::{Target, split_target, text};
use crate::clock;
use crate::error::{CliError, Doing as _, Result};
use crate::loose_hive::rewrite::{self, Rewritten};
use crate::output::Output;
use crate::render::report::kept;
use crate::render::rewrite::{LostJson, lost, lost_lines};
use crate::render::text::size;
use crate::session;

/// `--json` of both.
#[derive(Debug, Serialize)]
struct RewriteJson<'a> {
    #[serde(flatten)]
    report: &'a Report,
    bytes_before: u64,
    bytes_after: u64,
    lost: Vec<LostJson>,
}

/// Writes a hive anew.
pub(super) fn compact(args: &RewriteArgs) -> Result<()> {
    run(args, Rewrite::Compact)
}

/// Writes a damaged hive anew with what can be read.
pub(super) fn repair(args: &RewriteArgs) -> Result<()> {
    run(args, Rewrite::Repair)
}

fn run(args: &RewriteArgs, why: Rewrite) -> Result<()> {
    let names: &[&str] = if args.hive.is_some() { &[] } else { &["HIVE"] };
    let (target, rest) = split_target(args.hive.as_ref(), &args.positional(), names, 0)?;
    match &target {
        Target::Loose(file) => {
            let now = clock::loose_time(&args.write)?;
            if args.write.undo.is_some() {
                return Err(CliError::usage(
                    "--undo is for edits in place; the file is written anew",
                )
                .hint("keep a copy of the file"));
            }
            let done = rewrite::rewrite(file, why, now, args.write.dry_run)?;
            tell(args, &done, &file.display().to_string())
        }
        Target::Image(image) => in_image(args, image, &rest, why),
    }
}

fn in_image(args: &RewriteArgs, image: &Path, rest: &[OsString], why: Rewrite) -> Result<()> {
    let name = text(&rest[0], "HIVE")?;
    let mut session = session::open(image, &args.open, &args.write)?;
    let file = file_of(&mut session, &name)?;
    let verb = match why {
        Rewrite::Compact => "compact",
        Rewrite::Repair => "repair",
    };
    let step = Step::RewriteHive { file, why };
    session.apply(&step).doing(|| format!("cannot {verb} {name} in {}", image.display()))?;
    let plan = session.rewritten().last().cloned();
    let plan = plan.ok_or_else(|| CliError::fault("no hive was written anew".to_owned()))?;
    let report = session::finish(session, image, Output::new(&args.output.common()))?;
    let before = plan.before.len() as u64;
    let after = plan.after.map_or(before, |after| after.len() as u64);
    let done = Rewritten { report, before, after, losses: plan.losses };
    tell(args, &done, &name)
}

/// The file of a hive that is given by its key or by its path.
fn file_of(session: &mut Session, name: &str) -> Result<HiveFile> {
    match Location::parse(name) {
        Ok(Location { path, .. }) if !path.is_empty() => {
            Err(CliError::usage(format!("{name} is a key inside a hive"))
                .hint(r"name the hive, such as HKLM\SOFTWARE"))
        }
        Ok(Location { hive, .. }) => {
            let (registry, disk) = session.registry()?;
            Ok(registry.file(disk, &hive)?)
        }
        Err(_) if name.starts_with('\\') => {
            Ok(HiveFile { volume: session.file_volume()?, path: name.to_owned() })
        }
        Err(error) => Err(error.into()),
    }
}

fn tell(args: &RewriteArgs, done: &Rewritten, name: &str) -> Result<()> {
    let output = Output::new(&args.output.common());
    output.warnings(&done.report);
    let json = RewriteJson {
        report: &done.report,
        bytes_before: done.before,
        bytes_after: done.after,
        lost: lost(&done.losses),
    };
    output.outcome(&json, || {
        let mut text: String = lost_lines(&done.losses).map(|line| line + "\n").collect();
        let (before, after) = (size(done.before), size(done.after));
        let verb = match (done.report.committed, done.report.changes.is_empty()) {
            (true, _) => "wrote",
            (false, false) => "would write",
            (false, true) => "nothing to do for",
        };
        text.push_str(&format!("{verb} {name} ({before} before, {after} after)\n"));
        text.push_str(&kept(&done.report));
        text
    })
}
