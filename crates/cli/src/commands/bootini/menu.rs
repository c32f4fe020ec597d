//! `winkiln bootini default` and `timeout`.

use winkiln_bake::Step;

use crate::args::boot::{CopyEntryArgs, DefaultArgs, TimeoutArgs};
use crate::error::Result;
use crate::output::Output;
use crate::session;

/// Makes an entry the default.
pub(super) fn set_default(args: &DefaultArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let mut session = session::open(&args.image, &args.with.open, &args.with.write)?;
    super::check_entry(&mut session, &args.image, args.entry)?;
    let step = Step::BootIniSetDefault { entry: args.entry as usize - 1 };
    let report = session::bake(session, &[step], &args.image, output)?;
    output.report(&report, None)
}

/// Sets how long the menu waits.
pub(super) fn set_timeout(args: &TimeoutArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let mut session = session::open(&args.image, &args.with.open, &args.with.write)?;
    super::read(&mut session, &args.image)?;
    let step = Step::BootIniSetTimeout { seconds: args.seconds };
    let report = session::bake(session, &[step], &args.image, output)?;
    output.report(&report, None)
}

/// Copies an entry.
pub(super) fn copy(args: &CopyEntryArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let mut session = session::open(&args.image, &args.with.open, &args.with.write)?;
    super::check_entry(&mut session, &args.image, args.entry.unwrap_or(1))?;
    let entry = args.entry.map(|number| number as usize - 1);
    let step = Step::BootIniCopy { entry, description: args.description.clone() };
    let report = session::bake(session, &[step], &args.image, output)?;
    output.report(&report, None)
}
