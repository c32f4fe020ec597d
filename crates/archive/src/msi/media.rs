//! Where the contents of a package's files are: cabinets in it and beside it.
//!
//! Source: "Media Table" and "Cabinet Files" in Microsoft's Windows Installer documentation.

use std::collections::HashMap;
use std::sync::Arc;

use super::beside::Beside;
use super::database::Database;
use super::stream_name;
use crate::cabinet::Cabinet;
use crate::contents::Contents;
use crate::error::{Error, Format};
use crate::limits::Limits;
use crate::name::Reason;
use crate::source::{Reading, Source};

/// A cabinet, and its files by name.
struct Known {
    cabinet: Cabinet,
    files: HashMap<Vec<u8>, usize>,
}

pub(super) struct Media {
    /// Number of the last file and name of the cabinet, in order.
    rows: Vec<(i64, u32)>,
    cabinets: HashMap<u32, Result<Known, Reason>>,
    limits: Limits,
    /// Bytes of package and cabinets, and of what these unpack to.
    packed: u64,
    unpacked: u64,
    /// Files in the cabinets.
    count: usize,
}

impl Media {
    pub fn read(
        database: &mut Database<'_>,
        package: &Reading,
        limits: Limits,
    ) -> Result<Self, Error> {
        let mut rows = Vec::new();
        if let Some(table) = database.table("Media", &["LastSequence", "Cabinet"])? {
            rows.extend(
                (0..table.rows)
                    .map(|row| (table.number(row, 0).unwrap_or(0), table.string(row, 1))),
            );
        }
        rows.sort_unstable();
        let packed = package.len();
        Ok(Self { rows, cabinets: HashMap::new(), limits, packed, unpacked: 0, count: 0 })
    }

    /// The name of the cabinet for a file of this number; 0 when it is in none.
    pub fn cabinet_of(&self, sequence: i64) -> Option<u32> {
        let at = self.rows.partition_point(|(last, _)| *last < sequence);
        self.rows.get(at).map(|(_, cabinet)| *cabinet)
    }

    /// Contents and size of a file, by the name of its cabinet and its key.
    pub fn contents(
        &mut self,
        database: &mut Database<'_>,
        beside: &mut Beside,
        cabinet: u32,
        key: &[u8],
    ) -> Result<Result<(Contents, u64), Reason>, Error> {
        if !self.cabinets.contains_key(&cabinet) {
            let known = self.open(database, beside, cabinet)?;
            self.cabinets.insert(cabinet, known);
        }
        let known = match self.cabinets.get(&cabinet) {
            Some(Ok(known)) => known,
            Some(Err(reason)) => return Ok(Err(*reason)),
            None => return Ok(Err(Reason::Missing)),
        };
        let Some(file) = known.files.get(key).and_then(|at| known.cabinet.files.get(*at)) else {
            return Ok(Err(Reason::Missing));
        };
        let contents = known.cabinet.contents(file).ok_or(Reason::Unsupported);
        Ok(contents.map(|contents| (contents, file.size)))
    }

    fn open(
        &mut self,
        database: &mut Database<'_>,
        beside: &mut Beside,
        name: u32,
    ) -> Result<Result<Known, Reason>, Error> {
        let Some(name) = database.text(name) else { return Ok(Err(Reason::Undecodable)) };
        let source: Arc<dyn Source> = if let Some(stream) = name.strip_prefix('#') {
            match database.compound().open(&stream_name::of_stream(stream))? {
                Some(stream) => Arc::new(stream),
                None => return Ok(Err(Reason::Missing)),
            }
        } else {
            let found = beside.file(&name);
            let opened = found.map(|(contents, size)| Beside::open(&contents, size));
            match opened {
                Ok(Ok(Some(file))) => {
                    self.packed = self.packed.saturating_add(file.len());
                    Arc::new(file)
                }
                Ok(Err(error)) => return Err(error),
                Ok(Ok(None)) => return Ok(Err(Reason::Missing)),
                Err(reason) => return Ok(Err(reason)),
            }
        };
        let cabinet = Cabinet::read(&Reading { source, format: Format::Cabinet })?;
        self.count += cabinet.files.len();
        if self.count > self.limits.entries {
            let max = self.limits.entries;
            return Err(Error::TooManyEntries { format: Format::Msi, max });
        }
        self.unpacked = self.unpacked.saturating_add(cabinet.unpacked());
        self.within(self.unpacked)?;
        let names = cabinet.files.iter().map(|file| file.name.clone());
        let files = names.zip(0..).collect();
        Ok(Ok(Known { cabinet, files }))
    }

    /// Checks what the files unpack to against the limits.
    pub fn within(&self, unpacked: u64) -> Result<(), Error> {
        self.limits.expansion(Format::Msi, self.packed, unpacked)
    }
}
