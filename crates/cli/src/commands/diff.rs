//! `winkiln diff`.

mod boot;
mod files;

use winkiln_bake::Session;
use winkiln_guest::GuestError;

use super::reg;
use crate::args::diff::DiffArgs;
use crate::error::{Doing as _, Result};
use crate::output::Output;
use crate::render::diff::{json, text};
use crate::session;
pub(crate) use boot::BootDifference;
pub(crate) use files::{FileDifference, FileFacts};

/// What differs between two images.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) files: Vec<FileDifference>,
    pub(crate) registry: Vec<super::Compared>,
    pub(crate) boot: Vec<BootDifference>,
}

/// Shows what differs between two images.
pub(super) fn run(args: &DiffArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let mut a = session::open_read_only(&args.a, &args.with.open, output)?;
    let mut b = session::open_read_only(&args.b, &args.with.open, output)?;
    let mut found =
        Found { files: files::compare(&mut a, &mut b, args, output)?, ..Found::default() };
    let has = [
        has_windows(&mut a).doing(|| format!("cannot read {}", args.a.display()))?,
        has_windows(&mut b).doing(|| format!("cannot read {}", args.b.display()))?,
    ];
    match has {
        [true, true] => {
            found.boot = boot::compare(&mut a, &mut b, output)?;
            found.registry = reg::compare_images(a, b, [&args.a, &args.b], output)?;
        }
        [false, false] => {}
        [only_a, _] => {
            let path = if only_a { &args.a } else { &args.b };
            output.warn(&format!("only {} holds a Windows", path.display()));
        }
    }
    output.data(&json(&found), || text(&found))
}

fn has_windows(session: &mut Session) -> Result<bool, GuestError> {
    Ok(!session.disk().find_windows()?.is_empty())
}
