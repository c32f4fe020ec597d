//! Catalogs: written here, signed and judged by osslsigncode.

use std::fs;

use winkiln_trust::SignerClass;
use winkiln_trust::catalog::Catalog;
use winkiln_trust::digest::Algorithm;
use winkiln_trust::pe::Image;
use winkiln_trust::signature::Fault;

use crate::der::{bmp, element, integer, octets, oid, sequence, set};
use crate::image::driver;
use crate::tools::{authority, have, run};

pub const INF: &[u8] = b"[Version]\r\nSignature=\"$WINDOWS NT$\"\r\nCatalogFile=kiln.cat\r\n";

fn name_value(name: &str, value: &str) -> Vec<u8> {
    let value: Vec<u8> = value.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    sequence(&[bmp(name), integer(0x1001_0001), octets(&value)])
}

/// The digest of a member as a signature over a PE file, or over another, holds it.
fn indirect(algorithm: Algorithm, digest: &[u8], is_pe: bool) -> Vec<u8> {
    let hash =
        if algorithm == Algorithm::Sha1 { "1.3.14.3.2.26" } else { "2.16.840.1.101.3.4.2.1" };
    let obsolete: Vec<u8> = "<<<Obsolete>>>".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let file = element(0xa2, &[element(0x80, &[obsolete])]);
    let (kind, value) = if is_pe {
        ("1.3.6.1.4.1.311.2.1.15", sequence(&[element(3, &[vec![0]]), element(0xa0, &[file])]))
    } else {
        ("1.3.6.1.4.1.311.2.1.25", file)
    };
    sequence(&[
        sequence(&[oid(kind), value]),
        sequence(&[sequence(&[oid(hash), vec![5, 0]]), octets(digest)]),
    ])
}

/// A member: its digest in hexadecimal digits as its name, and what is known of it.
fn member(name: &str, algorithm: Algorithm, digest: &[u8], is_pe: bool) -> Vec<u8> {
    let hex: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    let tag: Vec<u8> = hex.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    let attribute = |kind: &str, value| sequence(&[oid(kind), set(&[value])]);
    sequence(&[
        octets(&tag),
        set(&[
            attribute("1.3.6.1.4.1.311.12.2.1", name_value("File", name)),
            attribute("1.3.6.1.4.1.311.12.2.1", name_value("OSAttr", "2:6.1,2:10.0")),
            attribute("1.3.6.1.4.1.311.2.1.4", indirect(algorithm, digest, is_pe)),
        ]),
    ])
}

/// Signed data without a signature.
pub fn unsigned(algorithm: Algorithm) -> Vec<u8> {
    let sys = driver(7);
    let sys = Image::parse(&sys).expect("an image").digest(algorithm).expect("a digest");
    let list = sequence(&[
        sequence(&[oid("1.3.6.1.4.1.311.12.1.1")]),
        octets(&[7; 16]),
        element(0x17, &[b"200101000000Z".to_vec()]),
        sequence(&[oid("1.3.6.1.4.1.311.12.1.2"), vec![5, 0]]),
        sequence(&[
            member("kiln.sys", algorithm, &sys, true),
            member("kiln.inf", algorithm, &algorithm.hash(&[INF]), false),
        ]),
        element(
            0xa0,
            &[sequence(&[sequence(&[
                oid("1.3.6.1.4.1.311.12.2.1"),
                octets(&name_value("OS", "7X64,10X64")),
            ])])],
        ),
    ]);
    sequence(&[
        oid("1.2.840.113549.1.7.2"),
        element(
            0xa0,
            &[sequence(&[
                integer(1),
                set(&[]),
                sequence(&[oid("1.3.6.1.4.1.311.10.1"), element(0xa0, &[list])]),
                set(&[]),
            ])],
        ),
    ])
}

#[test]
fn a_catalog_covers_its_files() {
    if !have(&["openssl", "osslsigncode"]) {
        return;
    }
    for algorithm in [Algorithm::Sha1, Algorithm::Sha256] {
        let signed = authority().sign(&unsigned(algorithm), "cat", &["leaf", "sub", "root"], &[]);
        let catalog = Catalog::read(&signed).expect("a catalog");
        assert_eq!(catalog.signature.verdict, Ok(SignerClass::Test));
        assert_eq!(catalog.attribute("os"), Some("7X64,10X64"));
        assert_eq!(catalog.members.len(), 2);
        let name =
            |contents: &[u8]| catalog.covers(contents).and_then(|member| member.attribute("File"));
        assert_eq!(name(INF), Some("kiln.inf"));
        assert_eq!(name(&driver(7)), Some("kiln.sys"));
        assert_eq!(name(&driver(8)), None);
        assert_eq!(name(&[INF, b"\r\n"].concat()), None);
        assert_eq!(catalog.members[0].attribute("OSATTR"), Some("2:6.1,2:10.0"));
        // A driver that is signed itself too is the same file to a catalog.
        let own = authority().sign(&driver(7), "sys", &["self"], &[]);
        assert_eq!(name(&own), Some("kiln.sys"));

        let folder = tempfile::tempdir().expect("a scratch folder");
        fs::write(folder.path().join("kiln.cat"), &signed).expect("a file");
        fs::write(folder.path().join("kiln.sys"), driver(7)).expect("a file");
        let root = authority().path("root.pem");
        let root = root.to_str().expect("text");
        run(
            &folder,
            "osslsigncode",
            &["verify", "-CAfile", root, "-catalog", "kiln.cat", "-in", "kiln.sys"],
        );
    }
}

#[test]
fn a_changed_catalog_is_broken() {
    if !have(&["openssl", "osslsigncode"]) {
        return;
    }
    let mut signed =
        authority().sign(&unsigned(Algorithm::Sha256), "cat", &["leaf", "sub", "root"], &[]);
    let name: Vec<u8> = "kiln.inf".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let at = signed.windows(name.len()).position(|window| window == name).expect("the name");
    signed[at] = b'x';
    let catalog = Catalog::read(&signed).expect("a catalog");
    assert_eq!(catalog.signature.verdict, Err(Fault::DigestMismatch));
    assert!(catalog.signature.chain.len() == 3);
    let unsigned = Catalog::read(&unsigned(Algorithm::Sha1)).expect("a catalog");
    assert_eq!(unsigned.signature.verdict, Err(Fault::NoSigner));
}
