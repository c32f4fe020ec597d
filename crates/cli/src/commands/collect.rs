//! `winkiln collect`.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use winkiln_guest::service_file;

use super::fs::get::{Got, get_file, get_folder};
use crate::args::collect::CollectArgs;
use crate::error::{CliError, Doing as _, Result};
use crate::guest_path::safe_host_name;
use crate::output::Output;
use crate::progress::Progress;
use crate::render::text::{count, size};
use crate::session;

/// Logs and small dumps below the Windows folder, of every generation.
const PLACES: [&str; 20] = [
    r"System32\winevt\Logs",
    r"System32\config\AppEvent.Evt",
    r"System32\config\SecEvent.Evt",
    r"System32\config\SysEvent.Evt",
    r"INF\setupapi.dev.log",
    r"INF\setupapi.setup.log",
    r"INF\setupapi.offline.log",
    r"INF\setupapi.app.log",
    "setupapi.log",
    "Minidump",
    "LiveKernelReports",
    r"Logs\CBS",
    r"Logs\DISM",
    "Panther",
    r"System32\Sysprep\Panther",
    "WindowsUpdate.log",
    "ntbtlog.txt",
    r"System32\LogFiles\Srt",
    r"System32\LogFiles\Scm",
    "winkiln",
];
/// Where Windows is told to put its dumps, and where it puts them untold.
const CRASH_CONTROL: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\CrashControl";

#[derive(Debug, Default, Serialize)]
struct CollectJson {
    /// Paths in the guest.
    collected: Vec<String>,
    missing: Vec<String>,
    files: usize,
    bytes: u64,
    skipped: Vec<String>,
}

/// Copies event logs, setup and update logs and crash dumps out of an image, each below the folder as it lies in the guest.
pub(crate) fn run(args: &CollectArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let mut session = session::open_read_only(&args.image, &args.with.open, output)?;
    let doing = || format!("cannot find Windows in {}", args.image.display());
    let windows = session.windows().doing(doing)?;
    let root = &windows.system_root;
    let mut places: Vec<String> = PLACES.iter().map(|place| format!(r"{root}\{place}")).collect();
    for (value, usual, wanted) in
        [("MinidumpDir", "Minidump", true), ("DumpFile", "MEMORY.DMP", args.memory_dump)]
    {
        // A registry that cannot be read is no reason to leave the logs behind.
        let text = session.value_of(CRASH_CONTROL, value).ok().flatten();
        let text = text.map(|(_, data)| winkiln_hive::strings(&data));
        let text = text.and_then(|texts| texts.into_iter().next());
        let place = text.and_then(|text| service_file("", Some(&text), root));
        let place = place.unwrap_or_else(|| format!(r"{root}\{usual}"));
        if wanted && !places.iter().any(|other| other.eq_ignore_ascii_case(&place)) {
            places.push(place);
        }
    }
    fs::create_dir_all(&args.dir)
        .map_err(|error| CliError::host(format!("cannot make {}", args.dir.display()), &error))?;
    let volume = session.disk().volume(windows.volume).doing(doing)?;
    let mut done = CollectJson::default();
    let mut got = Got::default();
    for place in places {
        let facts = volume.metadata(&place).doing(|| format!("cannot read {place}"))?;
        let Some(facts) = facts.filter(|facts| facts.link.is_none()) else {
            done.missing.push(place);
            continue;
        };
        let target = target(&args.dir, &place)?;
        if facts.is_directory {
            fs::create_dir_all(&target).map_err(|error| {
                CliError::host(format!("cannot make {}", target.display()), &error)
            })?;
            get_folder(volume, &place, &target, &mut got, output)?;
        } else {
            let progress = Progress::bytes(output, facts.size, &place);
            got.bytes += get_file(volume, &place, &target, &progress)?;
            got.files += 1;
        }
        done.collected.push(place);
    }
    (done.files, done.bytes, done.skipped) = (got.files, got.bytes, got.skipped);
    output.outcome(&done, || {
        format!("{} to {} ({})\n", count(done.files, "file"), args.dir.display(), size(done.bytes))
    })
}

/// The place of a guest's path below a folder, whose parent is made.
fn target(dir: &Path, place: &str) -> Result<PathBuf> {
    let mut target = dir.to_owned();
    for part in place.split('\\').filter(|part| !part.is_empty()) {
        let part = safe_host_name(part).ok_or_else(|| {
            CliError::failed(format!("{part:?} cannot be the name of a file here"))
        })?;
        target.push(part);
    }
    let parent = target.parent().unwrap_or(dir);
    fs::create_dir_all(parent)
        .map_err(|error| CliError::host(format!("cannot make {}", parent.display()), &error))?;
    Ok(target)
}
