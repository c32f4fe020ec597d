//! Puts claims to the readers.

use std::borrow::Borrow;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, available_parallelism};

use winkiln_disk::Device;

use crate::claim::Contents;
use crate::comparison::Comparison;
use crate::error::Trouble;
use crate::fat_reader::FatReader;
use crate::hive_reader::HiveReader;
use crate::link;
use crate::ntfs_reader::NtfsReader;
use crate::path::InnerPath;
use crate::{Claim, HiveFact, Opinion, Skipped, Verified, VerifyError};

/// What a reader finds under a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    File,
    Directory,
}

/// An independent reader of one filesystem.
pub(crate) trait FileReader {
    /// The crate it is.
    fn name(&self) -> &'static str;
    /// What has this path.
    fn find(&mut self, path: &InnerPath) -> Result<Found, Trouble>;
    /// Succeeds when the file holds exactly what the comparison expects.
    fn compare(&mut self, path: &InnerPath, contents: Comparison<'_>) -> Result<(), Trouble>;
    /// The number of the file that has this path; `None` without one.
    fn number(&mut self, path: &InnerPath) -> Result<Option<u64>, Trouble> {
        Err(Trouble::Unasked(format!(
            "{} does not number files ({})",
            self.name(),
            path.with_slashes()
        )))
    }
    /// The reparse data of a path; empty without any.
    fn reparse_data(&mut self, path: &InnerPath) -> Result<Vec<u8>, Trouble> {
        Err(Trouble::Unasked(format!("{} knows no links ({})", self.name(), path.with_slashes())))
    }
}

/// Claims from which on several threads put them: fewer are answered before a thread has begun.
const MANY: usize = 512;
/// Threads at most: each has a reader with its own caches.
const THREADS_MAX: usize = 4;

/// Checks claims about the volume that `device` holds (NTFS by `ntfs`, FAT by `fatfs`, hives by `nt-hive`).
///
/// The readers are told nothing but the device: what they read is what a commit would leave on the disk. Many claims are put by
/// several threads; the answers come in the order of the claims.
///
/// # Errors
/// The first disagreement, or the first reader that fails for no known reason.
pub fn verify_volume(device: Arc<dyn Device>, claims: &[Claim]) -> Result<Opinion, VerifyError> {
    let verify = |part| verify_claims(Arc::clone(&device), part);
    in_threads(parts(claims), verify, "the volume", usize::MAX)
}

/// Threads that so many claims or facts are worth.
#[must_use]
pub fn threads(claims: usize) -> usize {
    match claims {
        0..MANY => 1,
        _ => available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX),
    }
}

/// As many parts as all of them are worth threads; an empty one of none, which is put as well.
fn parts<T>(all: &[T]) -> Vec<&[T]> {
    if all.is_empty() {
        return vec![all];
    }
    all.chunks(all.len().div_ceil(threads(all.len()))).collect()
}

/// Verifies each of these parts in a thread of its own, and the first in this one. Of what agreed no more than `told_max` is told.
fn in_threads<P: Send>(
    parts: Vec<P>,
    verify: impl Fn(P) -> Result<Opinion, VerifyError> + Sync,
    what: &str,
    told_max: usize,
) -> Result<Opinion, VerifyError> {
    let (mut parts, verify) = (parts.into_iter(), &verify);
    let Some(first) = parts.next() else { return Ok(Opinion::default()) };
    thread::scope(|scope| {
        let others: Vec<_> = parts.map(|part| scope.spawn(move || verify(part))).collect();
        let mut opinion = verify(first)?;
        for other in others {
            let panicked = |_| VerifyError::Panicked { reader: "a reader", what: what.to_owned() };
            opinion.join(other.join().map_err(panicked)??, told_max);
        }
        Ok(opinion)
    })
}

/// Puts claims one after the other.
fn verify_claims(device: Arc<dyn Device>, claims: &[Claim]) -> Result<Opinion, VerifyError> {
    let mut reader = guarded("ntfs or fatfs", "the volume", || open_reader(device))??;
    let mut opinion = Opinion::default();
    for claim in claims {
        let (name, path) = (reader.name(), claim.path());
        guarded(name, path, || ask_file(&mut *reader, claim))?
            .or_else(|trouble| settle(trouble, name, path.to_owned(), &mut opinion.skipped))?
            .into_iter()
            .for_each(|()| opinion.verified.push(Verified { reader: name, what: path.to_owned() }));
        if let Claim::Hive { contents, facts, .. } = claim {
            opinion.join(verify_hive(path, contents, parts(facts), None)?, usize::MAX);
        }
    }
    Ok(opinion)
}

/// Checks facts about a hive that lies in no volume. `name` is what the answers call it, of which no more than `told_max` are told
/// and the others counted. The facts come in parts, each of which is put by a thread of its own: see [`threads`].
///
/// # Errors
/// As [`verify_volume`].
pub fn verify_hive<F: Borrow<HiveFact>>(
    name: &str,
    bytes: &Arc<Vec<u8>>,
    parts: Vec<impl IntoIterator<Item = F> + Send>,
    told_max: Option<usize>,
) -> Result<Opinion, VerifyError> {
    let max = told_max.unwrap_or(usize::MAX);
    let verify = |facts| {
        let mut opinion = Opinion::default();
        guarded("nt-hive", name, || ask_hive((name, bytes), facts, max, &mut opinion))??;
        Ok(opinion)
    };
    in_threads(parts, verify, name, max)
}

