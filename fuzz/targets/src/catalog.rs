//! Security catalogs and files of certificates. An input is one.

use winkiln_trust::catalog::Catalog;
use winkiln_trust::{certificate_file, store};

/// Reads a catalog, and certificates: what is unsigned has no verdict in its favour, and stores give back what they were given.
pub fn run(data: &[u8]) {
    if let Ok(catalog) = Catalog::read(data) {
        let signature = &catalog.signature;
        assert!(
            signature.verdict.is_err() || !signature.chain.is_empty(),
            "a verdict has a signer"
        );
        for member in &catalog.members {
            assert!(matches!(member.digest.len(), 0..=65536), "no more than the file had");
        }
        let _ = catalog.covers(data);
    }
    for certificate in certificate_file::read(data).unwrap_or_default() {
        let blob = store::blob(&certificate);
        assert_eq!(store::certificate_in(&blob), Some(certificate.encoded()), "a store keeps it");
    }
}

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let head = if length < 0x80 {
        vec![tag, length as u8]
    } else {
        vec![tag, 0x82, (length >> 8) as u8, length as u8]
    };
    [head, content].concat()
}

/// A catalog of one member without a signature, and a certificate as PEM.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let member = element(0x30, &[&element(4, &[&[7; 20]]), &element(0x31, &[])]);
    let list = element(
        0x30,
        &[
            &element(0x30, &[b"\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x0c\x01\x01"]),
            &element(4, &[&[7; 16]]),
            &element(0x17, &[b"200101000000Z"]),
            &element(0x30, &[b"\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x0c\x01\x02\x05\0"]),
            &element(0x30, &[&member]),
        ],
    );
    let content =
        element(0x30, &[b"\x06\x09\x2b\x06\x01\x04\x01\x82\x37\x0a\x01", &element(0xa0, &[&list])]);
    let data = element(0x30, &[b"\x02\x01\x01\x31\0", &content, b"\x31\0"]);
    let catalog =
        element(0x30, &[b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", &element(0xa0, &[&data])]);
    vec![catalog, include_bytes!("../../../fixtures/kiln-test-root.crt").to_vec()]
}
