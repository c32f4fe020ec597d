//! `Version` of a package: 48 bytes that decide whether the kernel takes it at all.

use crate::inf::Version;
use crate::{Architecture, Guid};

/// The bytes.
pub(super) fn bytes(version: &Version, class: Guid, architecture: Architecture) -> Vec<u8> {
    let driver = version.driver_version;
    let date = driver.map_or(0, |driver| driver.date.filetime());
    let number = driver.map_or(0, |driver| driver.packed());
    // 0x00 for packages of vendors, 0xFF for those of Windows.
    let mut bytes = vec![0x00, 0xFF];
    bytes.extend(architecture.processor().to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(class.to_bytes_le());
    bytes.extend(date.to_le_bytes());
    bytes.extend(number.to_le_bytes());
    bytes.extend([0; 8]);
    bytes
}
