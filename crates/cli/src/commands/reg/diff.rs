//! `winkiln reg diff`.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use winkiln_bake::Session;
use winkiln_guest::{HiveName, Location};
use winkiln_hive::diff::{Difference, Differs, diff, operations};
use winkiln_hive::{Hive, reg_text};

use crate::args::reg::DiffArgs;
use crate::error::{CliError, Doing as _, Result};
use crate::loose_hive::{LooseHive, full_name, is_secret};
use crate::output::{self, Output};
use crate::render::registry_diff;
use crate::session;

/// What is compared: a hive file, or all hives of an image.
enum Side {
    Loose(Box<LooseHive>),
    Image(Box<Session>),
}

/// Differences below one key; its full name.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) prefix: String,
    /// Values are not to be shown.
    pub(crate) secret: bool,
    pub(crate) differences: Vec<Difference>,
}

/// Shows what differs.
pub(super) fn run(args: &DiffArgs) -> Result<()> {
    let output = Output::new(&args.output.common());
    let mut a = open(&args.a, args, output)?;
    let mut b = open(&args.b, args, output)?;
    let keys = keys(&mut a, &mut b, args, output)?;
    let compared = compare(&mut a, &mut b, keys)?;
    if !args.reg {
        return output.data(&registry_diff::json(&compared), || registry_diff::text(&compared));
    }
    print_reg(compared, output)
}

/// Compares the hives that both images have, without the boot configuration store.
pub(crate) fn compare_images(
    mut a: Session,
    mut b: Session,
    paths: [&Path; 2],
    output: Output,
) -> Result<Vec<Compared>> {
    let mut keys = shared_hives(&mut a, &mut b, paths, output)?;
    keys.retain(|name| *name != HiveName::Bcd);
    let keys = keys.iter().map(ToString::to_string).collect();
    let (mut a, mut b) = (Side::Image(Box::new(a)), Side::Image(Box::new(b)));
    compare(&mut a, &mut b, keys)
}

/// Compares what is below each key.
fn compare(a: &mut Side, b: &mut Side, keys: Vec<String>) -> Result<Vec<Compared>> {
    let mut compared = Vec::new();
    for key in keys {
        let mut differences = Vec::new();
        let doing = || format!("cannot compare {key}");
        a.with(&key, |a_hive, a_key| {
            b.with(&key, |b_hive, b_key| {
                match (a_key, b_key) {
                    (Some(a_key), Some(b_key)) => {
                        differences = diff((a_hive, a_key), (b_hive, b_key)).doing(doing)?;
                    }
                    _ => return Err(CliError::failed(format!("no such key: {key}"))),
                }
                Ok(())
            })
        })?;
        let prefix = if key.starts_with('\\') {
            key.trim_end_matches('\\').to_owned()
        } else {
            full_name(&key)
        };
        let secret = is_secret(&prefix) || a.is_secret() || b.is_secret();
        compared.push(Compared { prefix, secret, differences });
    }
    Ok(compared)
}

/// Prints a .reg file that makes the first what the second is.
fn print_reg(compared: Vec<Compared>, output: Output) -> Result<()> {
    let mut all = Vec::new();
    for Compared { prefix, differences, .. } in &compared {
        if prefix.is_empty() || prefix.starts_with('\\') {
            return Err(CliError::usage(
                "the hives' contents do not tell where they would be mounted",
            )
            .hint(r"say so with --mount, such as --mount HKLM\SOFTWARE"));
        }
        let classes =
            differences.iter().filter(|found| matches!(found.what, Differs::Class { .. })).count();
        if classes > 0 {
            output.warn(&format!(
                "{prefix}: {classes} class names differ, which .reg files cannot hold"
            ));
        }
        all.extend(operations(differences, prefix));
    }
    let text = reg_text::write(&all)
        .map_err(|error| CliError::failed(format!("cannot write a .reg file: {error}")))?;
    output::write_out(text.replace("\r\n", "\n").as_bytes())
}

fn open(path: &Path, args: &DiffArgs, output: Output) -> Result<Side> {
    let mut start = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read(&mut start));
    read.map_err(|error| CliError::host(format!("cannot read {}", path.display()), &error))?;
    if start == *b"regf" {
        return Ok(Side::Loose(Box::new(LooseHive::open_read_only(
            path,
            args.mount.as_deref(),
            output,
        )?)));
    }
    Ok(Side::Image(Box::new(session::open_read_only(path, &args.open, output)?)))
}

/// The keys to compare: the one asked for, the loose hives' roots, or those of all hives that both images have.
fn keys(a: &mut Side, b: &mut Side, args: &DiffArgs, output: Output) -> Result<Vec<String>> {
    if let Some(key) = &args.key {
        return Ok(vec![key.clone()]);
    }
    match (&mut *a, &mut *b) {
        (Side::Loose(a), Side::Loose(b)) => Ok(vec![match (a.mount(), b.mount()) {
            (Some(a), Some(b)) if a == b => a.to_owned(),
            _ => "\\".to_owned(),
        }]),
        (Side::Loose(loose), Side::Image(_)) | (Side::Image(_), Side::Loose(loose)) => {
            loose.mount().map(|mount| vec![mount.to_owned()]).ok_or_else(|| {
                CliError::usage("the hive's contents do not tell where it would be mounted")
                    .hint(r"say so with --mount, such as --mount HKLM\SOFTWARE")
            })
        }
        (Side::Image(a), Side::Image(b)) => {
            let shared = shared_hives(a, b, [&args.a, &args.b], output)?;
            Ok(shared.iter().map(ToString::to_string).collect())
        }
    }
}

/// The hives that both images have; tells of the others.
fn shared_hives(
    a: &mut Session,
    b: &mut Session,
    [path_a, path_b]: [&Path; 2],
    output: Output,
) -> Result<Vec<HiveName>> {
    let (first, second) = (hives(a)?, hives(b)?);
    for (own, other, path) in [(&first, &second, path_a), (&second, &first, path_b)] {
        for name in own.iter().filter(|name| !other.contains(name)) {
            output.warn(&format!("only {} has {name}", path.display()));
        }
    }
    Ok(first.into_iter().filter(|name| second.contains(name)).collect())
}

/// The hives of an image.
pub(super) fn hives(session: &mut Session) -> Result<Vec<HiveName>> {
    let doing = || "cannot list the hives".to_owned();
    let (registry, disk) = session.registry().doing(doing)?;
    registry.hives(disk).doing(doing)
}

impl Side {
    /// True for a hive of accounts or secrets, wherever it is said to be mounted.
    fn is_secret(&self) -> bool {
        matches!(self, Side::Loose(hive) if hive.is_secret())
    }

    /// Calls `read` with the hive that holds `key`, and the key when it exists.
    fn with<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&Hive, Option<winkiln_hive::KeyId>) -> Result<T>,
    ) -> Result<T> {
        match self {
            Self::Loose(loose) => read(loose.hive(), loose.find(key)?),
            Self::Image(session) => {
                let doing = || format!("cannot read {key}");
                let (registry, disk) = session.registry().doing(doing)?;
                let Location { hive, path } = registry.locate(disk, key).doing(doing)?;
                let hive = registry.hive(disk, &hive).doing(doing)?;
                let found = hive.find(hive.root(), &path).doing(doing)?;
                read(hive, found)
            }
        }
    }
}
