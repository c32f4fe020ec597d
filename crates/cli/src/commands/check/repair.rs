//! Damaged hives written anew, all of an image in one transaction.

use std::path::Path;

use winkiln_bake::Step;
use winkiln_guest::{HiveFile, Rewrite};

use crate::args::check::CheckArgs;
use crate::args::{ShortNamesArg, WriteArgs};
use crate::clock;
use crate::error::{CliError, Result};
use crate::loose_hive::rewrite;
use crate::output::Output;
use crate::render::check::{Checked, CheckedVolume};
use crate::render::rewrite::RepairedHive;
use crate::session;

/// Repairs the damaged hives of an image. One that cannot be repaired stays as it is, as does what lies on a volume that is
/// damaged itself.
pub(super) fn in_image(
    image: &Path,
    args: &CheckArgs,
    checked: &Checked,
    output: Output,
) -> Result<Vec<RepairedHive>> {
    let write = WriteArgs {
        dry_run: args.dry_run,
        time: args.time,
        undo: args.undo.clone(),
        short_names: ShortNamesArg::Guest,
        ..WriteArgs::default()
    };
    let now = clock::file_time(args.time)?;
    let mut session = session::open(image, &args.open, &write)?;
    let mut steps = Vec::new();
    let mut repaired = Vec::new();
    for volume in &checked.volumes {
        for path in volume.damaged_hives() {
            let number = volume.number.unwrap_or_default();
            let file = HiveFile { volume: number, path: path.clone() };
            if volume.is_damaged_itself() {
                let why = "its volume has problems of its own, so nothing is written to it";
                repaired.push(left_alone(volume, path, why.to_owned()));
                continue;
            }
            match session.disk().plan_rewrite(&file, Rewrite::Repair, now) {
                Ok(plan) => {
                    let before = plan.before.len() as u64;
                    repaired.push(RepairedHive {
                        bytes_before: before,
                        bytes_after: plan.after.map_or(before, |after| after.len() as u64),
                        losses: plan.losses,
                        notes: plan.note.into_iter().collect(),
                        ..left_alone(volume, path, String::new())
                    });
                    steps.push(Step::RewriteHive { file, why: Rewrite::Repair });
                }
                Err(error) => {
                    repaired.push(left_alone(volume, path, CliError::from(error).one_line()));
                }
            }
        }
    }
    if !steps.is_empty() {
        let report = session::bake(session, &steps, image, output)?;
        for hive in &mut repaired {
            hive.failure = hive.failure.take().filter(|why| !why.is_empty());
            hive.committed = report.committed && hive.failure.is_none();
        }
    }
    Ok(repaired)
}

/// Repairs a loose hive.
pub(super) fn loose(path: &Path, args: &CheckArgs, checked: &Checked) -> Result<Vec<RepairedHive>> {
    let now = clock::file_time(args.time)?;
    let Some(volume) = checked.volumes.first() else { return Ok(Vec::new()) };
    let shown = path.display().to_string();
    Ok(vec![match rewrite::rewrite(path, Rewrite::Repair, now, args.dry_run) {
        Ok(done) => RepairedHive {
            committed: done.report.committed,
            bytes_before: done.before,
            bytes_after: done.after,
            losses: done.losses,
            notes: done.report.warnings,
            failure: None,
            ..left_alone(volume, shown, String::new())
        },
        Err(error) => left_alone(volume, shown, error.one_line()),
    }])
}

fn left_alone(volume: &CheckedVolume, path: String, why: String) -> RepairedHive {
    RepairedHive {
        volume: volume.number,
        path,
        committed: false,
        bytes_before: 0,
        bytes_after: 0,
        losses: Vec::new(),
        notes: Vec::new(),
        failure: Some(why),
    }
}
