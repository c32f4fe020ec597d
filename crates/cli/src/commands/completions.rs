//! `winkiln completions`.

use clap::CommandFactory as _;

use crate::args::Cli;
use crate::args::about::CompletionsArgs;
use crate::error::Result;
use crate::output::write_out;

/// Prints completions for a shell.
pub(crate) fn run(args: &CompletionsArgs) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "winkiln", &mut script);
    write_out(&script)
}
