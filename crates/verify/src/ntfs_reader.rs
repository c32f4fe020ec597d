//! NTFS volumes, read by the `ntfs` crate.
//!
//! The crate returns wrong bytes without an error in some situations. What is done about each:
//!
//! | situation | done |
//! | --- | --- |
//! | LZNT1-compressed or encrypted stream | length compared, contents not asked |
//! | initialized size below the length | bytes up to it compared, the rest not asked |
//! | a run at cluster 0, which it takes for a hole (`$Boot`) | not asked |
//! | stream split over an attribute list | its extents are put in order here, each decoded by the crate |
//! | folder index split over an attribute list | not asked |
//! | `$MFT` with an attribute list | its extents are put together here (`mft_map`); where that fails, records past the first extents are not asked |
//! | folder index with clusters above its block size | its blocks are found here, each decoded by the crate |

mod attribute;
mod folder;
mod mft_map;
mod record;
mod stream;

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use ntfs::{Ntfs, NtfsAttributeType, NtfsFile, NtfsReadSeek};
use winkiln_disk::{Device, DeviceCursor};

use crate::VerifyError;
use crate::comparison::Comparison;
use crate::error::Trouble;
use crate::path::InnerPath;
use crate::question::{FileReader, Found};
use mft_map::{MftMap, Source};

/// The name of the crate.
const NAME: &str = "ntfs";
/// The root folder. Source: linux-ntfs documentation, "Files on NTFS": record 5 is `.`.
const ROOT: u64 = 5;
/// Longest reparse data in bytes.
const REPARSE_MAX: usize = 16 << 10;
/// Reads the crate may make for one claim: a lookup takes tens. A structure that leads in a circle ends here.
const READS_MAX: u32 = 200_000;

/// An NTFS volume as the `ntfs` crate sees it.
pub(crate) struct NtfsReader {
    parts: Parts,
    /// Of all claims: what one read, the next finds there.
    cursor: Cursor,
    folder: Option<Folder>,
}

/// The folder that was asked about last: claims come folder by folder.
struct Folder {
    /// From the root.
    path: Vec<String>,
    number: u64,
    sensitive: bool,
}

/// What every question needs.
struct Parts {
    ntfs: Ntfs,
    device: Arc<dyn Device>,
    /// `$MFT` has an attribute list, of which the crate sees the first extents only.
    mft_is_split: bool,
    /// The `$MFT` in one piece, when it is split.
    map: Option<Arc<MftMap>>,
}

/// The crate's position on the volume, with a bound on the reads that one claim may cost.
pub(crate) struct Cursor {
    cursor: DeviceCursor,
    position: u64,
    map: Option<Arc<MftMap>>,
    reads_left: u32,
}

impl Cursor {
    fn new(device: Arc<dyn Device>, map: Option<Arc<MftMap>>) -> Self {
        Self { cursor: DeviceCursor::new(device), position: 0, map, reads_left: READS_MAX }
    }

    /// Begins with the next claim.
    fn begin(&mut self) {
        self.reads_left = READS_MAX;
    }
}

impl Read for Cursor {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reads_left = self
            .reads_left
            .checked_sub(1)
            .ok_or_else(|| io::Error::other("the structures of the volume lead in a circle"))?;
        let source = match &self.map {
            Some(map) => map.source(self.position)?,
            None => Source::Device(self.position, u64::MAX),
        };
        let done = match source {
            Source::Bytes(mut bytes) => bytes.read(buf)?,
            Source::Device(position, length) => {
                self.cursor.seek(SeekFrom::Start(position))?;
                let length = usize::try_from(length).unwrap_or(usize::MAX).min(buf.len());
                self.cursor.read(buf.get_mut(..length).unwrap_or_default())?
            }
        };
        self.position = self.position.saturating_add(done as u64);
        Ok(done)
    }
}

impl Seek for Cursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(delta) => self.position.checked_add_signed(delta),
            SeekFrom::End(delta) => self.cursor.device().len().checked_add_signed(delta),
        };
        let outside =
            || io::Error::new(io::ErrorKind::InvalidInput, "a seek to a negative position");
        self.position = target.ok_or_else(outside)?;
        Ok(self.position)
    }
}

impl NtfsReader {
    pub(crate) fn open(device: Arc<dyn Device>) -> Result<Self, VerifyError> {
        let failed =
            |source| VerifyError::Reader { reader: NAME, what: "the volume".into(), source };
        let mut cursor = Cursor::new(device.clone(), None);
        let mut ntfs = Ntfs::new(&mut cursor).map_err(|error| failed(error.into()))?;
        if ntfs.mft_position().value().is_none() {
            return Err(failed("the $MFT begins at cluster 0".into()));
        }
        ntfs.read_upcase_table(&mut cursor).map_err(|error| failed(error.into()))?;
        let mft = ntfs.file(&mut cursor, 0).map_err(|error| failed(error.into()))?;
        let mft_is_split = mft.attributes_raw().flatten().any(|attribute| {
            attribute.ty().is_ok_and(|kind| kind == NtfsAttributeType::AttributeList)
        });
        drop(mft);
        let mut parts = Parts { ntfs, device, mft_is_split, map: None };
        if mft_is_split {
            // What fails here leaves the records past the first extents unasked.
            parts.map = MftMap::build(&parts, &mut cursor).ok().flatten().map(Arc::new);
        }
        let cursor = Cursor::new(parts.device.clone(), parts.map.clone());
        Ok(Self { parts, cursor, folder: None })
    }
}

