//! `winkiln drivers`.

mod add;
mod installed;
mod list;
mod remove;
mod scan;

use crate::args::Deferred;
use crate::args::drivers::DriversCommand;
use crate::error::Result;

/// Runs a command on drivers.
pub(crate) fn run(command: DriversCommand) -> Result<()> {
    match command {
        DriversCommand::List(Deferred(args)) => list::run(&args),
        DriversCommand::Add(Deferred(args)) => add::run(&args),
        DriversCommand::Remove(Deferred(args)) => remove::run(&args),
        DriversCommand::Installed(Deferred(args)) => installed::run(&args),
        DriversCommand::Scan(Deferred(args)) => scan::run(&args),
    }
}
