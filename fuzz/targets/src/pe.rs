//! PE files with what hangs on them: imports, version, certificate table. An input is one.

use winkiln_trust::digest::Algorithm;
use winkiln_trust::pe::Image;
use winkiln_trust::signature::Signature;

use crate::bytes::put;

/// Reads a file; a signature that holds is over the digest that is computed, whatever the checksum.
pub fn run(data: &[u8]) {
    let Ok(image) = Image::parse(data) else { return };
    assert!(Image::is_pe(data), "what is parsed is one");
    let _ = (image.imports(), image.file_version(), image.certificates());
    let digest = image.digest(Algorithm::Sha256);
    assert_eq!(digest, image.digest(Algorithm::Sha256), "the same again");
    if let Ok(signatures) = Signature::of_pe(&image) {
        for signature in signatures {
            assert!(
                signature.verdict.is_err() || !signature.chain.is_empty(),
                "a verdict has a signer"
            );
        }
    }
}

/// A driver with a section, and with a certificate table that holds no signature.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut bytes = vec![0; 0x400];
    put(&mut bytes, 0, b"MZ");
    put(&mut bytes, 60, &[0x40]);
    put(&mut bytes, 0x40, b"PE\0\0\x64\x86\x01\0");
    put(&mut bytes, 0x54, &[240]);
    put(&mut bytes, 0x58, &[0x0b, 2]);
    put(&mut bytes, 0x58 + 61, &[2]);
    put(&mut bytes, 0x58 + 68, &[1]);
    put(&mut bytes, 0x58 + 108, &[16]);
    for (at, value) in [(8, 0x200u32), (12, 0x1000), (16, 0x200), (20, 0x200)] {
        put(&mut bytes, 0x58 + 240 + at, &value.to_le_bytes());
    }
    // Imports and resources lie in the section.
    for (directory, at) in [(1, 0x1000u32), (2, 0x1100)] {
        put(&mut bytes, 0x58 + 112 + 8 * directory, &[at.to_le_bytes(), [64, 0, 0, 0]].concat());
    }
    put(&mut bytes, 0x20c, &[0x80, 0x10]);
    put(&mut bytes, 0x280, b"WDFLDR.SYS");
    for (at, id, next) in [(0x300, 16u8, 0x8000_0018u32), (0x318, 1, 0x8000_0030), (0x330, 9, 0x48)]
    {
        put(&mut bytes, at + 14, &[1, 0, id]);
        put(&mut bytes, at + 20, &next.to_le_bytes());
    }
    put(&mut bytes, 0x348, &0x1150u32.to_le_bytes());
    put(&mut bytes, 0x378, &0xfeef_04bdu32.to_le_bytes());
    let mut signed = bytes.clone();
    put(&mut signed, 0x58 + 112 + 32, &[0, 4, 0, 0, 64]);
    let catalog = crate::catalog::seeds().remove(0);
    signed
        .extend([&(catalog.len() as u32 + 8).to_le_bytes()[..], &[0, 2, 2, 0], &catalog].concat());
    let size = (signed.len() - 0x400) as u32;
    put(&mut signed, 0x58 + 112 + 36, &size.to_le_bytes());
    vec![bytes, signed]
}