impl Parts {
    /// The file record that has this path; the stream is not looked at.
    fn resolve<'n>(
        &'n self,
        cursor: &mut Cursor,
        known: &mut Option<Folder>,
        path: &InnerPath,
    ) -> Result<Option<NtfsFile<'n>>, Trouble> {
        let Some((last, above)) = path.components.split_last() else {
            return Ok(Some(record::open(self, cursor, ROOT)?));
        };
        if known.as_ref().is_none_or(|folder| folder.path != above) {
            *known = None;
            let mut file = record::open(self, cursor, ROOT)?;
            for component in above {
                if !file.is_directory() {
                    return Ok(None);
                }
                let sensitive = is_case_sensitive(&file)?;
                let Some(next) = self.step(cursor, &file, sensitive, component)? else {
                    return Ok(None);
                };
                file = next;
            }
            if !file.is_directory() {
                return Ok(None);
            }
            let (number, sensitive) = (file.file_record_number(), is_case_sensitive(&file)?);
            *known = Some(Folder { path: above.to_vec(), number, sensitive });
        }
        let Some(folder) = known else { return Ok(None) };
        let file = record::open(self, cursor, folder.number)?;
        self.step(cursor, &file, folder.sensitive, last)
    }

    /// What `folder` calls `component`.
    fn step<'n>(
        &'n self,
        cursor: &mut Cursor,
        folder: &NtfsFile<'n>,
        sensitive: bool,
        component: &str,
    ) -> Result<Option<NtfsFile<'n>>, Trouble> {
        let found = folder::lookup(self, cursor, folder, component, sensitive)?;
        let Some(reference) = found else { return Ok(None) };
        let number = reference.file_record_number();
        let file = record::open(self, cursor, number)?;
        if file.sequence_number() != reference.sequence_number() {
            return Err(Trouble::Disagrees(format!(
                "the entry of {component} names use {} of file record {number}, which is at use {}",
                reference.sequence_number(),
                file.sequence_number()
            )));
        }
        Ok(Some(file))
    }
}

/// Whether names in a folder that differ in case alone are different names: no maximum number of versions, and version 1.
///
/// Source: libyal's NTFS format documentation, "The standard information attribute".
fn is_case_sensitive(folder: &NtfsFile<'_>) -> Result<bool, Trouble> {
    let information = folder.info()?;
    Ok(information.maximum_versions() == Some(0) && information.version() == Some(1))
}

impl FileReader for NtfsReader {
    fn name(&self) -> &'static str {
        NAME
    }

    fn find(&mut self, path: &InnerPath) -> Result<Found, Trouble> {
        let Self { parts, cursor, folder } = self;
        cursor.begin();
        let Some(file) = parts.resolve(cursor, folder, path)? else { return Ok(Found::Nothing) };
        if !path.stream.is_empty() {
            let stream = stream::Stream::open(parts, cursor, &file, &path.stream)?;
            return Ok(if stream.is_some() { Found::File } else { Found::Nothing });
        }
        Ok(if file.is_directory() { Found::Directory } else { Found::File })
    }

    fn compare(&mut self, path: &InnerPath, contents: Comparison<'_>) -> Result<(), Trouble> {
        let Self { parts, cursor, folder } = self;
        cursor.begin();
        let nothing = || Trouble::Disagrees("nothing there".into());
        let file = parts.resolve(cursor, folder, path)?.ok_or_else(nothing)?;
        if path.stream.is_empty() && file.is_directory() {
            return Err(Trouble::Disagrees("a folder".into()));
        }
        stream::Stream::open(parts, cursor, &file, &path.stream)?
            .ok_or_else(nothing)?
            .compare(&*parts.device, contents)
    }

    fn number(&mut self, path: &InnerPath) -> Result<Option<u64>, Trouble> {
        let Self { parts, cursor, folder } = self;
        cursor.begin();
        Ok(parts.resolve(cursor, folder, path)?.map(|file| file.file_record_number()))
    }

    fn reparse_data(&mut self, path: &InnerPath) -> Result<Vec<u8>, Trouble> {
        const KIND: NtfsAttributeType = NtfsAttributeType::ReparsePoint;
        let Self { parts, cursor, folder } = self;
        cursor.begin();
        let nothing = || Trouble::Disagrees("nothing there".into());
        let file = parts.resolve(cursor, folder, path)?.ok_or_else(nothing)?;
        let places = attribute::locate(parts, cursor, &file, KIND, "")?;
        let place = match places.as_slice() {
            [] => return Ok(Vec::new()),
            [place] => *place,
            _ => return Err(Trouble::Unasked("reparse data in several pieces".into())),
        };
        let mut other = None;
        let file = attribute::holder(parts, cursor, &file, place, &mut other)?;
        let mut value = attribute::at(file, KIND, place)?.value(cursor)?;
        let size = usize::try_from(value.len()).unwrap_or(usize::MAX);
        if size > REPARSE_MAX {
            return Err(Trouble::Disagrees(format!("{size} bytes of reparse data")));
        }
        let mut data = vec![0; size];
        let mut done = 0;
        // Each turn reads something, or is the last.
        while let Some(rest) = data.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match value.read(cursor, rest)? {
                0 => break,
                read => done += read,
            }
        }
        data.truncate(done);
        Ok(data)
    }
}
