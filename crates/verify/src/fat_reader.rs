//! FAT volumes, read by `fatfs`.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use fatfs::{FileSystem, FsOptions};
use winkiln_disk::{Device, DeviceCursor};

use crate::VerifyError;
use crate::comparison::{Comparison, PIECE, compare_length};
use crate::error::Trouble;
use crate::path::InnerPath;
use crate::question::{FileReader, Found};

/// The name of the crate.
const NAME: &str = "fatfs";

/// A FAT volume as `fatfs` sees it.
pub(crate) struct FatReader {
    volume: FileSystem<ReadOnly>,
}

impl FatReader {
    pub(crate) fn open(device: Arc<dyn Device>) -> Result<Self, VerifyError> {
        let options = FsOptions::new().update_accessed_date(false);
        let volume =
            FileSystem::new(ReadOnly(DeviceCursor::new(device)), options).map_err(|source| {
                VerifyError::Reader {
                    reader: NAME,
                    what: "the volume".into(),
                    source: source.into(),
                }
            })?;
        Ok(Self { volume })
    }
}

impl FileReader for FatReader {
    fn name(&self) -> &'static str {
        NAME
    }

    fn find(&mut self, path: &InnerPath) -> Result<Found, Trouble> {
        if path.components.is_empty() {
            return Ok(Found::Directory);
        }
        if !path.stream.is_empty() {
            return Ok(Found::Nothing);
        }
        // A path that leads through a file is answered as one that does not exist.
        let mut folder = self.volume.root_dir();
        for (index, component) in path.components.iter().enumerate() {
            match folder.open_dir(component) {
                Ok(below) => folder = below,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
                Err(_) => {
                    folder.open_file(component)?;
                    let last = index + 1 == path.components.len();
                    return Ok(if last { Found::File } else { Found::Nothing });
                }
            }
        }
        Ok(Found::Directory)
    }

    fn compare(&mut self, path: &InnerPath, mut contents: Comparison<'_>) -> Result<(), Trouble> {
        match self.find(path)? {
            Found::File => {}
            Found::Nothing => return Err(Trouble::Disagrees("nothing there".into())),
            Found::Directory => return Err(Trouble::Disagrees("a folder".into())),
        }
        let mut file = self.volume.root_dir().open_file(&path.with_slashes())?;
        compare_length(file.seek(SeekFrom::End(0))?, contents.length())?;
        file.seek(SeekFrom::Start(0))?;
        let mut buffer = vec![0; contents.length().min(PIECE as u64) as usize];
        while contents.done() < contents.length() {
            let left = contents.length() - contents.done();
            let piece = buffer.get_mut(..left.min(PIECE as u64) as usize).unwrap_or_default();
            file.read_exact(piece)?;
            contents.piece(piece)?;
        }
        contents.finish()
    }
}

/// A cursor that takes no writes: `fatfs` asks for one that does, even to read.
struct ReadOnly(DeviceCursor);

impl Read for ReadOnly {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Seek for ReadOnly {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

impl Write for ReadOnly {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::new(ErrorKind::PermissionDenied, "a verifier does not write"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
