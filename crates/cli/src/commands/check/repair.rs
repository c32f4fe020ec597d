//! Damaged hives written anew, all of an image in one transaction.

use std::path::Path;

use winkiln_bake::Report;
use winkiln_guest::{HiveFile, Rewrite};

use crate::args::check::CheckArgs;
use crate::args::{ShortNamesArg, WriteArgs};
use crate::clock;
use crate::error::{CliError, Doing as _, Result};
use crate::loose_hive::rewrite;
use crate::output::Output;
use crate::render::check::{Checked, CheckedVolume};
use crate::render::rewrite::RepairedHive;
use crate::session;

/// What became of hives, and the report where there was something to write.
type Repaired = (Vec<RepairedHive>, Option<Report>);

/// Repairs the damaged hives of an image. One that cannot be repaired stays as it is, as does what lies on a volume that is
/// damaged itself.
pub(super) fn in_image(
    image: &Path,
    args: &CheckArgs,
    checked: &Checked,
    output: Output,
) -> Result<Repaired> {
    let write = WriteArgs {
        dry_run: args.dry_run,
        time: args.time,
        undo: args.undo.clone(),
        overlay: args.overlay.clone(),
        short_names: ShortNamesArg::Guest,
        ..WriteArgs::default()
    };
    let mut session = session::open(image, &args.open, &write)?;
    let mut repaired = Vec::new();
    let mut planned = false;
    for volume in &checked.volumes {
        for path in volume.damaged_hives() {
            let number = volume.number.unwrap_or_default();
            let mut hive = untouched(volume, path.clone());
            let file = HiveFile { volume: number, path };
            if volume.is_damaged_itself() {
                let why = "its volume has problems of its own, so nothing is written to it";
                hive.failure = Some(why.to_owned());
                repaired.push(hive);
                continue;
            }
            match session.plan_rewrite(&file, Rewrite::Repair) {
                Ok(plan) => {
                    planned = true;
                    hive.bytes_before = plan.before.len() as u64;
                    let after = plan.after.as_ref().unwrap_or(&plan.before);
                    hive.bytes_after = after.len() as u64;
                    hive.losses.clone_from(&plan.losses);
                    hive.notes.extend(plan.note.clone());
                    session.rewrite(plan).doing(|| format!("cannot repair {}", file.path))?;
                }
                Err(error) => hive.failure = Some(CliError::from(error).one_line()),
            }
            repaired.push(hive);
        }
    }
    if !planned {
        return Ok((repaired, None));
    }
    let mut report = session::finish(session, image, output)?;
    for hive in repaired.iter_mut().filter(|hive| hive.failure.is_none()) {
        hive.committed = report.committed;
        // Told with the hive.
        report.warnings.retain(|warning| !hive.notes.contains(warning));
    }
    Ok((repaired, Some(report)))
}

/// Repairs a loose hive.
pub(super) fn loose(path: &Path, args: &CheckArgs, checked: &Checked) -> Result<Repaired> {
    let now = clock::file_time(args.time)?;
    let Some(volume) = checked.volumes.first() else { return Ok((Vec::new(), None)) };
    let untouched = untouched(volume, path.display().to_string());
    Ok(match rewrite::rewrite(path, Rewrite::Repair, now, args.dry_run) {
        Ok(mut done) => {
            let hive = RepairedHive {
                committed: done.report.committed,
                bytes_before: done.before,
                bytes_after: done.after,
                losses: done.losses,
                notes: std::mem::take(&mut done.report.warnings),
                ..untouched
            };
            (vec![hive], Some(done.report))
        }
        Err(error) => (vec![RepairedHive { failure: Some(error.one_line()), ..untouched }], None),
    })
}

fn untouched(volume: &CheckedVolume, path: String) -> RepairedHive {
    RepairedHive {
        volume: volume.number,
        path,
        committed: false,
        bytes_before: 0,
        bytes_after: 0,
        losses: Vec::new(),
        notes: Vec::new(),
        failure: None,
    }
}
