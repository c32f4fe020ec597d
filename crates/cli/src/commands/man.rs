//! `winkiln man`.

use std::fs;

use clap::CommandFactory as _;

use crate::args::Cli;
use crate::args::about::ManArgs;
use crate::error::{CliError, Result};

/// Writes a man page for each command.
pub(crate) fn run(args: &ManArgs) -> Result<()> {
    let dir = &args.dir;
    fs::create_dir_all(dir)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), dir))
        .map_err(|error| CliError::host(format!("cannot write pages to {}", dir.display()), &error))
}
