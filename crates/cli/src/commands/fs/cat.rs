//! `winkiln fs cat`.

use std::io::Write as _;

use super::{copy, existing, length, no_link, volume_and_path};
use crate::args::OutputArgs;
use crate::args::files::CatArgs;
use crate::error::{CliError, Result};
use crate::guest_path::base_name;
use crate::output::Output;
use crate::progress::Progress;
use crate::session;

/// Prints a file.
pub(super) fn run(args: &CatArgs) -> Result<()> {
    let output = Output::new(&OutputArgs::default());
    let mut session = session::open_read_only(&args.image, &args.open, output)?;
    let (_, volume, path) = volume_and_path(&mut session, &args.image, &args.path, &args.links)?;
    let facts = existing(volume, &path)?;
    let is_stream = base_name(&path).is_some_and(|name| name.contains(':'));
    if !is_stream {
        no_link(&facts, &path)?;
    }
    if facts.is_directory && !is_stream {
        return Err(CliError::failed(format!("{path} is a folder")));
    }
    let mut out = std::io::stdout().lock();
    copy(volume, &path, &mut out, &Progress::bytes(output, length(&facts, &path), &path))?;
    out.flush().map_err(|error| CliError::standard_output(&error))
}
