//! `winkiln check`.

mod repair;

use std::ops::ControlFlow;
use std::path::Path;

use winkiln_bake::Session;
use winkiln_guest::{CheckedHive, DiskVolume};
use winkiln_volume::check::{self, Event, Severity};
use winkiln_volume::{Filesystem, VolumeError};

use crate::args::check::CheckArgs;
use crate::error::{CliError, Result};
use crate::loose_hive::LooseHive;
use crate::output::Output;
use crate::progress::Progress;
use crate::render::check as render;
use crate::render::check::{Checked, CheckedVolume, Row};
use crate::session;

/// Sums and hints for speed, which Windows itself leaves behind (seen in hives of Windows XP): not damage.
const LEFT_STALE: [&str; 4] = ["key.hint", "key.maxname", "key.maxvaluename", "key.maxvaluedata"];

/// Checks every volume and hive of an image, or a loose hive. Problems end the program with a status of their own.
pub(crate) fn run(args: &CheckArgs) -> Result<()> {
    let output = Output::new(&args.output);
    let mut checked = match (&args.image, &args.hive) {
        (Some(image), None) => of_image(image, args, output)?,
        (None, Some(hive)) => of_loose_hive(hive)?,
        _ => return Err(CliError::usage("give either IMAGE or --hive FILE")),
    };
    if args.repair && !checked.is_clean() {
        (checked.repaired, checked.report) = match (&args.image, &args.hive) {
            (Some(image), _) => repair::in_image(image, args, &checked, output)?,
            (None, Some(hive)) => repair::loose(hive, args, &checked)?,
            (None, None) => (Vec::new(), None),
        };
    }
    checked.report.iter().for_each(|report| output.warnings(report));
    output.data(&render::document(&checked), || render::text(&checked, output.is_verbose()))?;
    if checked.is_mended() { Ok(()) } else { Err(CliError::problems()) }
}

fn of_image(image: &Path, args: &CheckArgs, output: Output) -> Result<Checked> {
    let mut session = session::look_at(image, &args.open)?;
    let wanted = |number: u32| args.open.volume.is_none_or(|volume| volume == number);
    let volumes: Vec<DiskVolume> =
        session.disk().volumes().iter().filter(|volume| wanted(volume.number)).cloned().collect();
    if let (Some(number), true) = (args.open.volume, volumes.is_empty()) {
        return Err(CliError::usage(format!("{} has no volume {number}", image.display())));
    }
    // What the session warns of, a volume's state, is told with the volume.
    let mut checked = Checked { target: image.display().to_string(), ..Checked::default() };
    for volume in &volumes {
        let one = of_volume(&mut session, volume, output);
        checked.volumes.push(one);
    }
    Ok(checked)
}

fn of_volume(session: &mut Session, volume: &DiskVolume, output: Output) -> CheckedVolume {
    let number = volume.number;
    let mut checked = CheckedVolume {
        number: Some(number),
        filesystem: volume.identity.filesystem.to_string(),
        ..CheckedVolume::default()
    };
    let disk = session.disk();
    let mut rows = Vec::new();
    let mut done_before = 0;
    let progress = Progress::share(output, &format!("checking volume {number}"));
    let summary = disk.window(number).map_err(CliError::from).and_then(|device| {
        let summary = check::check(&device, &mut |event| {
            match event {
                Event::Finding(finding) => rows.push(Row::of_finding(number, finding)),
                Event::Progress { done, total } => {
                    progress.of(total);
                    progress.advance(done.saturating_sub(done_before));
                    done_before = done;
                }
            }
            ControlFlow::Continue(())
        });
        match summary {
            Err(VolumeError::Unsupported { filesystem, .. }) => {
                checked.skipped = Some(match filesystem {
                    Filesystem::Unknown => "no filesystem that is known".to_owned(),
                    other => format!("{other} is not checked"),
                });
                Ok(None)
            }
            other => Ok(Some(other?)),
        }
    });
    drop(progress);
    match summary {
        Ok(Some(summary)) => {
            checked.files = Some(summary.files);
            checked.untold = summary.damage.saturating_sub(
                rows.iter().filter(|row| row.severity == Severity::Damage).count() as u64,
            );
        }
        Ok(None) => return checked,
        Err(error) => rows.push(Row::failure(number, None, "not-checked", error.one_line())),
    }
    checked.rows = rows;
    for path in disk.hive_files(number) {
        let progress = Progress::spinner(output, &format!("checking {path}"));
        let hive = disk.check_hive(number, &path);
        drop(progress);
        checked.rows.extend(of_hive(&hive, Some(number)));
        checked.hives.push(path);
    }
    checked
}

fn of_hive(hive: &CheckedHive, volume: Option<u32>) -> Vec<Row> {
    let path = Some(hive.file.path.as_str());
    let mut rows = Vec::new();
    rows.extend(
        hive.note
            .as_ref()
            .map(|note| Row::hive(Severity::Note, volume, path, "hive-dirty", None, note)),
    );
    let failure = hive.failure.as_ref();
    rows.extend(
        failure.map(|why| Row::hive(Severity::Damage, volume, path, "hive-not-checked", None, why)),
    );
    rows.extend(hive.findings.iter().map(|finding| {
        let code = format!("hive-{}", finding.id.replace('.', "-"));
        let severity =
            if LEFT_STALE.contains(&finding.id) { Severity::Note } else { Severity::Damage };
        Row::hive(severity, volume, path, &code, Some(finding.offset), &finding.text)
    }));
    rows
}

fn of_loose_hive(path: &Path) -> Result<Checked> {
    let (note, findings) = LooseHive::check(path)?;
    let target = path.display().to_string();
    let file = winkiln_guest::HiveFile { volume: 0, path: target.clone() };
    let hive = CheckedHive { file, note, failure: None, findings };
    let volume = CheckedVolume {
        rows: of_hive(&hive, None),
        hives: vec![target.clone()],
        ..CheckedVolume::default()
    };
    Ok(Checked { target, volumes: vec![volume], ..Checked::default() })
}
