//! `winkiln fs ls`.

use winkiln_volume::{Entry, Link, Metadata, Volume};

use super::{existing, volume_and_path};
use crate::args::files::ListArgs;
use crate::error::{Doing as _, Result};
use crate::guest_path::{join, normal};
use crate::output::Output;
use crate::render::files;
use crate::session;

/// The attribute of reparse points.
const REPARSE_POINT: u32 = 0x400;

/// Lists a folder, or shows one file as it would be listed.
pub(super) fn run(args: &ListArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let mut session = session::open_read_only(&args.image, &args.with.open, output)?;
    let (number, volume, path) =
        volume_and_path(&mut session, &args.image, &args.path, &args.links)?;
    let facts = existing(volume, &path)?;
    let (entries, links) = if facts.is_directory && facts.link.is_none() {
        let entries = volume.read_directory(&path).doing(|| format!("cannot list {path}"))?;
        let links = entries.iter().map(|entry| link(volume, &path, entry)).collect();
        (entries, links)
    } else {
        let link = facts.link.clone();
        (vec![entry(facts)], vec![link])
    };
    output.data(&files::list_json(number, &normal(&path), &entries, &links), || {
        files::list_text(&entries, &links)
    })
}

/// Where an entry leads. One whose facts cannot be read is listed all the same.
fn link(volume: &Volume, folder: &str, entry: &Entry) -> Option<Link> {
    if entry.attributes & REPARSE_POINT == 0 {
        return None;
    }
    volume.metadata(&join(folder, &entry.name)).ok()??.link
}

fn entry(facts: Metadata) -> Entry {
    Entry {
        name: facts.name,
        short_name: None,
        is_directory: facts.is_directory,
        size: facts.size,
        attributes: facts.attributes,
        modified: facts.modified,
    }
}
