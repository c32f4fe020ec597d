//! `winkiln fs stat`.

use super::{existing, volume};
use crate::args::files::PathArgs;
use crate::error::Result;
use crate::guest_path::normal;
use crate::output::Output;
use crate::render::files;
use crate::session;

/// Shows the facts of a file or folder.
pub(super) fn run(args: &PathArgs) -> Result<()> {
    let output = Output::new(&args.output);
    let mut session = session::open_read_only(&args.image, &args.open, output)?;
    let (number, volume) = volume(&mut session, &args.image)?;
    let facts = existing(volume, &args.path)?;
    let path = normal(&args.path);
    output
        .data(&files::stat_json(number, &path, &facts), || files::stat_text(number, &path, &facts))
}
