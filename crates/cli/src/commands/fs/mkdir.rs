//! `winkiln fs mkdir`.

use winkiln_bake::Step;

use super::volume;
use crate::args::files::MakeDirectoryArgs;
use crate::error::{CliError, Result};
use crate::output::Output;
use crate::session;

/// Makes a folder. One that exists is an error without `-p`.
pub(super) fn run(args: &MakeDirectoryArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let mut session = session::open(&args.image, &args.with.open, &args.with.write)?;
    let (_, volume) = volume(&mut session, &args.image, &args.path)?;
    match volume.metadata(&args.path)? {
        Some(facts) if !facts.is_directory => {
            return Err(CliError::failed(format!("{} is a file", args.path)));
        }
        Some(_) if !args.parents => {
            return Err(CliError::failed(format!("{} exists already", args.path)));
        }
        _ => {}
    }
    let path = args.path.clone();
    let mut steps = vec![Step::MakeDirectory { path: path.clone(), parents: args.parents }];
    if let Some(sddl) = args.sddl.clone() {
        steps.push(Step::SetSecurity { path, sddl, inside: None, below: false });
    }
    let report = session::bake(session, &steps, &args.image, output)?;
    output.report(&report, None)
}
