//! Images opened by their path.

use std::path::{Path, PathBuf};

use winkiln_disk::{Device, Image, ImageError, OpenOptions, Transaction};

pub(crate) fn open(path: &Path, writable: bool) -> Result<Image, ImageError> {
    Image::open(path, &OpenOptions { writable, ..OpenOptions::default() })
}

/// All that the guest sees.
pub(crate) fn guest(path: &Path) -> Vec<u8> {
    let transaction = Transaction::begin(open(path, false).unwrap());
    let mut bytes = vec![0; transaction.len() as usize];
    transaction.read_at(0, &mut bytes).unwrap();
    bytes
}

/// Where the journal of an image lies.
pub(crate) fn journal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".winkiln-journal");
    name.into()
}
