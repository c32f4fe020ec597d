//! `winkiln reg import`.

use std::borrow::Cow;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use winkiln_bake::reg_steps;
use winkiln_hive::reg_text::{self, Encoding, code_page};

use super::in_sets;
use crate::args::reg::ImportArgs;
use crate::args::{Target, split_target};
use crate::clock;
use crate::error::{CliError, Doing as _, Result};
use crate::loose_hive::LooseHive;
use crate::output::Output;
use crate::session;

/// A .reg file of a whole SOFTWARE hive is a tenth of that.
const REG_BYTES_MAX: u64 = 1 << 30;

/// Imports a .reg file.
pub(super) fn run(args: &ImportArgs) -> Result<()> {
    let output = Output::new(&args.with.output.common());
    let (target, rest) =
        split_target(args.with.hive.hive.as_ref(), &args.positional(), &["FILE.reg"], 0)?;
    let source = PathBuf::from(&rest[0]);
    let code_page = match &args.encoding {
        None => code_page("CP1252"),
        Some(name) => code_page(name),
    };
    let Some(code_page) = code_page else {
        let name = args.encoding.as_deref().unwrap_or_default();
        return Err(CliError::usage(format!("--encoding {name} is not a code page that is known"))
            .hint("such as CP1250 to CP1258, CP866, CP932, CP936, CP949, CP950, UTF-8"));
    };
    let text = read(&source, code_page)?;
    let doing = || format!("cannot read {}", source.display());
    let operations = reg_text::operations(&text, code_page).doing(doing)?;
    let report = match &target {
        Target::Image(image) => {
            let session = session::open(image, &args.with.open, &args.with.write)?;
            let steps = reg_steps::steps(operations).doing(doing)?;
            drop(text);
            let steps = steps.into_iter().map(|step| in_sets(step, args.all_control_sets));
            session::bake(session, steps, image, output)?
        }
        Target::Loose(file) => {
            let now = clock::loose_time(&args.with.write)?;
            let hive =
                LooseHive::open(file, args.with.hive.mount.as_deref(), args.with.write.dry_run)?;
            let mut hive = hive.with_changes_told(output.changes_told());
            hive.import(operations, args.all_control_sets, now)
                .doing(|| format!("cannot import {}", source.display()))?;
            drop(text);
            hive.finish(now)?
        }
    };
    output.report(&report, None)
}

fn read(source: &Path, code_page: &'static Encoding) -> Result<String> {
    let doing = || format!("cannot read {}", source.display());
    let mut bytes = Vec::new();
    let reader: Box<dyn std::io::Read> = if source.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(source).map_err(|error| CliError::host(doing(), &error))?)
    };
    reader
        .take(REG_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| CliError::host(doing(), &error))?;
    if bytes.len() as u64 > REG_BYTES_MAX {
        return Err(CliError::failed(format!("{} is too long for a .reg file", source.display())));
    }
    match reg_text::decode(&bytes, code_page).doing(doing)? {
        // Without a copy where nothing was to be decoded.
        Cow::Borrowed(text) if text.len() == bytes.len() => {}
        text => return Ok(text.into_owned()),
    }
    String::from_utf8(bytes).map_err(|error| CliError::failed(error.to_string()))
}
