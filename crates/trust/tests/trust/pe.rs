//! PE files and the signatures in them.

use std::fs;

use winkiln_trust::digest::Algorithm;
use winkiln_trust::pe::{FileVersion, Image, Machine};
use winkiln_trust::signature::{Fault, Signature};
use winkiln_trust::{Anchor, Error, SignerClass};

use crate::image::driver;
use crate::tools::{authority, have, run};

fn signatures(bytes: &[u8]) -> Vec<Signature> {
    Signature::of_pe(&Image::parse(bytes).expect("an image")).expect("signatures")
}

#[test]
fn an_image_tells_what_it_is() {
    let bytes = driver(0);
    let image = Image::parse(&bytes).expect("an image");
    assert_eq!((image.machine, image.subsystem), (Machine::Amd64, 1));
    assert_eq!(image.file_version(), Some(FileVersion([1, 2, 3, 4])));
    assert_eq!(image.imports(), ["ntoskrnl.exe", "WDFLDR.SYS"]);
    assert!(image.imports_from("wdfldr.sys"));
    assert!(signatures(&bytes).is_empty());
    assert!(matches!(Image::parse(b"MZ"), Err(Error::Truncated { .. })));
    assert!(matches!(Image::parse(&[0; 200]), Err(Error::Damaged { .. })));
}

#[test]
fn signatures_of_osslsigncode_hold() {
    if !have(&["openssl", "osslsigncode"]) {
        return;
    }
    let authority = authority();
    for (hash, algorithm) in [("sha1", Algorithm::Sha1), ("sha256", Algorithm::Sha256)] {
        let signed = authority.sign(&driver(1), "sys", &["leaf", "sub", "root"], &["-h", hash]);
        let image = Image::parse(&signed).expect("an image");
        let found = Signature::of_pe(&image).expect("signatures");
        let [signature] = &found[..] else { panic!("{found:?}") };
        assert_eq!(signature.verdict, Ok(SignerClass::Test));
        assert_eq!(signature.algorithm, Some(algorithm));
        let names: Vec<_> = signature.chain.iter().map(|c| c.common_name.as_str()).collect();
        assert_eq!(names, ["Kiln Driver Signer", "Kiln Sub CA", "Kiln Test Root"]);
        assert_eq!(signature.anchor, Some(Anchor::SelfSigned("Kiln Test Root".into())));
        // The digest is the one that osslsigncode computes.
        let folder = tempfile::tempdir().expect("a scratch folder");
        fs::write(folder.path().join("x.sys"), &signed).expect("a file");
        let root = authority.path("root.pem");
        let text = run(
            &folder,
            "osslsigncode",
            &["verify", "-CAfile", root.to_str().expect("text"), "-in", "x.sys"],
        );
        let digest: String =
            image.digest(algorithm).expect("a digest").iter().map(|b| format!("{b:02X}")).collect();
        let line = text.lines().find(|line| line.starts_with("Calculated message digest"));
        assert!(line.is_some_and(|line| line.contains(&digest)), "{digest}: {text}");
    }
}

#[test]
fn a_second_signature_is_seen() {
    if !have(&["openssl", "osslsigncode"]) {
        return;
    }
    let first = authority().sign(&driver(2), "sys", &["leaf", "sub", "root"], &["-h", "sha1"]);
    let both = authority().sign(&first, "sys", &["self"], &["-h", "sha256", "-nest"]);
    let found: Vec<_> = signatures(&both).into_iter().map(|s| (s.algorithm, s.verdict)).collect();
    let test = |algorithm| (Some(algorithm), Ok(SignerClass::Test));
    assert_eq!(found, [test(Algorithm::Sha1), test(Algorithm::Sha256)]);
}

#[test]
fn changes_are_found() {
    if !have(&["openssl", "osslsigncode"]) {
        return;
    }
    let signed = authority().sign(&driver(3), "sys", &["leaf", "sub", "root"], &[]);
    let verdict = |at: usize| {
        let mut bytes = signed.clone();
        bytes[at] ^= 1;
        signatures(&bytes)[0].verdict
    };
    assert_eq!(verdict(0x300), Err(Fault::FileChanged), "code");
    assert_eq!(verdict(0x48), Err(Fault::FileChanged), "a header");
    assert_eq!(verdict(0x58 + 64), Ok(SignerClass::Test), "the checksum is not signed");
    // Bytes behind the sections, but before the certificates, are signed too.
    let image = Image::parse(&signed).expect("an image");
    let table = image.certificates().expect("a table")[0];
    let start = table.as_ptr() as usize - signed.as_ptr() as usize;
    // The signature itself is the last octet string: its last byte before the padding.
    let end = start + table.iter().rposition(|byte| *byte != 0).expect("bytes");
    assert_eq!(verdict(end), Err(Fault::WrongSignature));
}

#[test]
fn who_stands_behind_it() {
    if !have(&["openssl", "osslsigncode"]) {
        return;
    }
    let missing = |name: &str| Anchor::Missing(name.to_owned());
    let check = |names: &[&str], class, anchor: Anchor| {
        let found = signatures(&authority().sign(&driver(4), "sys", names, &[]));
        assert_eq!(found[0].verdict, Ok(class), "{names:?}");
        assert_eq!(found[0].anchor, Some(anchor), "{names:?}");
    };
    let microsoft = || Anchor::NamesMicrosoft("Microsoft Root Certificate Authority 2010");
    check(&["whql", "hardware"], SignerClass::Whql, microsoft());
    check(&["attest", "hardware"], SignerClass::Attestation, microsoft());
    check(&["leaf", "sub"], SignerClass::Vendor, missing("Kiln Test Root"));
    check(
        &["leaf", "cross"],
        SignerClass::VendorCrossSigned,
        missing("Microsoft Code Verification Root"),
    );
    check(&["self"], SignerClass::Test, Anchor::SelfSigned("WDKTestCert kiln".into()));
    // A root with the name of Microsoft's is not Microsoft's.
    let fake = Anchor::SelfSigned("Microsoft Root Certificate Authority 2010".into());
    check(&["whql", "hardware", "ms2010"], SignerClass::Test, fake);
}
