//! `winkiln reg export`.

use std::path::Path;

use winkiln_bake::Session;
use winkiln_hive::{Hive, KeyId, reg_text};

use super::diff::hives;
use super::{no_such_key, with_key};
use crate::args::reg::ExportArgs;
use crate::args::{OutputArgs, Target, split_target, text};
use crate::error::{CliError, Doing as _, Result};
use crate::loose_hive::{LooseHive, full_name, guess};
use crate::output::{self, Output};
use crate::render::text::size;
use crate::session;

/// Exports a key.
pub(super) fn run(args: &ExportArgs) -> Result<()> {
    let output = Output::new(&OutputArgs { quiet: args.quiet, ..OutputArgs::default() });
    let (target, rest) =
        split_target(args.hive.hive.as_ref(), &args.positional(), &["KEY", "FILE.reg"], 1)?;
    let key = text(&rest[0], "KEY")?;
    let keys = || std::iter::once(&key).chain(&args.also);
    let start = reg_text::write(&[]).unwrap_or_default();
    let mut exported = start;
    let mut export = |key: &str, hive: &Hive, found: Option<KeyId>, shown: &str| {
        let found = found.ok_or_else(|| no_such_key(key))?;
        reg_text::export_all(&mut exported, hive, found, shown)
            .doing(|| format!("cannot export {key}"))
    };
    match &target {
        Target::Image(image) => {
            let mut session = session::open_read_only(image, &args.open, output)?;
            let mut each = Vec::new();
            for key in keys() {
                each.extend(hives_below(&mut session, key)?.unwrap_or_else(|| vec![key.clone()]));
            }
            for key in each {
                with_key(&mut session, image, (&key, args.open_link), |hive, found| {
                    export(&key, hive, found, &full_name(&key))
                })?;
            }
            session::warn_of_recovered(&mut session, output);
        }
        Target::Loose(file) => {
            let mount = args.hive.mount.as_deref();
            let loose = LooseHive::open_read_only(file, mount, output)?;
            let loose = loose.with_open_link(args.open_link);
            for key in keys() {
                let shown = loose_name(&loose, mount, key)?;
                export(key, loose.hive(), loose.find(key)?, &shown)?;
            }
        }
    }
    exported.push_str("\r\n");
    match rest.get(1).filter(|file| *file != "-") {
        Some(file) => write_file(Path::new(file), &exported, output),
        None => output::write_out(exported.replace("\r\n", "\n").as_bytes()),
    }
}

/// The hives below a root key that holds nothing else.
fn hives_below(session: &mut Session, key: &str) -> Result<Option<Vec<String>>> {
    let root = match key.trim_matches('\\').to_ascii_uppercase().as_str() {
        "HKLM" | "HKEY_LOCAL_MACHINE" => "HKLM\\",
        "HKU" | "HKEY_USERS" => "HKU\\",
        _ => return Ok(None),
    };
    let names = hives(session)?.into_iter().map(|name| name.to_string());
    Ok(Some(names.filter(|name| name.starts_with(root)).collect()))
}

/// The full name that regedit needs, for a key that may be relative to the hive's root.
fn loose_name(loose: &LooseHive, mount: Option<&str>, key: &str) -> Result<String> {
    let Some(relative) = key.strip_prefix('\\') else { return Ok(full_name(key)) };
    let mount = mount.or_else(|| guess(loose.hive())).ok_or_else(|| {
        CliError::usage("the hive's contents do not tell where it would be mounted")
            .hint(r"say so with --mount, such as --mount HKLM\SOFTWARE")
    })?;
    Ok(full_name(&format!("{mount}\\{relative}")))
}

/// Writes as regedit does: UTF-16, little-endian, with a byte order mark and CRLF.
fn write_file(file: &Path, text: &str, output: Output) -> Result<()> {
    let bytes: Vec<u8> =
        std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    std::fs::write(file, &bytes)
        .map_err(|error| CliError::host(format!("cannot write {}", file.display()), &error))?;
    output.note(&format!("wrote {} ({})", file.display(), size(bytes.len() as u64)));
    Ok(())
}
