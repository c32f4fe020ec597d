//! `rust-fs-ntfs`: volumes that it formats, and what its check finds.

use std::{fs::File, os::unix::fs::FileExt, path::Path};

use fs_ntfs::{block_io::BlockIo, fsck, mkfs};

use crate::images::Image;

#[path = "../../cli/src/demo/secure_stream.rs"]
mod secure_stream;

struct Part {
    file: File,
    start: u64,
    length: u64,
}

impl Part {
    fn open(image: &Image) -> Self {
        let file = File::options().read(true).write(true).open(&image.path).expect("the image");
        let size = file.metadata().expect("a size").len();
        Self { file, start: image.start, length: image.length.unwrap_or(size - image.start) }
    }
}

impl BlockIo for Part {
    fn read_exact_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), String> {
        self.file.read_exact_at(buf, self.start + offset).map_err(|error| error.to_string())
    }

    fn write_all_at(&mut self, offset: u64, data: &[u8]) -> Result<(), String> {
        self.file.write_all_at(data, self.start + offset).map_err(|error| error.to_string())
    }

    fn size(&self) -> u64 {
        self.length
    }
}

/// Formats a volume of `size` bytes.
pub(crate) fn format(folder: &Path, size: u64, cluster: u32, record: u32) -> Image {
    let path = folder.join("volume.raw");
    File::create(&path).and_then(|file| file.set_len(size)).expect("made");
    let image = Image { path, start: 0, length: None };
    let mut part = Part::open(&image);
    mkfs::format_filesystem(&mut part, size, cluster, record, Some("peer"), Some(0x1234_5678))
        .and_then(|()| secure_stream::fill(&mut part, cluster))
        .expect("formatted");
    image
}

/// What its check finds; `None` when it cannot check the volume.
pub(crate) fn findings(image: &Image) -> Option<Vec<String>> {
    let report = fsck::check_io(&mut Part::open(image)).ok()?;
    Some(report.findings.iter().map(|finding| format!("{finding:?}")).collect())
}

/// Fails when its check finds what it had not found before.
pub(crate) fn expect_nothing_new(image: &Image, before: &Option<Vec<String>>, what: &str) {
    let Some(before) = before else { return };
    let after = findings(image).unwrap_or_else(|| panic!("{what}: rust-fs-ntfs cannot check it"));
    let new: Vec<&String> = after.iter().filter(|finding| !before.contains(finding)).collect();
    assert!(new.is_empty(), "{what}: rust-fs-ntfs finds {new:#?}");
}
