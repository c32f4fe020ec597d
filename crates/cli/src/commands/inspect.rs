//! `winkiln inspect`.

use std::path::Path;

use winkiln_bake::Session;

use crate::args::InspectArgs;
use crate::error::{CliError, Result};
use crate::output::Output;
use crate::progress::Progress;
use crate::render::inspect;
use crate::render::inspect_json::{self, Inspection};
use crate::session;

/// Shows what an image holds.
pub(crate) fn run(args: &InspectArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let progress = Progress::spinner(output, "inspecting");
    let mut session = session::look_at(&args.image, &args.with.open)?;
    let mut found = look(&mut session, &args.image, args.with.open.volume)?;
    // Where no Windows is, or none that can be read, the page tells so.
    found.health = winkiln_doctor::quick(&mut session, None).ok();
    if let Ok(windows) = session.windows() {
        match session.installed_drivers() {
            Ok(drivers) => found.vendor_drivers = Some((windows, drivers)),
            Err(error) => {
                let error = CliError::from(error).one_line();
                found.warnings.push(format!("cannot tell the drivers of vendors: {error}"));
            }
        }
    }
    drop(progress);
    output.data(&inspect_json::document(&found), || inspect::page(&found, output.is_verbose()))
}

/// Collects what is to be shown; what cannot be read becomes a warning. With `volume`, only that one and its Windows.
pub(crate) fn look(session: &mut Session, path: &Path, volume: Option<u32>) -> Result<Inspection> {
    let (format, virtual_size) = session.image();
    let mut warnings = session.warnings().to_vec();
    let disk = session.disk();
    let windows = disk.find_windows().unwrap_or_else(|error| {
        warnings.push(format!("cannot look for Windows: {}", CliError::from(error).one_line()));
        Vec::new()
    });
    let wanted = |number: u32| volume.is_none_or(|volume| volume == number);
    let volumes: Vec<_> =
        disk.volumes().iter().filter(|volume| wanted(volume.number)).cloned().collect();
    if let (Some(number), true) = (volume, volumes.is_empty()) {
        return Err(CliError::usage(format!("{} has no volume {number}", path.display())));
    }
    Ok(Inspection {
        path: path.display().to_string(),
        format,
        virtual_size,
        table: disk.table().clone(),
        volumes,
        windows: windows.into_iter().filter(|windows| wanted(windows.volume)).collect(),
        health: None,
        vendor_drivers: None,
        warnings,
    })
}
