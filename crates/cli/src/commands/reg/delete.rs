//! `winkiln reg delete`.

use winkiln_bake::Step;
use winkiln_hive::reg_text::RegAction;
use winkiln_hive::{Hive, KeyId};

use super::{edit_loose, in_sets, no_such_key, no_such_value, on_link, with_key};
use crate::args::reg::DeleteArgs;
use crate::args::{Target, split_target, text};
use crate::clock;
use crate::error::{CliError, Result};
use crate::loose_hive::LooseHive;
use crate::output::Output;
use crate::session;

/// Deletes a value, or a key with all below it. One that is not there is an error, as with reg.exe.
pub(super) fn run(args: &DeleteArgs) -> Result<()> {
    let output = Output::new(&args.with.output.common());
    let (target, rest) =
        split_target(args.with.hive.hive.as_ref(), &args.positional(), &["KEY"], 0)?;
    let key = text(&rest[0], "KEY")?;
    let name = args.value.name();
    let must_exist = |hive: &Hive, found: Option<KeyId>| -> Result<()> {
        let id = found.ok_or_else(|| no_such_key(&key))?;
        match name {
            Some(name) if hive.value(id, name)?.is_none() => Err(no_such_value(&key, name)),
            None if id == hive.root() => Err(CliError::usage(format!(
                "{key} is the root of a hive, which cannot be deleted"
            ))),
            _ => Ok(()),
        }
    };
    let report = match &target {
        Target::Image(image) => {
            let mut session = session::open(image, &args.with.open, &args.with.write)?;
            with_key(&mut session, image, (&key, args.open_link), must_exist)?;
            let step = match name {
                Some(name) => Step::DeleteValue { key, name: name.to_owned() },
                None => Step::DeleteKey { key },
            };
            let step = on_link(in_sets(step, args.all_control_sets), args.open_link);
            session::bake(session, &[step], image, output)?
        }
        Target::Loose(file) => {
            let hive = LooseHive::open(file, args.with.hive.mount.as_deref(), &args.with.write)?;
            let mut hive = hive.with_open_link(args.open_link);
            must_exist(hive.hive(), hive.find(&key)?)?;
            let action = match name {
                Some(name) => RegAction::DeleteValue { name: name.to_owned() },
                None => RegAction::DeleteKey,
            };
            let now = clock::loose_time(&args.with.write)?;
            edit_loose(&mut hive, file, &key, action, args.all_control_sets, now)?;
            hive.finish(now)?
        }
    };
    output.report(&report, None)
}
