//! One file for each command.

mod apply;
mod bcd;
mod bootini;
mod check;
mod collect;
mod completions;
mod demo;
mod diff;
mod doctor;
mod domain;
mod drivers;
mod fs;
mod inspect;
mod man;
mod nvram;
mod recover;
mod reg;
mod undo;

pub(crate) use diff::{BootDifference, FileDifference, FileFacts, Found};
pub(crate) use domain::Machine;
pub(crate) use reg::Compared;

use crate::args::{Command, Deferred};
use crate::error::Result;

/// Runs a command.
pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Demo(Deferred(args)) => demo::run(&args),
        Command::Inspect(Deferred(args)) => inspect::run(&args),
        Command::Apply(Deferred(args)) => apply::run(&args),
        Command::Check(Deferred(args)) => check::run(&args),
        Command::Collect(Deferred(args)) => collect::run(&args),
        Command::Doctor(Deferred(args)) => doctor::run(&args),
        Command::Reg(command) => reg::run(command),
        Command::Fs(command) => fs::run(command),
        Command::Bcd(command) => bcd::run(command),
        Command::Bootini(command) => bootini::run(command),
        Command::Nvram(command) => nvram::run(command),
        Command::Drivers(command) => drivers::run(command),
        Command::Recover(Deferred(args)) => recover::run(&args),
        Command::Diff(Deferred(args)) => diff::run(&args),
        Command::Undo(Deferred(args)) => undo::run(&args),
        Command::Domain(Deferred(args)) => domain::run(&args),
        Command::Completions(Deferred(args)) => completions::run(&args),
        Command::Man(Deferred(args)) => man::run(&args),
    }
}
