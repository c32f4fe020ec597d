//! The `fatfs` reader.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use winkiln_disk::{Device, MemoryDevice};
use winkiln_verify::Claim;

use crate::tools::{agrees, disagrees, file, hashed, have, noise, run};

/// A FAT volume of this kind, made by `mkfs.fat` and filled by `mtools`.
fn volume(kind: &str, size: u64, big: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("volume.raw");
    let source = folder.path().join("source");
    fs::File::create(&image).unwrap().set_len(size).unwrap();
    run(Command::new("mkfs.fat").args(["-F", kind]).arg(&image));
    run(Command::new("mmd").arg("-i").arg(&image).args(["::/EFI", "::/EFI/Microsoft Boot"]));
    for (name, contents) in
        [("::/boot.ini", &b"[boot loader]"[..]), ("::/EFI/Microsoft Boot/BCD", big)]
    {
        fs::write(&source, contents).unwrap();
        run(Command::new("mcopy").arg("-i").arg(&image).arg(&source).arg(name));
    }
    fs::read(&image).unwrap()
}

#[test]
fn claims_are_told_apart() {
    if !have(&["mkfs.fat", "mmd", "mcopy"]) {
        return;
    }
    let big = noise(5, 1_500_001);
    for (kind, size) in [("12", 4 << 20), ("16", 32 << 20), ("32", 64 << 20)] {
        let before = volume(kind, size, &big);
        let memory = Arc::new(MemoryDevice::new(before.clone()));
        let device: Arc<dyn Device> = memory.clone();
        let folder = |path: &str| Claim::Directory { path: path.into() };
        let absent = |path: &str| Claim::Absent { path: path.into() };
        agrees(
            &device,
            &[
                file(r"\BOOT.INI", b"[boot loader]"),
                file(r"/efi/microsoft boot/bcd", &big),
                hashed(r"/efi/microsoft boot/bcd", &big),
                folder(r"\"),
                folder(r"\EFI\Microsoft Boot"),
                absent(r"\EFI\Other"),
                absent(r"\Other\BCD"),
                absent(r"\boot.ini\below"),
                absent(r"\boot.ini:stream"),
            ],
        );
        let mut flipped = big.clone();
        flipped[1_499_999] ^= 1;
        disagrees(&device, file(r"\EFI\Microsoft Boot\BCD", &flipped), "byte 0x16e35f is");
        disagrees(&device, hashed(r"\EFI\Microsoft Boot\BCD", &flipped), "have the hash");
        disagrees(&device, file(r"\boot.ini", b"[boot loade"), "13 bytes, expected 11");
        disagrees(&device, file(r"\gone", b""), "nothing there");
        disagrees(&device, file(r"\EFI", b""), "a folder");
        disagrees(&device, folder(r"\boot.ini"), "a file, expected a folder");
        disagrees(&device, folder(r"\gone"), "nothing there, expected a folder");
        disagrees(&device, absent(r"\Boot.ini"), "a file, expected nothing");
        disagrees(&device, absent(r"\efi"), "a folder, expected nothing");
        assert!(memory.to_vec() == before, "FAT{kind}: the reader wrote to the volume");
    }
}
