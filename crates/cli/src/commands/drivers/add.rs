//! `winkiln drivers add`.

use std::time::Instant;

use winkiln_bake::{DriverSource, Step};

use crate::args::drivers::AddArgs;
use crate::error::Result;
use crate::output::Output;
use crate::session;

/// Adds packages.
pub(super) fn run(args: &AddArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let started = Instant::now();
    let source = DriverSource {
        path: args.source.clone(),
        selection: args.selection.selection(),
        force_unsigned: args.force_unsigned,
    };
    let mut steps = vec![Step::AddDrivers(source)];
    steps.extend(args.keep_ip.step()?);
    let session = session::open(&args.image, &args.with.open, &args.with.write)?;
    let report = session::bake(session, &steps, &args.image, output)?;
    output.report(&report, Some(started.elapsed()))
}
