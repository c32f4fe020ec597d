//! `winkiln fs`.

mod attrib;
mod cat;
pub(super) mod get;
mod ln;
mod ls;
mod mkdir;
mod mv;
mod put;
mod rm;
mod security;
mod stat;

use std::io::{self, Write};
use std::path::Path;

use winkiln_bake::Session;
use winkiln_volume::{Metadata, Volume};

use crate::args::Deferred;
use crate::args::files::{FollowArgs, FsCommand};
use crate::error::{CliError, Doing as _, Result};
use crate::guest_path::{base_name, parent};
use crate::progress::Progress;
use crate::signals;

/// Bytes copied at a time.
const PIECE: usize = 1 << 20;

/// Runs a file command.
pub(super) fn run(command: FsCommand) -> Result<()> {
    match command {
        FsCommand::Ls(Deferred(args)) => ls::run(&args),
        FsCommand::Stat(Deferred(args)) => stat::run(&args),
        FsCommand::Cat(Deferred(args)) => cat::run(&args),
        FsCommand::Get(Deferred(args)) => get::run(&args),
        FsCommand::Put(Deferred(args)) => put::run(&args),
        FsCommand::Mkdir(Deferred(args)) => mkdir::run(&args),
        FsCommand::Rm(Deferred(args)) => rm::run(&args),
        FsCommand::Mv(Deferred(args)) => mv::run(&args),
        FsCommand::Ln(Deferred(args)) => ln::run(&args),
        FsCommand::Security(Deferred(args)) => security::run(&args),
        FsCommand::Attrib(Deferred(args)) => attrib::run(&args),
    }
}

/// The volume that a file command on `path` uses, open for reading, with its number.
fn volume<'s>(session: &'s mut Session, image: &Path, path: &str) -> Result<(u32, &'s Volume)> {
    let doing = || format!("cannot use {}", image.display());
    session.check_drive(path, &[])?;
    let number = session.file_volume().doing(doing)?;
    Ok((number, session.disk().volume(number).doing(doing)?))
}

/// The volume that file commands use, with its number and the path on it: where `-L` says so, the one that links lead to.
fn volume_and_path<'s>(
    session: &'s mut Session,
    image: &Path,
    path: &str,
    links: &FollowArgs,
) -> Result<(u32, &'s Volume, String)> {
    if !links.follow {
        let (number, volume) = volume(session, image, path)?;
        return Ok((number, volume, path.to_owned()));
    }
    session.check_drive(path, &links.drive)?;
    let number = session.file_volume()?;
    let mut drives = links.drive.clone();
    if drives.is_empty() {
        let windows = session.disk().find_windows()?;
        if windows.is_empty() || windows.iter().any(|windows| windows.volume == number) {
            drives.push('C');
        }
    }
    let volume = session.disk().volume(number)?;
    let led = volume.resolve(path, &drives).doing(|| format!("cannot follow {path}"))?;
    Ok((number, volume, led))
}

/// Refuses a link where a file's contents are wanted.
fn no_link(facts: &Metadata, path: &str) -> Result<()> {
    match &facts.link {
        None => Ok(()),
        Some(link) => {
            let text = crate::render::files::link_text(link);
            Err(CliError::failed(format!("{path} is a {text}")).hint("follow links with -L"))
        }
    }
}

/// The facts of a path that must exist, its name as the volume spells it.
fn existing(volume: &Volume, path: &str) -> Result<Metadata> {
    let mut facts = volume
        .metadata(path)
        .doing(|| format!("cannot read {path}"))?
        .ok_or_else(|| CliError::failed(format!("no such file or folder: {path}")))?;
    let Some(name) = base_name(path) else { return Ok(facts) };
    let name = name.split(':').next().unwrap_or_default().to_lowercase();
    // Where the folder cannot be listed, the name stays as it was given.
    let entries = volume.read_directory(parent(path)).unwrap_or_default();
    let entry = entries.into_iter().find(|entry| entry.name.to_lowercase() == name);
    if let Some(entry) = entry {
        facts.name = entry.name;
    }
    Ok(facts)
}

/// Copies a file (or stream) of the volume to `out`. Returns its length.
fn copy(volume: &Volume, path: &str, out: &mut dyn Write, progress: &Progress) -> Result<u64> {
    let mut piece = vec![0; PIECE];
    let mut offset = 0u64;
    loop {
        signals::check()?;
        let read =
            volume.read_at(path, offset, &mut piece).doing(|| format!("cannot read {path}"))?;
        if read == 0 {
            return Ok(offset);
        }
        out.write_all(&piece[..read]).map_err(|error| write_error(path, &error))?;
        offset += read as u64;
        progress.advance(read as u64);
    }
}

fn write_error(path: &str, error: &io::Error) -> CliError {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return CliError::standard_output(error);
    }
    CliError::host(format!("cannot write the copy of {path}"), error)
}

/// The length of what a path names: of the stream when it names one.
fn length(facts: &Metadata, path: &str) -> u64 {
    let stream = base_name(path).and_then(|name| name.split_once(':'));
    let stream = stream.map(|(_, stream)| stream);
    match stream
        .and_then(|name| facts.streams.iter().find(|stream| stream.name.eq_ignore_ascii_case(name)))
    {
        Some(stream) => stream.size,
        None => facts.size,
    }
}
