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

use crate::args::Command;
use crate::error::Result;

/// Runs a command.
pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Demo(args) => demo::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Apply(args) => apply::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Collect(args) => collect::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Reg(command) => reg::run(command),
        Command::Fs(command) => fs::run(command),
        Command::Bcd(command) => bcd::run(command),
        Command::Bootini(command) => bootini::run(command),
        Command::Nvram(command) => nvram::run(command),
        Command::Drivers(command) => drivers::run(command),
        Command::Recover(args) => recover::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Undo(args) => undo::run(&args),
        Command::Domain(args) => domain::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}
