//! `winkiln drivers installed`.

use crate::args::drivers::ScanArgs;
use crate::error::{Doing as _, Result};
use crate::output::Output;
use crate::progress::Progress;
use crate::render::installed_drivers as render;
use crate::session;

/// Lists the drivers that the Windows of an image has besides its own.
pub(super) fn run(args: &ScanArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let progress = Progress::spinner(output, "reading drivers");
    let mut session = session::open_read_only(&args.image, &args.with.open, output)?;
    let found = session.installed_drivers();
    let found = found.doing(|| format!("cannot list the drivers of {}", args.image.display()))?;
    drop(progress);
    output.data(&found, || render::text(&found, output.is_verbose()))
}
