//! A new qcow2 whose backing file is an image that stays as it is. It has a temporary name until it is complete.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::chain::{Chain, failed};
use super::error::ImageError;
use super::{Format, Image, OpenOptions, qcow2_header};
use crate::host::HostFile;
use crate::host::disk_file::DiskFile;
use crate::host::folder::JournalPlace;
use crate::host::lock::{self, Access};
use crate::nbd::Address;
use crate::overlay::Limits;

const SUFFIX: &str = ".winkiln-overlay";

/// The file before it has its name. Dropped, it is removed.
#[derive(Debug)]
pub(crate) struct Unpublished {
    temporary: PathBuf,
    out: PathBuf,
    file: Arc<DiskFile>,
}

/// Makes an empty overlay of `image` that is to be named `out`, and opens it for writing.
pub(super) fn open(image: &Path, out: &Path, options: &OpenOptions) -> Result<Image, ImageError> {
    let below = OpenOptions { writable: false, overlay: None, undo: None, ..options.clone() };
    let below = Image::open(image, &below)?;
    if below.recovery().is_some() {
        return Err(ImageError::UnfinishedBelow { path: image.to_owned() });
    }
    let format = match below.format() {
        Format::Raw if Address::parse(image).is_none() => "raw",
        Format::Qcow2 => "qcow2",
        _ => return Err(ImageError::OverlayBase { path: image.to_owned() }),
    };
    if out.symlink_metadata().is_ok() {
        return Err(ImageError::OverlayExists { path: out.to_owned() });
    }
    let full = std::path::absolute(out).map_err(|source| failed("open", out, source))?;
    let mut name = full.file_name().unwrap_or_default().to_owned();
    name.push(SUFFIX);
    let temporary = full.with_file_name(name);
    let backing = backing_name(image, &full).map_err(|source| failed("name", image, source))?;
    let size = below.virtual_size().next_multiple_of(512);
    let header = qcow2_header::encode_new(size, backing.as_os_str().as_bytes(), format)
        .ok_or_else(|| failed("name", image, io::ErrorKind::InvalidFilename.into()))?;

    let mut chain = Chain::below(image, options)?;
    remove_left_over(&temporary)?;
    let created = create(&temporary, &header);
    created.map_err(|source| failed("create", &temporary, source))?;
    let file = chain.open_file(&temporary, true)?;
    let unpublished = Unpublished { temporary, out: out.to_owned(), file: Arc::clone(&file) };
    // Nobody knows the file: what interrupts its making needs no journal to be found by.
    let limits = Limits::new(JournalPlace::nowhere(), true);
    let (format, backend) = chain.open_top(&unpublished.temporary, file, Some(limits), None)?;
    Ok(Image {
        path: image.to_owned(),
        format,
        writable: true,
        recovery: None,
        backend: Arc::new(backend),
        journal: PathBuf::new(),
        unpublished: Some(unpublished),
        interrupt: options.interrupt.clone(),
        _files: chain.into_files(),
    })
}

/// Removes what a process that was killed left behind; one that is at work is in the way.
fn remove_left_over(temporary: &Path) -> Result<(), ImageError> {
    let Ok(file) = File::options().read(true).write(true).open(temporary) else { return Ok(()) };
    if lock::acquire(&file, Access::WRITE).is_err() {
        return Err(ImageError::in_use(temporary, "write"));
    }
    fs::remove_file(temporary).map_err(|source| failed("remove", temporary, source))
}

fn create(path: &Path, header: &[u8]) -> io::Result<()> {
    let mut file = File::options().read(true).write(true).create_new(true).open(path)?;
    file.write_all(header).and_then(|()| file.sync_all()).inspect_err(|_| {
        // Of no use to anybody; the next overlay of this name would take it away, too.
        let _ = fs::remove_file(path);
    })
}

/// The image as the overlay names it: absolute when it was given so, otherwise as seen from the overlay's folder, which is
/// what relative names count from.
fn backing_name(image: &Path, out: &Path) -> io::Result<PathBuf> {
    if image.is_absolute() {
        return Ok(image.to_owned());
    }
    let folder = |path: &Path| path.parent().unwrap_or(Path::new("/")).canonicalize();
    let image = std::path::absolute(image)?;
    let (own, other) = (folder(out)?, folder(&image)?);
    let shared = own.components().zip(other.components()).take_while(|(a, b)| a == b).count();
    let up = own.components().skip(shared).map(|_| Component::ParentDir);
    let mut name: PathBuf = up.chain(other.components().skip(shared)).collect();
    name.push(image.file_name().unwrap_or_default());
    Ok(name)
}

impl Unpublished {
    pub(crate) fn out(&self) -> &Path {
        &self.out
    }

    /// Gives the file its name, durably. Another file of that name stays.
    pub(crate) fn publish(&self) -> io::Result<()> {
        self.file.sync()?;
        let facts = fs::symlink_metadata(&self.temporary)?;
        if (facts.dev(), facts.ino()) != self.file.identity() {
            return Err(io::Error::other("another program took its temporary name"));
        }
        match fs::hard_link(&self.temporary, &self.out) {
            Ok(()) => fs::remove_file(&self.temporary)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            // Not every file system has links.
            Err(_) if self.out.symlink_metadata().is_ok() => {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            Err(_) => fs::rename(&self.temporary, &self.out)?,
        }
        let folder = self.temporary.parent().unwrap_or(Path::new("/"));
        File::open(folder)?.sync_all()
    }
}

impl Drop for Unpublished {
    fn drop(&mut self) {
        let same = fs::symlink_metadata(&self.temporary)
            .is_ok_and(|facts| (facts.dev(), facts.ino()) == self.file.identity());
        if same {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}
