//! `winkiln fs ls`.

use winkiln_volume::{Entry, Metadata};

use super::{existing, volume};
use crate::args::files::ListArgs;
use crate::error::{Doing as _, Result};
use crate::guest_path::normal;
use crate::output::Output;
use crate::render::files;
use crate::session;

/// Lists a folder, or shows one file as it would be listed.
pub(super) fn run(args: &ListArgs) -> Result<()> {
    let output = Output::new(&args.output);
    let mut session = session::open_read_only(&args.image, &args.open, output)?;
    let (number, volume) = volume(&mut session, &args.image)?;
    let facts = existing(volume, &args.path)?;
    let entries = if facts.is_directory {
        volume.read_directory(&args.path).doing(|| format!("cannot list {}", args.path))?
    } else {
        vec![entry(facts)]
    };
    output.data(&files::list_json(number, &normal(&args.path), &entries), || {
        files::list_text(&entries)
    })
}

fn entry(facts: Metadata) -> Entry {
    Entry {
        name: facts.name,
        short_name: None,
        is_directory: false,
        size: facts.size,
        attributes: facts.attributes,
        modified: facts.modified,
    }
}
