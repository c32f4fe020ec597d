//! `winkiln bootini show`.

use crate::args::boot::ShowArgs;
use crate::error::Result;
use crate::output::Output;
use crate::render::boot_ini::{show_json, show_text};
use crate::session;

/// Shows the settings and entries.
pub(super) fn run(args: &ShowArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let mut session = session::open_read_only(&args.image, &args.with.open, output)?;
    let ini = super::read(&mut session, &args.image)?;
    let table = session.disk().table();
    output.data(&show_json(&ini, table), || show_text(&ini, table))
}
