//! `winkiln drivers remove`.

use std::time::Instant;

use winkiln_bake::{DriverRemoval, Step};

use crate::args::drivers::RemoveArgs;
use crate::error::Result;
use crate::output::Output;
use crate::session;

/// Takes packages out.
pub(super) fn run(args: &RemoveArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let started = Instant::now();
    let removal = DriverRemoval {
        names: args.names.clone(),
        vendors: args.vendor.clone(),
        force: args.force,
    };
    let session = session::open(&args.image, &args.with.open, &args.with.write)?;
    let report = session::bake(session, &[Step::RemoveDrivers(removal)], &args.image, output)?;
    output.report(&report, Some(started.elapsed()))
}
