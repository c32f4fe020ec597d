//! `winkiln fs mv`.

use winkiln_bake::Step;

use super::{existing, volume};
use crate::args::files::MoveArgs;
use crate::error::{CliError, Result};
use crate::guest_path::{base_name, parent};
use crate::output::Output;
use crate::session;

/// Renames or moves a file or folder.
pub(super) fn run(args: &MoveArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let mut session = session::open(&args.image, &args.with.open, &args.with.write)?;
    let (_, volume) = volume(&mut session, &args.image, &args.from)?;
    existing(volume, &args.from)?;
    if base_name(&args.from).is_none() {
        return Err(CliError::usage("the root folder of a volume cannot be renamed"));
    }
    let folder = parent(&args.to);
    if !volume.metadata(folder)?.is_some_and(|facts| facts.is_directory) {
        return Err(CliError::failed(format!("no such folder in the image: {folder}"))
            .hint("make missing folders with `winkiln fs mkdir -p`"));
    }
    let step = Step::Rename { from: args.from.clone(), to: args.to.clone() };
    let report = session::bake(session, &[step], &args.image, output)?;
    output.report(&report, None)
}
