//! `winkiln reg query`.

use winkiln_hive::{Hive, KeyId};

use super::{no_such_key, no_such_value, with_key};
use crate::args::reg::QueryArgs;
use crate::args::{Target, split_target, text};
use crate::error::{CliError, Doing as _, Result};
use crate::loose_hive::{LooseHive, full_name};
use crate::output::Output;
use crate::render::registry::{self, KeyFacts};
use crate::session;

/// More keys than any hive of 2 GiB holds; deeper than Windows allows.
const KEYS_MAX: usize = 32 << 20;
const LEVELS_MAX: usize = 600;

/// Shows a key.
pub(super) fn run(args: &QueryArgs) -> Result<()> {
    let output = Output::new(&args.output.common());
    let (target, rest) = split_target(args.hive.hive.as_ref(), &args.positional(), &["KEY"], 0)?;
    let key = text(&rest[0], "KEY")?;
    let name = args.value.name();
    let read = |hive: &Hive, found: Option<KeyId>, shown: &str| {
        let found = found.ok_or_else(|| no_such_key(&key))?;
        let keys = collect(hive, found, shown, name, args.recursive)
            .doing(|| format!("cannot read {key}"))?;
        match name {
            Some(name) if keys.iter().all(|key| key.values.is_empty()) => {
                Err(no_such_value(&key, name))
            }
            _ => Ok(keys),
        }
    };
    let keys = match &target {
        Target::Image(image) => {
            let mut session = session::open_read_only(image, &args.open, output)?;
            let read = |hive: &Hive, found| read(hive, found, &full_name(&key));
            let keys = with_key(&mut session, image, (&key, args.open_link), read)?;
            session::warn_of_recovered(&mut session, output);
            keys
        }
        Target::Loose(file) => {
            let loose = LooseHive::open_read_only(file, args.hive.mount.as_deref(), output)?;
            let loose = loose.with_open_link(args.open_link);
            let shown = if key.starts_with('\\') {
                key.trim_end_matches('\\').to_owned()
            } else {
                full_name(&key)
            };
            read(loose.hive(), loose.find(&key)?, &shown)?
        }
    };
    output.data(&registry::query_json(&keys), || registry::query_text(&keys, args.recursive))
}

/// Reads a key, and with `recursive` all below it, in the hive's order. With a name, only keys that have that value.
fn collect(
    hive: &Hive,
    key: KeyId,
    path: &str,
    name: Option<&str>,
    recursive: bool,
) -> Result<Vec<KeyFacts>> {
    let mut keys = Vec::new();
    let mut pending = vec![(key, path.to_owned(), 0usize)];
    let mut visited = 0usize;
    while let Some((key, path, level)) = pending.pop() {
        visited += 1;
        if visited > KEYS_MAX || level > LEVELS_MAX {
            return Err(CliError::refused("the hive is damaged: its keys do not end"));
        }
        let subkeys = hive.subkeys(key)?;
        let values = match name {
            Some(name) => hive.value(key, name)?.into_iter().collect(),
            None => hive.values(key)?,
        };
        if recursive {
            for (subkey, id) in subkeys.iter().rev() {
                pending.push((*id, format!("{path}\\{subkey}"), level + 1));
            }
        }
        if name.is_some() && values.is_empty() && recursive {
            continue;
        }
        let subkeys = if name.is_some() { Vec::new() } else { subkeys };
        keys.push(KeyFacts {
            path,
            last_write: hive.info(key)?.last_write,
            link: hive.link_target(key).unwrap_or_default(),
            values,
            subkeys: subkeys.into_iter().map(|(name, _)| name).collect(),
        });
    }
    Ok(keys)
}
