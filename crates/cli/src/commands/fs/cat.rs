//! `winkiln fs cat`.

use std::io::Write as _;

use super::{copy, existing, length, volume};
use crate::args::OutputArgs;
use crate::args::files::CatArgs;
use crate::error::{CliError, Result};
use crate::output::Output;
use crate::progress::Progress;
use crate::session;

/// Prints a file.
pub(super) fn run(args: &CatArgs) -> Result<()> {
    let output = Output::new(&OutputArgs::default());
    let mut session = session::open_read_only(&args.image, &args.open, output)?;
    let (_, volume) = volume(&mut session, &args.image)?;
    let facts = existing(volume, &args.path)?;
    if facts.is_directory && !args.path.contains(':') {
        return Err(CliError::failed(format!("{} is a folder", args.path)));
    }
    let mut out = std::io::stdout().lock();
    copy(
        volume,
        &args.path,
        &mut out,
        &Progress::bytes(output, length(&facts, &args.path), &args.path),
    )?;
    out.flush().map_err(|error| CliError::standard_output(&error))
}
