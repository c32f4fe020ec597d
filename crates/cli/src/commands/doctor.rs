//! `winkiln doctor`.

use std::path::Path;

use winkiln_doctor::{Diagnosis, Selection, Target, diagnose, treat};

use crate::args::RemedyArgs;
use crate::args::doctor::DoctorArgs;
use crate::error::{CliError, Doing as _, Result};
use crate::output::Output;
use crate::progress::Progress;
use crate::render::doctor::{self as render, Examined};
use crate::session;

/// Tells what is wrong with a guest, and repairs it where that is asked for. Findings end the program with a status of their own.
pub(crate) fn run(args: &DoctorArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let Some(image) = &args.image else {
        return output.data(&render::rules_document(), render::rules_text);
    };
    let selection = args.selection()?;
    let found = look(image, args, output)?;
    let is_wanted = |selection: &Selection| {
        let cures = found.findings.iter().filter(|finding| finding.repair.cure().is_some());
        cures.filter(|finding| selection.takes(finding)).count() > 0
    };
    let selection = selection.filter(is_wanted);
    let mut examined =
        Examined { image: image.display().to_string(), found, repaired: Vec::new(), report: None };
    if let Some(selection) = selection {
        repair(image, args, &selection, output, &mut examined)?;
    }
    examined.report.iter().for_each(|report| output.warnings(report));
    output.data(&render::document(&examined), || render::text(&examined, output.is_verbose()))?;
    if examined.found.is_healthy() { Ok(()) } else { Err(CliError::problems()) }
}

fn target(args: &DoctorArgs) -> Option<Target> {
    args.target.map(Target::from)
}

fn look(image: &Path, args: &DoctorArgs, output: Output) -> Result<Diagnosis> {
    let _progress = Progress::spinner(output, "examining");
    // What the session warns of, a volume's state, is a finding.
    let mut session = session::look_at(image, &args.with.open)?;
    diagnose(&mut session, target(args)).doing(|| format!("cannot examine {}", image.display()))
}

/// Repairs, and puts what is left in the place of what was found.
fn repair(
    image: &Path,
    args: &DoctorArgs,
    selection: &Selection,
    output: Output,
    examined: &mut Examined,
) -> Result<()> {
    let _progress = Progress::spinner(output, "repairing");
    let needed = selection.remedies(&examined.found);
    let mut write = args.with.write.clone();
    let asked = write.remedies;
    write.remedies = RemedyArgs {
        discard_hibernation: asked.discard_hibernation || needed.discard_hibernation,
        replay_log: asked.replay_log || needed.replay_log && !asked.reset_log,
        ..asked
    };
    let mut session = session::open(image, &args.with.open, &write)?;
    let doing = || format!("cannot repair {}", image.display());
    let treated = treat(&mut session, target(args), selection).doing(doing)?;
    let report = session::finish(session, image, output)?;
    // What opening did to volumes is done too.
    let by_opening = examined.found.findings.iter().filter(|finding| {
        let is_left = treated.left.findings.iter().any(|left| left == *finding);
        selection.takes(finding) && selection.is_of_volumes(finding) && !is_left
    });
    examined.repaired = by_opening.cloned().chain(treated.repaired).collect();
    examined.found = treated.left;
    examined.report = Some(report);
    Ok(())
}
