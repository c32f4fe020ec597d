//! Damaged files: an error or a verdict, never a panic.

use winkiln_trust::catalog::Catalog;
use winkiln_trust::certificate_file;
use winkiln_trust::digest::Algorithm;
use winkiln_trust::pe::Image;
use winkiln_trust::signature::Signature;

use crate::catalog::unsigned;
use crate::image::driver;
use crate::tools::{authority, have};

fn exhaust(bytes: &[u8]) {
    if let Ok(image) = Image::parse(bytes) {
        let _ = (image.imports(), image.file_version(), Signature::of_pe(&image));
    }
    let _ = Catalog::read(bytes).map(|catalog| catalog.covers(b"x").is_some());
    let _ = certificate_file::read(bytes);
}

#[test]
fn damage_is_told() {
    let mut samples = vec![driver(9), unsigned(Algorithm::Sha1)];
    if have(&["openssl", "osslsigncode"]) {
        samples.push(authority().sign(&driver(9), "sys", &["leaf", "sub", "root"], &[]));
        samples.push(authority().sign(&unsigned(Algorithm::Sha1), "cat", &["leaf"], &[]));
    }
    for sample in samples {
        for seed in 0..800usize {
            let mut bytes = sample.clone();
            for turn in 0..1 + seed % 3 {
                let at = (seed * 7919 + turn * 104_729) % bytes.len();
                bytes[at] = [0, 0xff, 0x80, bytes[at] ^ 1 << (seed % 8)][(seed + turn) % 4];
            }
            exhaust(&bytes);
        }
        for cut in 0..40 {
            exhaust(&sample[..sample.len() * cut / 40]);
        }
    }
}
