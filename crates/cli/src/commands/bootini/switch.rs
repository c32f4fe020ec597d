//! `winkiln bootini add-switch` and `remove-switch`.

use winkiln_bake::Step;

use crate::args::boot::SwitchArgs;
use crate::error::Result;
use crate::output::Output;
use crate::session;

/// Adds a switch to an entry.
pub(super) fn add(args: &SwitchArgs) -> Result<()> {
    let (entry, switch) = (index(args), args.switch.clone());
    edit(args, Step::BootIniAddSwitch { entry, switch })
}

/// Removes a switch from an entry.
pub(super) fn remove(args: &SwitchArgs) -> Result<()> {
    let (entry, switch) = (index(args), args.switch.clone());
    edit(args, Step::BootIniRemoveSwitch { entry, switch })
}

/// Entries count from 1 on the command line, from 0 below.
fn index(args: &SwitchArgs) -> Option<usize> {
    args.entry.map(|number| number as usize - 1)
}

fn edit(args: &SwitchArgs, step: Step) -> Result<()> {
    let output = Output::new(&args.with.output);
    let mut session = session::open(&args.image, &args.with.open, &args.with.write)?;
    super::check_entry(&mut session, &args.image, args.entry.unwrap_or(1))?;
    let report = session::bake(session, &[step], &args.image, output)?;
    output.report(&report, None)
}
