//! Opening a disk behind an NBD server: one given by its address, or `qemu-nbd` over a container that only QEMU's drivers open.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use super::chain::{Chain, failed};
use super::container::{ContainerFailure, look, names_others};
use super::error::ImageError;
use super::{Format, OpenOptions, journal};
use crate::host::HostFile;
use crate::host::folder::JournalPlace;
use crate::nbd::{Address, NbdFile, Server, Start};

const PROGRAM: &str = "qemu-nbd";
/// What `qemu-nbd` says when another program holds the opposite lock: `Failed to get "write" lock`, or `... shared "write" lock`.
const LOCK_WORDS: [&str; 3] = ["Failed to get ", "shared ", "\" lock"];

/// Connects to the server at an address. Its journal can be in no folder but the one asked for.
pub(super) fn connect(
    path: &Path,
    address: &Address,
    options: &OpenOptions,
) -> Result<(Arc<dyn HostFile>, Option<JournalPlace>), ImageError> {
    if options.format.is_some_and(|format| format != Format::Raw) {
        return Err(ImageError::ServedFormat { path: path.to_owned() });
    }
    let file = NbdFile::connect(address, options.writable)
        .map_err(|source| ImageError::Nbd { path: path.to_owned(), source })?;
    let place = options.journal_dir.as_ref().map(|folder| {
        let mut name = OsString::from(address.file_name());
        name.push(journal::SUFFIX);
        JournalPlace::new(folder, name)
    });
    Ok((Arc::new(file), place))
}

impl Chain {
    /// The container format of a file that only QEMU's drivers open; `None` for every other file.
    pub(super) fn container(&self, path: &Path) -> Result<Option<Format>, ImageError> {
        let format = match self.options.format {
            Some(format) => Some(format),
            None => self.probe_container(path)?,
        };
        Ok(format.filter(|format| format.served().is_some()))
    }

    /// Starts `qemu-nbd` over a container, after a look at what it names. It takes the locks that QEMU takes.
    pub(super) fn serve(&self, path: &Path, format: Format) -> Result<NbdFile, ImageError> {
        let open = |source| failed("open", path, source);
        let file = super::chain::open_disk_file(path, false)?;
        let container = look(&file, format).map_err(|failure| match failure {
            ContainerFailure::Io(source) => failed("read", path, source),
            ContainerFailure::Refused(reason) => {
                ImageError::Container { path: path.to_owned(), format, reason }
            }
        })?;
        drop(file);
        let writable = self.options.writable;
        if let Some(reason) = container.read_only.filter(|_| writable) {
            return Err(ImageError::Container { path: path.to_owned(), format, reason });
        }
        for extent in &container.extents {
            let extent = super::chain::open_disk_file(&self.resolve(path, extent)?, false)?;
            if names_others(&extent).map_err(|source| failed("read", path, source))? {
                let reason = "an extent of it names other files";
                return Err(ImageError::Container { path: path.to_owned(), format, reason });
            }
        }
        // Not the file that a link leads to: QEMU counts names of extents from the folder of what it is given, as was done here.
        let real = std::path::absolute(path).map_err(open)?;
        let program = self.options.qemu_nbd.as_deref().unwrap_or(Path::new(PROGRAM));
        let name = format.served().unwrap_or_default();
        let refused = |failure| explain(path, format, program, failure);
        let (server, stream) = Server::start(program, &real, name, writable).map_err(refused)?;
        NbdFile::of_server(server, stream, writable).map_err(refused)
    }
}

fn explain(path: &Path, format: Format, program: &Path, failure: Start) -> ImageError {
    let path = path.to_owned();
    match failure {
        Start::Missing => {
            ImageError::NoQemuNbd { path, format, program: program.display().to_string() }
        }
        Start::Io(source) => failed("serve", &path, source),
        Start::Nbd(source) => ImageError::Nbd { path, source },
        Start::Ended(said) => {
            let [before, shared, after] = LOCK_WORDS;
            let held = said.split_once(before).and_then(|(_, rest)| {
                let name = rest.strip_prefix(shared).unwrap_or(rest).strip_prefix('"')?;
                name.split_once(after)
            });
            match held.map(|(permission, _)| permission) {
                Some("consistent read") => ImageError::in_use(&path, "consistent read"),
                Some("resize") => ImageError::in_use(&path, "resize"),
                Some(_) => ImageError::in_use(&path, "write"),
                None => ImageError::QemuNbd { path, format, said },
            }
        }
    }
}
