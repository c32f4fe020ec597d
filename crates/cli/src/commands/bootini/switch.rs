//! `winkiln bootini add-switch` and `remove-switch`.

use winkiln_bake::Step;

use crate::args::boot::SwitchArgs;
use crate::error::{CliError, Result};
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
    let output = Output::new(&args.output);
    let mut session = session::open(&args.image, &args.open, &args.write)?;
    let entries = super::read(&mut session, &args.image)?.entries().len();
    if let Some(number) = args.entry.filter(|number| *number as usize > entries) {
        return Err(CliError::usage(format!(
            "boot.ini of {} has no entry {number}, it holds {}",
            args.image.display(),
            if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") }
        ))
        .hint("`winkiln bootini show` numbers them"));
    }
    let report = session::bake(session, &[step], &args.image, output)?;
    output.report(&report, None)
}
