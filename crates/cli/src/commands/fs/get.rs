//! `winkiln fs get`.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use winkiln_volume::Volume;

use super::{copy, existing, length, no_link, volume_and_path};
use crate::args::files::GetArgs;
use crate::error::{CliError, Doing as _, Result};
use crate::guest_path::{LEVELS_MAX, base_name, join, safe_host_name};
use crate::output::Output;
use crate::progress::Progress;
use crate::render::text::{count, size};
use crate::session;
use crate::signals;

/// Reparse points are links and mount points of the guest; they are not followed.
const REPARSE_POINT: u32 = 0x400;

/// What was copied.
#[derive(Debug, Default, Serialize)]
pub(in crate::commands) struct Got {
    pub(in crate::commands) files: usize,
    folders: usize,
    pub(in crate::commands) bytes: u64,
    pub(in crate::commands) skipped: Vec<String>,
}

/// Copies out of the image.
pub(super) fn run(args: &GetArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let mut session = session::open_read_only(&args.image, &args.with.open, output)?;
    let (_, volume, path) = volume_and_path(&mut session, &args.image, &args.path, &args.links)?;
    let facts = existing(volume, &path)?;
    let is_stream = base_name(&path).is_some_and(|name| name.contains(':'));
    let is_folder = facts.is_directory && !is_stream;
    if !is_stream {
        no_link(&facts, &path)?;
    }
    let mut done = Got::default();
    if args.local.as_os_str() == "-" {
        if is_folder {
            return Err(CliError::usage("a folder cannot be written to standard output"));
        }
        if output.is_json() {
            return Err(CliError::usage("--json and the file cannot share standard output"));
        }
        let mut out = std::io::stdout().lock();
        let progress = Progress::bytes(output, length(&facts, &path), &path);
        copy(volume, &path, &mut out, &progress)?;
        return out.flush().map_err(|error| CliError::standard_output(&error));
    }
    let name = if let Some(given) = base_name(&args.path) {
        // The name as the volume spells it; a stream keeps the one given, and so does what a link leads to.
        if given.contains(':') || args.links.follow { given.to_owned() } else { facts.name.clone() }
    } else {
        String::new()
    };
    let target = destination(&args.local, &name)?;
    if is_folder {
        if !args.recursive {
            return Err(CliError::usage(format!("{path} is a folder")).hint("copy folders with -r"));
        }
        get_folder(volume, &path, &target, &mut done, output)?;
    } else {
        let progress = Progress::bytes(output, length(&facts, &path), &path);
        done.bytes = get_file(volume, &path, &target, &progress)?;
        done.files = 1;
    }
    output.outcome(&done, || {
        let folders = if done.folders > 0 {
            format!(" and {}", count(done.folders, "folder"))
        } else {
            String::new()
        };
        format!(
            "{}{folders} to {} ({})\n",
            count(done.files, "file"),
            target.display(),
            size(done.bytes)
        )
    })?;
    if done.skipped.is_empty() {
        return Ok(());
    }
    Err(CliError::failed(match done.skipped.len() {
        1 => "1 entry was not copied".to_owned(),
        skipped => format!("{skipped} entries were not copied"),
    }))
}

/// An existing folder receives, any other name is taken, as with cp.
fn destination(local: &Path, name: &str) -> Result<PathBuf> {
    let is_folder = fs::metadata(local).is_ok_and(|facts| facts.is_dir());
    if !is_folder {
        if local.as_os_str().as_encoded_bytes().ends_with(b"/") && !name.is_empty() {
            return Err(CliError::failed(format!("no such folder: {}", local.display())));
        }
        return Ok(local.to_owned());
    }
    if name.is_empty() {
        // The root folder has no name of its own: its contents go into the folder.
        return Ok(local.to_owned());
    }
    let name = safe_host_name(name)
        .ok_or_else(|| CliError::failed(format!("{name:?} cannot be the name of a file here")))?;
    Ok(local.join(name))
}

/// Writes a copy under a temporary name and gives it its own when it is complete; devices and pipes are written directly.
pub(in crate::commands) fn get_file(
    volume: &Volume,
    path: &str,
    target: &Path,
    progress: &Progress,
) -> Result<u64> {
    let host = |error: &std::io::Error| {
        CliError::host(format!("cannot write {}", target.display()), error)
    };
    let existing = fs::metadata(target).ok();
    if existing.as_ref().is_some_and(fs::Metadata::is_dir) {
        return Err(CliError::failed(format!("{} is a folder", target.display())));
    }
    if existing.as_ref().is_some_and(|facts| !facts.is_file()) {
        let mut out = File::options().write(true).open(target).map_err(|error| host(&error))?;
        return copy(volume, path, &mut out, progress);
    }
    let target = if existing.is_some() {
        fs::canonicalize(target).map_err(|error| host(&error))?
    } else {
        target.to_owned()
    };
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    // A signal leaves no half a copy behind.
    signals::be_waited_for();
    let mut out = tempfile::Builder::new()
        .prefix(".winkiln-")
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(|error| host(&error))?;
    let length = copy(volume, path, out.as_file_mut(), progress)?;
    if let Some(facts) = existing {
        out.as_file().set_permissions(facts.permissions()).map_err(|error| host(&error))?;
    }
    out.persist(&target).map_err(|error| host(&error.error))?;
    Ok(length)
}

fn is_link(volume: &Volume, path: &str) -> Result<bool> {
    let facts = volume.metadata(path).doing(|| format!("cannot read {path}"))?;
    Ok(facts.is_some_and(|facts| facts.link.is_some()))
}

/// Copies a folder with all in it; what is left out is warned of.
pub(in crate::commands) fn get_folder(
    volume: &Volume,
    path: &str,
    target: &Path,
    done: &mut Got,
    output: Output,
) -> Result<()> {
    let progress = Progress::spinner(output, path);
    let mut pending = vec![(path.to_owned(), target.to_owned(), 0)];
    while let Some((folder, target, level)) = pending.pop() {
        if level > LEVELS_MAX {
            return Err(CliError::refused("the volume is damaged: its folders do not end"));
        }
        if !target.is_dir() {
            fs::create_dir(&target).map_err(|error| {
                CliError::host(format!("cannot make {}", target.display()), &error)
            })?;
        }
        done.folders += 1;
        for entry in volume.read_directory(&folder).doing(|| format!("cannot list {folder}"))? {
            let inside = join(&folder, &entry.name);
            let reparse = entry.attributes & REPARSE_POINT != 0;
            let why = match safe_host_name(&entry.name) {
                None => Some("its name cannot be the name of a file here"),
                Some(_) if reparse && (entry.is_directory || is_link(volume, &inside)?) => {
                    Some("it is a link of the guest")
                }
                Some(_) => None,
            };
            if let Some(why) = why {
                output.warn(&format!("{inside} is not copied: {why}"));
                done.skipped.push(inside);
                continue;
            }
            let outside = target.join(&entry.name);
            if entry.is_directory {
                pending.push((inside, outside, level + 1));
            } else {
                progress.say(&inside);
                done.bytes += get_file(volume, &inside, &outside, &progress)?;
                done.files += 1;
            }
        }
    }
    Ok(())
}
