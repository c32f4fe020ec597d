//! `winkiln drivers`.

mod add;
mod list;
mod scan;

use crate::args::drivers::DriversCommand;
use crate::error::Result;

/// Runs a command on drivers.
pub(crate) fn run(command: DriversCommand) -> Result<()> {
    match command {
        DriversCommand::List(args) => list::run(&args),
        DriversCommand::Add(args) => add::run(&args),
        DriversCommand::Scan(args) => scan::run(&args),
    }
}
