//! `winkiln reg add`.

use winkiln_bake::Step;
use winkiln_bake::value_text::parse_value;
use winkiln_hive::reg_text::RegAction;

use super::{edit_loose, in_sets, on_link};
use crate::args::reg::AddArgs;
use crate::args::{Target, split_target, text};
use crate::clock;
use crate::error::{CliError, Result};
use crate::loose_hive::LooseHive;
use crate::output::Output;
use crate::session;

/// Creates a key, or sets a value.
pub(super) fn run(args: &AddArgs) -> Result<()> {
    let output = Output::new(&args.with.output.common());
    let (target, rest) =
        split_target(args.with.hive.hive.as_ref(), &args.positional(), &["KEY"], 0)?;
    let key = text(&rest[0], "KEY")?;
    let action = match args.value.name() {
        Some(name) => {
            let data = args.data.as_deref().unwrap_or_default();
            let (kind, data) = parse_value(&args.kind, data)
                .map_err(|error| CliError::usage(error.of_value(name).to_string()))?;
            RegAction::SetValue { name: name.to_owned(), kind, data }
        }
        None if args.data.is_some() => {
            return Err(CliError::usage("-d gives data, but no value is named")
                .hint("name the value with -v NAME, or take the default value with --ve"));
        }
        None => RegAction::CreateKey,
    };
    let report = match &target {
        Target::Image(image) => {
            let session = session::open(image, &args.with.open, &args.with.write)?;
            let rights = args.sddl.clone();
            let rights =
                rights.map(|sddl| Step::SetKeySecurity { key: key.clone(), sddl, below: false });
            let step = match action {
                RegAction::SetValue { name, kind, data } => {
                    Step::SetValue { key, name, kind, data }
                }
                _ => Step::CreateKey { key },
            };
            let steps: Vec<Step> = [Some(step), rights]
                .into_iter()
                .flatten()
                .map(|step| on_link(in_sets(step, args.all_control_sets), args.open_link))
                .collect();
            session::bake(session, &steps, image, output)?
        }
        Target::Loose(file) => {
            let hive = LooseHive::open(file, args.with.hive.mount.as_deref(), &args.with.write)?;
            let mut hive = hive.with_open_link(args.open_link);
            let now = clock::loose_time(&args.with.write)?;
            edit_loose(&mut hive, file, &key, action, args.all_control_sets, now)?;
            if let Some(sddl) = &args.sddl {
                hive.set_security(&key, sddl, (false, args.all_control_sets), now)?;
            }
            hive.finish(now)?
        }
    };
    output.report(&report, None)
}
