//! `winkiln fs security`.

use winkiln_bake::Step;
use winkiln_ntfs::security::to_sddl;

use super::{existing, volume};
use crate::args::files::SecurityArgs;
use crate::error::{CliError, Result};
use crate::guest_path::normal;
use crate::output::Output;
use crate::render::files;
use crate::session;

/// Shows the security descriptor of a file or folder as SDDL, or sets parts of it.
pub(super) fn run(args: &SecurityArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let Some(sddl) = &args.sddl else {
        let mut session = session::open_read_only(&args.image, &args.with.open, output)?;
        let (number, volume) = volume(&mut session, &args.image, &args.path)?;
        let facts = existing(volume, &args.path)?;
        let path = normal(&args.path);
        let Some(descriptor) = facts.security else {
            return Err(CliError::failed(format!("{path} has no security descriptor")));
        };
        let sddl = to_sddl(&descriptor).map_err(|error| {
            CliError::refused(format!("the security descriptor of {path} is damaged: {error}"))
        })?;
        return output.data(&files::security_json(number, &path, &sddl), || format!("{sddl}\n"));
    };
    let session = session::open(&args.image, &args.with.open, &args.with.write)?;
    let (path, sddl, below) = (args.path.clone(), sddl.clone(), args.recursive);
    let step = Step::SetSecurity { path, sddl, inside: None, below };
    let report = session::bake(session, &[step], &args.image, output)?;
    output.report(&report, None)
}
