//! `winkiln fs stat`.

use super::{existing, volume_and_path};
use crate::args::files::PathArgs;
use crate::error::Result;
use crate::guest_path::normal;
use crate::output::Output;
use crate::render::files;
use crate::session;

/// Shows the facts of a file or folder.
pub(super) fn run(args: &PathArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let mut session = session::open_read_only(&args.image, &args.with.open, output)?;
    let (number, volume, path) =
        volume_and_path(&mut session, &args.image, &args.path, &args.links)?;
    let facts = existing(volume, &path)?;
    let path = normal(&path);
    output
        .data(&files::stat_json(number, &path, &facts), || files::stat_text(number, &path, &facts))
}
