//! `winkiln fs put`.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use winkiln_bake::Step;
use winkiln_bake::step::Contents;

use super::{PIECE, volume_and_path};
use crate::args::files::PutArgs;
use crate::error::{CliError, Result};
use crate::guest_path::{base_name, join, name_of_host, names_a_folder, parent};
use crate::output::Output;
use crate::session;
use crate::signals;

/// Folders below folders, which bounds a walk that the host changes meanwhile.
const LEVELS_MAX: usize = 4096;
/// Milliseconds that standard input is waited for at a time.
const WAIT: u8 = 100;

/// Copies into the image.
pub(super) fn run(args: &PutArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let mut session = session::open(&args.image, &args.with.open, &args.with.write)?;
    let (_, volume, mut path) =
        volume_and_path(&mut session, &args.image, &args.path, &args.links)?;
    if names_a_folder(&args.path) && !names_a_folder(&path) {
        path.push('\\');
    }
    let existing = if base_name(&path).is_none() {
        Some(true)
    } else {
        volume.metadata(path.trim_end_matches(['\\', '/']))?.map(|facts| facts.is_directory)
    };
    if !args.parents && existing.is_none() {
        let folder = parent(&path);
        let facts = volume.metadata(folder)?;
        if !facts.is_some_and(|facts| facts.is_directory) {
            return Err(CliError::failed(format!("no such folder in the image: {folder}"))
                .hint("make missing folders with -p"));
        }
    }
    // Lives until the session has read it.
    let spool;
    let mut steps = if args.local.as_os_str() == "-" {
        if existing == Some(true) || names_a_folder(&path) {
            return Err(CliError::usage("standard input has no name that the copy could take")
                .hint("give the name of the file, not its folder"));
        }
        spool = spool_standard_input()?;
        vec![put_file(path, spool.path(), args.parents)]
    } else {
        steps(args, path, existing)?
    };
    if let Some(sddl) = args.sddl.clone() {
        secure(&mut steps, sddl);
    }
    let report = session::bake(session, steps, &args.image, output)?;
    output.report(&report, None)
}

/// Adds the step that gives the topmost file or folder its descriptor, before anything in it inherits from that.
fn secure(steps: &mut Vec<Step>, sddl: String) {
    let (Some(Step::PutFile { path, .. }) | Some(Step::MakeDirectory { path, .. })) = steps.first()
    else {
        return;
    };
    let step = Step::SetSecurity { path: path.clone(), sddl, inside: None, below: false };
    steps.insert(1, step);
}

fn put_file(path: String, local: &Path, parents: bool) -> Step {
    Step::PutFile { path, contents: Contents::HostFile(local.to_owned()), parents }
}

fn spool_standard_input() -> Result<tempfile::NamedTempFile> {
    let failed = |error: &std::io::Error| CliError::host("cannot read standard input", error);
    let mut spool = tempfile::NamedTempFile::new().map_err(|error| failed(&error))?;
    let standard = std::io::stdin();
    let input = standard.as_fd().try_clone_to_owned().map_err(|error| failed(&error))?;
    let mut input = File::from(input);
    let mut piece = vec![0; PIECE];
    loop {
        // Nothing may ever come: a signal is heeded meanwhile.
        signals::check()?;
        let mut waiting = [PollFd::new(standard.as_fd(), PollFlags::POLLIN)];
        match poll(&mut waiting, WAIT) {
            Ok(0) | Err(Errno::EINTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(failed(&error.into())),
        }
        let read = input.read(&mut piece).map_err(|error| failed(&error))?;
        if read == 0 {
            return Ok(spool);
        }
        spool.write_all(&piece[..read]).map_err(|error| failed(&error))?;
    }
}

/// The steps of a copy from the host to `path`. `existing` tells whether that is a folder, when it exists.
fn steps(args: &PutArgs, path: String, existing: Option<bool>) -> Result<Vec<Step>> {
    let local = &args.local;
    let facts = fs::metadata(local)
        .map_err(|error| CliError::host(format!("cannot read {}", local.display()), &error))?;
    let destination = match existing {
        // `put -r folder/. x` copies what is in the folder.
        Some(true) if facts.is_dir() && ends_in_dot(local) => path,
        Some(true) => join(&path, &name_of_host(local)?),
        Some(false) if facts.is_dir() => {
            return Err(CliError::failed(format!("{path} is a file in the image")));
        }
        None if !facts.is_dir() && names_a_folder(&path) && args.parents => {
            join(&path, &name_of_host(local)?)
        }
        None if !facts.is_dir() && names_a_folder(&path) => {
            return Err(CliError::failed(format!("no such folder in the image: {path}"))
                .hint("make missing folders with -p"));
        }
        _ => path,
    };
    if facts.is_file() {
        return Ok(vec![put_file(destination, local, args.parents)]);
    }
    if !facts.is_dir() {
        return Err(CliError::failed(format!("{} is not a file or folder", local.display())));
    }
    if !args.recursive {
        return Err(CliError::usage(format!("{} is a folder", local.display()))
            .hint("copy folders with -r"));
    }
    let mut steps = Vec::new();
    walk(local, destination, args.parents, 0, &mut steps)?;
    Ok(steps)
}

fn ends_in_dot(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes == b"." || bytes.ends_with(b"/.") || bytes.ends_with(b"/./")
}

/// A step for the folder and each thing below it, in the order of names.
fn walk(
    local: &Path,
    path: String,
    parents: bool,
    level: usize,
    steps: &mut Vec<Step>,
) -> Result<()> {
    let failed =
        |error: &std::io::Error| CliError::host(format!("cannot read {}", local.display()), error);
    if level > LEVELS_MAX {
        return Err(CliError::failed(format!("{} lies too deep", local.display())));
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(local).map_err(|error| failed(&error))? {
        let entry = entry.map_err(|error| failed(&error))?;
        entries.push((entry.path(), entry.file_type().map_err(|error| failed(&error))?));
    }
    entries.sort_by(|a, b| a.0.as_os_str().cmp(b.0.as_os_str()));
    steps.push(Step::MakeDirectory { path: path.clone(), parents });
    for (local, kind) in entries {
        let inside = join(&path, &name_of_host(&local)?);
        if kind.is_dir() {
            walk(&local, inside, false, level + 1, steps)?;
        } else if kind.is_file() {
            steps.push(put_file(inside, &local, false));
        } else {
            let what = if kind.is_symlink() { "a symbolic link" } else { "not a file or folder" };
            return Err(CliError::failed(format!(
                "{} is {what}; nothing was copied",
                local.display()
            ))
            .hint("copy the folder without it, or put what it points to in its place"));
        }
    }
    Ok(())
}
