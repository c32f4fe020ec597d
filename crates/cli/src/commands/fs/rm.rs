//! `winkiln fs rm`.

use winkiln_bake::Step;

use super::{existing, volume};
use crate::args::files::RemoveArgs;
use crate::error::{CliError, Result};
use crate::guest_path::base_name;
use crate::output::Output;
use crate::session;

/// Removes a file, a stream or a folder. One that is not there is an error.
pub(super) fn run(args: &RemoveArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let mut session = session::open(&args.image, &args.with.open, &args.with.write)?;
    let (_, volume) = volume(&mut session, &args.image, &args.path)?;
    let facts = existing(volume, &args.path)?;
    let Some(name) = base_name(&args.path) else {
        return Err(CliError::usage("the root folder of a volume cannot be removed"));
    };
    // A link to a folder holds nothing itself.
    let is_folder = facts.is_directory && facts.link.is_none();
    if is_folder && !args.recursive && !name.contains(':') {
        return Err(
            CliError::usage(format!("{} is a folder", args.path)).hint("remove folders with -r")
        );
    }
    let step = Step::Remove { path: args.path.clone(), recursive: args.recursive };
    let report = session::bake(session, &[step], &args.image, output)?;
    output.report(&report, None)
}
