//! A Windows Installer package: tables name files and folders, cabinets in the package or beside it hold their contents.
//!
//! The tree is what the package would install, with all of its files, whatever their conditions.

mod beside;
mod database;
mod folders;
mod media;
mod stream_name;
mod summary;

use std::collections::HashMap;
use std::path::Path;

use crate::compound::{self, Compound};
use crate::contents::Contents;
use crate::error::{Error, Format};
use crate::limits::Limits;
use crate::list::{List, Node};
use crate::name::{self, Reason};
use crate::source::Reading;
use beside::Beside;
use database::{Database, Table};
use folders::{Folders, Side};
use media::Media;
use summary::WordCount;

/// Attributes of a file that go before what the package says of all.
const NOT_COMPRESSED: i64 = 0x2000;
const COMPRESSED: i64 = 0x4000;

/// Bytes of the paths of all files and folders.
const PATHS_MAX: u64 = 64 << 20;

pub(crate) fn is_msi(head: &[u8]) -> bool {
    compound::is_compound(head)
}

/// Lists a package; `place` is where it lies on the host, if it does.
pub(crate) fn list(reading: &Reading, place: Option<&Path>, limits: Limits) -> Result<List, Error> {
    let mut compound = Compound::read(reading)?;
    let word_count = WordCount::read(&mut compound)?;
    let no_package = || Error::Unsupported {
        format: Format::Msi,
        what: "a compound file without a table of files",
    };
    let mut database = Database::read(&mut compound, reading)?.ok_or_else(no_package)?;
    let columns = ["File", "Component_", "FileName", "Attributes", "Sequence"];
    let files = database.table("File", &columns)?.ok_or_else(no_package)?;
    let mut components = HashMap::new();
    if let Some(table) = database.table("Component", &["Component", "Directory_"])? {
        components.extend((0..table.rows).map(|row| (table.string(row, 0), table.string(row, 1))));
    }
    let mut package = Package {
        folders: Folders::read(&mut database)?,
        media: Media::read(&mut database, reading, limits)?,
        database,
        components,
        beside: Beside::new(place),
        word_count,
    };
    let mut list = List::new(Format::Msi, limits);
    let mut names = 0u64;
    for row in 0..files.rows {
        let (path, found) = package.file(&files, row)?;
        names = names.saturating_add(path.len() as u64);
        if names.saturating_add(package.folders.bytes) > PATHS_MAX {
            return Err(reading.damaged("File", 0, names, "at most 64 MiB of paths"));
        }
        match found {
            Ok((contents, size)) => list.add(path, Node::File { size, contents })?,
            Err(reason) => list.leave_out(path, reason)?,
        }
        package.media.within(list.bytes())?;
    }
    Ok(list)
}

struct Package<'a> {
    database: Database<'a>,
    folders: Folders,
    media: Media,
    /// The folder of each component.
    components: HashMap<u32, u32>,
    beside: Beside,
    word_count: WordCount,
}

impl Package<'_> {
    /// Path, contents and size of a file; a path to show and a reason when it cannot be in the tree.
    #[allow(clippy::type_complexity)]
    fn file(
        &mut self,
        files: &Table,
        row: usize,
    ) -> Result<(String, Result<(Contents, u64), Reason>), Error> {
        let [key, component, name] = [0, 1, 2].map(|column| files.string(row, column));
        let folder = self.components.get(&component).copied();
        let path = match self.path(folder, name, Side::Target) {
            Ok(path) => path,
            Err(reason) => return Ok((self.database.shown(name), Err(reason))),
        };
        let attributes = files.number(row, 3).unwrap_or(0);
        let compressed = attributes & COMPRESSED != 0
            || (attributes & NOT_COMPRESSED == 0 && self.word_count.is_compressed());
        let sequence = files.number(row, 4).unwrap_or(0);
        let cabinet = self.media.cabinet_of(sequence).filter(|name| compressed && *name != 0);
        let found = if let Some(cabinet) = cabinet {
            let key = self.database.bytes(key).to_vec();
            self.media.contents(&mut self.database, &mut self.beside, cabinet, &key)?
        } else {
            let short = self.word_count.has_short_names();
            let side = if short { Side::ShortSource } else { Side::Source };
            self.path(folder, name, side).and_then(|path| self.beside.file(&path))
        };
        Ok((path, found))
    }

    fn path(&mut self, folder: Option<u32>, name: u32, side: Side) -> Result<String, Reason> {
        let folder = folder.ok_or(Reason::Missing)?;
        let text = self.database.text(name).ok_or(Reason::Undecodable)?;
        let name = folders::file_name(&text, side);
        name::component(name)?;
        let folder = self.folders.path(&self.database, folder, side)?;
        let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        name::path(&path, &['/'])
    }
}
