//! `Version` of a package: 48 bytes that decide whether the kernel takes it at all.

use crate::inf::{Date, DriverVersion, Version};
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

/// The setup class and `DriverVer` of a package by its `Version` in `DriverDatabase`; `None` for what is shorter than that.
#[must_use]
pub fn parse(bytes: &[u8]) -> Option<(Guid, Option<DriverVersion>)> {
    let class = Guid::from_bytes_le(*bytes.get(8..)?.first_chunk()?);
    let date = u64::from_le_bytes(*bytes.get(24..)?.first_chunk()?);
    let packed = u64::from_le_bytes(*bytes.get(32..)?.first_chunk()?);
    let date = Date::from_filetime(date).filter(|_| date != 0);
    Some((class, date.map(|date| DriverVersion::from_packed(date, packed))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let class = Guid::parse("{4D36E97B-E325-11CE-BFC1-08002BE10318}").unwrap();
        for (date, version) in
            [("02/29/2024", "100.95.104.26200"), ("12/31/1601", "1"), ("01/01/2100", "")]
        {
            let text = format!("[Version]\nSignature=$Windows NT$\nDriverVer={date},{version}");
            let inf = crate::inf::Inf::parse("x.inf", text.as_bytes(), &Default::default());
            let read = inf.unwrap().version().unwrap();
            let blob = bytes(&read, class, Architecture::Amd64);
            assert_eq!(blob.len(), 48);
            assert_eq!(parse(&blob), Some((class, read.driver_version)), "{date}");
            assert!(read.driver_version.is_some());
        }
        assert_eq!(parse(&[0; 48]), Some((Guid::default(), None)));
        assert_eq!(parse(&[0; 39]), None);
    }
}
