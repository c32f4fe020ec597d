//! `winkiln fs ln`.

use winkiln_bake::{LinkKind, Step};

use crate::args::files::LinkArgs;
use crate::error::Result;
use crate::output::Output;
use crate::session;

/// Makes a link.
pub(super) fn run(args: &LinkArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let session = session::open(&args.image, &args.with.open, &args.with.write)?;
    let kind = match (args.symbolic, args.junction) {
        (true, _) => LinkKind::Symbolic,
        (_, true) => LinkKind::Junction,
        _ => LinkKind::Hard,
    };
    let step = Step::Link { path: args.link.clone(), target: args.target.clone(), kind };
    let report = session::bake(session, &[step], &args.image, output)?;
    output.report(&report, None)
}
