//! `winkiln reg security`.

use serde::Serialize;
use winkiln_bake::Step;

use super::{no_such_key, on_link, with_key};
use crate::args::reg::SecurityArgs;
use crate::args::{Target, split_target, text};
use crate::clock;
use crate::error::{Doing as _, Result};
use crate::loose_hive::LooseHive;
use crate::output::Output;
use crate::session;

/// A key and its descriptor.
#[derive(Serialize)]
struct Shown {
    key: String,
    sddl: String,
}

/// Shows the security descriptor of a key as SDDL, or sets parts of it.
pub(super) fn run(args: &SecurityArgs) -> Result<()> {
    let output = Output::new(&args.with.output.common());
    let (target, rest) =
        split_target(args.with.hive.hive.as_ref(), &args.positional(), &["KEY", "SDDL"], 1)?;
    let key = text(&rest[0], "KEY")?;
    let Some(sddl) = rest.get(1) else {
        let sddl = shown(args, &target, &key, output)?;
        return output.data(&Shown { key, sddl: sddl.clone() }, || format!("{sddl}\n"));
    };
    let sddl = text(sddl, "SDDL")?;
    let report = match &target {
        Target::Image(image) => {
            let session = session::open(image, &args.with.open, &args.with.write)?;
            let step = Step::SetKeySecurity { key, sddl, below: args.recursive };
            let step = on_link(step, args.open_link);
            session::bake(session, &[step], image, output)?
        }
        Target::Loose(file) => {
            let now = clock::loose_time(&args.with.write)?;
            let hive = LooseHive::open(file, args.with.hive.mount.as_deref(), &args.with.write)?;
            let mut hive = hive.with_open_link(args.open_link);
            hive.set_security(&key, &sddl, (args.recursive, false), now)?;
            hive.finish(now)?
        }
    };
    output.report(&report, None)
}

fn shown(args: &SecurityArgs, target: &Target, key: &str, output: Output) -> Result<String> {
    let doing = || format!("cannot read the security of {key}");
    match target {
        Target::Image(image) => {
            let mut session = session::open_read_only(image, &args.with.open, output)?;
            let sddl = with_key(&mut session, image, (key, args.open_link), |hive, found| {
                hive.sddl(found.ok_or_else(|| no_such_key(key))?).doing(doing)
            })?;
            session::warn_of_recovered(&mut session, output);
            Ok(sddl)
        }
        Target::Loose(file) => {
            let loose = LooseHive::open_read_only(file, args.with.hive.mount.as_deref(), output)?;
            let loose = loose.with_open_link(args.open_link);
            let found = loose.find(key)?.ok_or_else(|| no_such_key(key))?;
            loose.hive().sddl(found).doing(doing)
        }
    }
}