/// `Ok(None)` for a question that is not asked, which `skipped` then says.
fn settle(
    trouble: Trouble,
    reader: &'static str,
    what: String,
    skipped: &mut Vec<Skipped>,
) -> Result<Option<()>, VerifyError> {
    match trouble {
        Trouble::Unasked(reason) => {
            skipped.push(Skipped { what, reason });
            Ok(None)
        }
        Trouble::Disagrees(difference) => {
            Err(VerifyError::Disagreement { reader, what, difference })
        }
        Trouble::Failed(source) => Err(VerifyError::Reader { reader, what, source }),
    }
}

/// The readers are not free of panics on damaged structures; here one becomes an error.
fn guarded<T>(reader: &'static str, what: &str, ask: impl FnOnce() -> T) -> Result<T, VerifyError> {
    catch_unwind(AssertUnwindSafe(ask))
        .map_err(|_| VerifyError::Panicked { reader, what: what.to_owned() })
}

fn open_reader(device: Arc<dyn Device>) -> Result<Box<dyn FileReader>, VerifyError> {
    let mut boot_sector = [0; 512];
    if device.len() < boot_sector.len() as u64 {
        return Err(VerifyError::UnknownFilesystem);
    }
    device.read_at(0, &mut boot_sector)?;
    // Source: linux-ntfs documentation, "$Boot": OEM ID at offset 3.
    if boot_sector.get(3..11) == Some(b"NTFS    ") {
        return Ok(Box::new(NtfsReader::open(device)?));
    }
    if boot_sector.get(510..) != Some(&[0x55, 0xAA]) {
        return Err(VerifyError::UnknownFilesystem);
    }
    Ok(Box::new(FatReader::open(device)?))
}

/// Puts the part of a claim that is about files to the filesystem's reader.
fn ask_file(reader: &mut dyn FileReader, claim: &Claim) -> Result<Option<()>, Trouble> {
    let path = InnerPath::parse(claim.path());
    let (expected, found) = match claim {
        Claim::File { contents, .. } => {
            return reader.compare(&path, Comparison::new(contents)).map(Some);
        }
        Claim::Hive { contents, .. } => {
            let contents = Contents::Bytes(Arc::clone(contents));
            return reader.compare(&path, Comparison::new(&contents)).map(Some);
        }
        Claim::SameFile { other, .. } => {
            let numbers = (reader.number(&path)?, reader.number(&InnerPath::parse(other))?);
            return match numbers {
                (Some(a), Some(b)) if a == b => Ok(Some(())),
                (a, b) => Err(Trouble::Disagrees(format!("file {a:?}, and {other} is file {b:?}"))),
            };
        }
        Claim::Link { junction, target, .. } => {
            return link::compare(&reader.reparse_data(&path)?, *junction, target).map(Some);
        }
        Claim::FileExists { .. } => (Found::File, reader.find(&path)?),
        Claim::Directory { .. } => (Found::Directory, reader.find(&path)?),
        Claim::Absent { .. } => (Found::Nothing, reader.find(&path)?),
    };
    if found == expected {
        return Ok(Some(()));
    }
    let word = |found| match found {
        Found::Nothing => "nothing there",
        Found::File => "a file",
        Found::Directory => "a folder",
    };
    Err(Trouble::Disagrees(format!("{}, expected {}", word(found), word(expected))))
}

/// Puts facts to `nt-hive`, on the bytes that the filesystem's reader has just compared with the file.
fn ask_hive<F: Borrow<HiveFact>>(
    (path, contents): (&str, &Arc<Vec<u8>>),
    facts: impl IntoIterator<Item = F>,
    told_max: usize,
    opinion: &mut Opinion,
) -> Result<(), VerifyError> {
    const NAME: &str = "nt-hive";
    let mut reader = match HiveReader::open(contents) {
        Ok(reader) => reader,
        Err(trouble) => {
            return settle(trouble, NAME, path.to_owned(), &mut opinion.skipped).map(drop);
        }
    };
    for fact in facts {
        let fact = fact.borrow();
        let what = || match fact {
            HiveFact::KeyExists { key } | HiveFact::KeyAbsent { key } => format!("{path}: {key}"),
            HiveFact::Values { key, values } => {
                format!("{path}: {key} ({} of its values)", values.len())
            }
            HiveFact::Fingerprints { key, values } => {
                format!("{path}: {key} ({} of its values)", values.len())
            }
            HiveFact::Value { key, name, .. } | HiveFact::ValueAbsent { key, name } => {
                let name = if name.is_empty() { "(default)" } else { name };
                format!("{path}: {key}\\{name}")
            }
        };
        let answer = reader
            .ask(fact)
            .or_else(|trouble| settle(trouble, NAME, what(), &mut opinion.skipped))?;
        match answer {
            Some(()) if opinion.verified.len() < told_max => {
                opinion.verified.push(Verified { reader: NAME, what: what() });
            }
            Some(()) => opinion.untold += 1,
            None => {}
        }
    }
    Ok(())
}
