//! `winkiln drivers`.

mod add;
mod installed;
mod list;
mod remove;
mod scan;

use crate::args::drivers::DriversCommand;
use crate::error::Result;

/// Runs a command on drivers.
pub(crate) fn run(command: DriversCommand) -> Result<()> {
    match command {
        DriversCommand::List(args) => list::run(&args),
        DriversCommand::Add(args) => add::run(&args),
        DriversCommand::Remove(args) => remove::run(&args),
        DriversCommand::Installed(args) => installed::run(&args),
        DriversCommand::Scan(args) => scan::run(&args),
    }
}
