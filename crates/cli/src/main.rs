//! winkiln prepares Windows disk images offline.
#![forbid(unsafe_code)]

mod args;
mod clock;
mod commands;
mod demo;
mod error;
mod guest_path;
mod loose_hive;
mod output;
mod progress;
mod provenance;
mod render;
mod session;
mod signals;

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use clap::Parser as _;

/// What the last panic said. Some are caught below and become errors; none is printed on the way.
static FAULT: Mutex<String> = Mutex::new(String::new());

fn main() -> ExitCode {
    signals::watch();
    let cli = args::Cli::parse();
    panic::set_hook(Box::new(|fault| {
        *FAULT.lock().unwrap_or_else(PoisonError::into_inner) = fault.to_string();
    }));
    let done = panic::catch_unwind(AssertUnwindSafe(|| commands::run(cli.command)));
    let done = done.unwrap_or_else(|_| {
        let what = FAULT.lock().unwrap_or_else(PoisonError::into_inner).replace('\n', " ");
        Err(error::CliError::fault(what))
    });
    signals::end(done)
}
