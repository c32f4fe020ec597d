//! Opening an image as the common options ask.

use std::borrow::Borrow;
use std::ops::{Deref, DerefMut};
use std::path::Path;

use winkiln_bake::{BakeError, Report, Session, SessionOptions, ShortNames, Step};

use winkiln_volume::Remedies;

use crate::args::{FormatArg, ImageArgs, ShortNamesArg, WriteArgs};
use crate::clock;
use crate::error::{CliError, Doing as _, Result};
use crate::output::Output;
use crate::progress::Progress;
use crate::provenance::Provenance;
use crate::render;
use crate::signals;

/// Opens an image for reading, and says what there is to know about its state.
pub(crate) fn open_read_only(image: &Path, args: &ImageArgs, output: Output) -> Result<Session> {
    let session = look_at(image, args)?;
    for warning in session.warnings() {
        output.warn(warning);
    }
    Ok(session)
}

/// Says which hives were not closed properly, once they were read.
pub(crate) fn warn_of_recovered(session: &mut Session, output: Output) {
    if let Ok((registry, _)) = session.registry() {
        for hive in registry.recovered() {
            output.warn(&hive.to_string());
        }
    }
}

/// Opens an image for reading.
pub(crate) fn look_at(image: &Path, args: &ImageArgs) -> Result<Session> {
    let options = SessionOptions {
        open: open_options(args),
        dry_run: true,
        now: clock::file_time(None)?,
        volume: args.volume,
        remedies: Remedies::default(),
        short_names: ShortNames::Guest,
    };
    Session::open_read_only(image, &options).map_err(|error| cannot_open(error, image))
}

/// An image open for editing, and the report that is kept of that.
pub(crate) struct Editing {
    session: Session,
    pub(crate) provenance: Option<Provenance>,
}

impl From<Session> for Editing {
    fn from(session: Session) -> Self {
        Self { session, provenance: None }
    }
}

impl Deref for Editing {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for Editing {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}

/// Opens an image for editing.
pub(crate) fn open(image: &Path, args: &ImageArgs, write: &WriteArgs) -> Result<Editing> {
    let options = SessionOptions {
        open: winkiln_disk::OpenOptions {
            undo: write.undo.clone(),
            overlay: write.overlay.clone(),
            interrupt: signals::interrupt(),
            ..open_options(args)
        },
        dry_run: write.dry_run,
        now: clock::file_time(write.time)?,
        volume: args.volume,
        remedies: write.remedies.remedies(),
        short_names: match write.short_names {
            ShortNamesArg::Guest => ShortNames::Guest,
            ShortNamesArg::On => ShortNames::On,
            ShortNamesArg::Off => ShortNames::Off,
        },
    };
    let mut session = Session::open(image, &options).map_err(|error| cannot_open(error, image))?;
    let provenance = match &write.report {
        Some(path) => Some(Provenance::begin(path, write.time, &mut session)?),
        None => None,
    };
    Ok(Editing { session, provenance })
}

/// Names the image, unless the error does.
fn cannot_open(error: BakeError, image: &Path) -> CliError {
    let named = matches!(error, BakeError::Image(_));
    let error = CliError::from(error);
    if named { error } else { error.while_doing(|| format!("cannot open {}", image.display())) }
}

/// Applies steps, which may be given away one by one, and commits.
pub(crate) fn bake<S: Borrow<Step>>(
    editing: impl Into<Editing>,
    steps: impl IntoIterator<Item = S, IntoIter: ExactSizeIterator>,
    image: &Path,
    output: Output,
) -> Result<Report> {
    let mut editing = editing.into();
    let steps = steps.into_iter();
    let told = if editing.provenance.is_some() { None } else { output.changes_told() };
    editing.tell_changes(told);
    {
        let progress = Progress::steps(output, steps.len(), "editing");
        for step in steps {
            let step = step.borrow();
            let text = render::step::describe(step);
            progress.say(&text);
            output.detail(|| text.clone());
            if let Some(provenance) = &mut editing.provenance {
                provenance.add_step(step)?;
            }
            editing.apply(step).doing(|| format!("cannot {text} in {}", image.display()))?;
            progress.advance(1);
        }
    }
    finish(editing, image, output)
}

/// Verifies and commits what was edited, and keeps the report of it.
pub(crate) fn finish(editing: Editing, image: &Path, output: Output) -> Result<Report> {
    let Editing { session, provenance } = editing;
    let report = {
        let _progress = Progress::spinner(output, "verifying and committing");
        session.finish().doing(|| format!("cannot commit to {}", image.display()))?
    };
    if let Some(provenance) = provenance {
        provenance.finish(&report)?;
    }
    Ok(report)
}

/// What the options say of the image's container.
pub(crate) fn open_options(args: &ImageArgs) -> winkiln_disk::OpenOptions {
    let format = args.format.map(|format| match format {
        FormatArg::Raw => winkiln_disk::Format::Raw,
        FormatArg::Qcow2 => winkiln_disk::Format::Qcow2,
        FormatArg::Vmdk => winkiln_disk::Format::Vmdk,
        FormatArg::Vhd => winkiln_disk::Format::Vhd,
        FormatArg::Vhdx => winkiln_disk::Format::Vhdx,
        FormatArg::Vdi => winkiln_disk::Format::Vdi,
    });
    winkiln_disk::OpenOptions {
        format,
        allow_backing: args.allow_backing.clone(),
        journal_dir: args.journal_dir.clone(),
        ..winkiln_disk::OpenOptions::default()
    }
}
