//! `winkiln drivers scan`.

use winkiln_guest::{Registry, boots_on};

use crate::args::drivers::ScanArgs;
use crate::error::{CliError, Doing as _, Result};
use crate::output::Output;
use crate::progress::Progress;
use crate::render::boots_on::{self as render, Scanned};
use crate::session;

/// Tells from which disk controllers each Windows of an image boots.
pub(crate) fn run(args: &ScanArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let progress = Progress::spinner(output, "reading drivers");
    let open = &args.with.open;
    let mut session = session::open_read_only(&args.image, open, output)?;
    let disk = session.disk();
    let doing = || format!("cannot look for Windows in {}", args.image.display());
    let mut found = disk.find_windows().doing(doing)?;
    found.retain(|windows| open.volume.is_none_or(|volume| volume == windows.volume));
    if found.is_empty() {
        return Err(CliError::from(disk.no_windows()).while_doing(doing));
    }
    let mut scanned = Vec::new();
    for windows in found {
        let mut registry = Registry::new(&windows);
        let buses = boots_on(disk, &mut registry, &windows)
            .doing(|| format!("cannot tell what {} boots from", windows.product_name))?;
        for hive in registry.recovered() {
            output.warn(&hive.to_string());
        }
        scanned.push(Scanned { windows, buses });
    }
    drop(progress);
    output.data(&render::document(&scanned), || render::text(&scanned, output.is_verbose()))
}
