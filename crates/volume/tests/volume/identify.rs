//! What partitions are told to hold.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use winkiln_disk::{Device, MemoryDevice};
use winkiln_volume::{Filesystem, VolumeError, identify};

use crate::environment::{corpus, have, open};

fn told(bytes: Vec<u8>) -> (Filesystem, bool, Vec<String>) {
    let device: Arc<dyn Device> = Arc::new(MemoryDevice::new(bytes));
    let identity = identify(&device).unwrap();
    (identity.filesystem, identity.clean, identity.reasons)
}

fn signed(at: usize, signature: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 1 << 16];
    bytes[at..at + signature.len()].copy_from_slice(signature);
    bytes[510..512].copy_from_slice(&[0x55, 0xAA]);
    bytes
}

#[test]
fn what_cannot_be_opened_is_named() {
    let to_go = [
        0x3B, 0xD6, 0x67, 0x49, 0x29, 0x2E, 0xD8, 0x4A, 0x83, 0x99, 0xF6, 0xA3, 0x39, 0xE3, 0xD0,
        0x01,
    ];
    let mut bitlocker_to_go = signed(424, &to_go);
    bitlocker_to_go[3..11].copy_from_slice(b"MSWIN4.1");
    for (bytes, filesystem, word) in [
        (signed(3, b"-FVE-FS-"), Filesystem::BitLocker, "bitlocker"),
        (bitlocker_to_go, Filesystem::BitLocker, "bitlocker"),
        (signed(3, b"EXFAT   "), Filesystem::ExFat, "exfat"),
        (signed(3, b"ReFS\0\0\0\0"), Filesystem::ReFs, "refs"),
        (signed(3, b"whatever"), Filesystem::Unknown, "unknown"),
        (Vec::new(), Filesystem::Unknown, "unknown"),
        (vec![0; 511], Filesystem::Unknown, "unknown"),
        (vec![0; 4096], Filesystem::Unknown, "unknown"),
    ] {
        assert_eq!(told(bytes.clone()), (filesystem, false, vec![word.to_owned()]), "{word}");
        let error = open(&Arc::new(MemoryDevice::new(bytes)), false).unwrap_err();
        assert!(matches!(error, VolumeError::Unsupported { .. }) && error.is_refusal());
        assert!(error.to_string().contains(&filesystem.to_string()), "{error}");
    }
    let (filesystem, clean, reasons) = told(signed(3, b"NTFS    "));
    assert_eq!((filesystem, clean), (Filesystem::Ntfs, false));
    assert!(reasons[0].starts_with("damaged: "), "{reasons:?}");
}

#[test]
fn a_fat_volume_larger_than_its_partition_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let Some(image) = crate::fat::make(folder.path(), 1) else { return };
    let mut bytes = std::fs::read(image).unwrap();
    bytes.truncate(bytes.len() - 512);
    assert_eq!(
        told(bytes.clone()),
        (Filesystem::Fat16, false, vec!["larger-than-partition".to_owned()])
    );
    assert!(open(&Arc::new(MemoryDevice::new(bytes)), false).unwrap_err().is_refusal());
}

/// Unpacks a volume image of the corpus.
fn unpacked(packed: &Path) -> Vec<u8> {
    let output = Command::new("xz").arg("-dc").arg(packed).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{packed:?}");
    output.stdout
}

#[test]
fn real_ntfs_volumes_are_identified() {
    let Some(folder) = corpus("ntfs") else { return };
    if !have(&["xz"]) {
        return;
    }
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().ends_with(".vol.raw.xz") {
            continue;
        }
        let device = Arc::new(MemoryDevice::new(unpacked(&path)));
        let identity = identify(&(device.clone() as _)).unwrap();
        assert_eq!(identity.filesystem, Filesystem::Ntfs, "{path:?}");
        assert_ne!((identity.serial, identity.cluster_size), (0, 0), "{path:?}");
        assert!(
            !identity.reasons.iter().any(|reason| reason.starts_with("damaged")),
            "{path:?} {identity:?}"
        );
        let volume = open(&device, false).unwrap();
        let names: Vec<String> =
            volume.read_directory("\\").unwrap().into_iter().map(|entry| entry.name).collect();
        assert!(!names.is_empty(), "{path:?}");
        seen += 1;
    }
    assert!(seen >= 5, "{seen}");
}
