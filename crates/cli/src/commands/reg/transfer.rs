//! `winkiln reg copy` and `winkiln reg rename`.

use winkiln_bake::Step;

use super::on_link;
use crate::args::reg::TransferArgs;
use crate::args::{Target, split_target, text};
use crate::clock;
use crate::error::Result;
use crate::loose_hive::LooseHive;
use crate::output::Output;
use crate::session;

/// Copies a key with all below it.
pub(super) fn copy(args: &TransferArgs) -> Result<()> {
    run(args, |from, to| Step::CopyKey { from, to }, LooseHive::copy_key)
}

/// Renames a key, or moves it within its hive.
pub(super) fn rename(args: &TransferArgs) -> Result<()> {
    run(args, |from, to| Step::MoveKey { from, to }, LooseHive::move_key)
}

fn run(
    args: &TransferArgs,
    step: impl FnOnce(String, String) -> Step,
    loose: impl FnOnce(&mut LooseHive, &str, &str, u64) -> Result<()>,
) -> Result<()> {
    let output = Output::new(&args.with.output.common());
    let (target, rest) =
        split_target(args.with.hive.hive.as_ref(), &args.positional(), &["KEY", "TO"], 0)?;
    let (from, to) = (text(&rest[0], "KEY")?, text(&rest[1], "TO")?);
    let report = match &target {
        Target::Image(image) => {
            let session = session::open(image, &args.with.open, &args.with.write)?;
            let step = on_link(step(from, to), args.open_link);
            session::bake(session, &[step], image, output)?
        }
        Target::Loose(file) => {
            let now = clock::loose_time(&args.with.write)?;
            let hive = LooseHive::open(file, args.with.hive.mount.as_deref(), &args.with.write)?;
            let mut hive = hive.with_open_link(args.open_link);
            loose(&mut hive, &from, &to, now)?;
            hive.finish(now)?
        }
    };
    output.report(&report, None)
}
