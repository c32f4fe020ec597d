//! Certificates and what Windows' stores hold of them.

use std::fs;

use winkiln_trust::Error;
use winkiln_trust::certificate::Certificate;
use winkiln_trust::certificate_file::read;
use winkiln_trust::store;

use crate::tools::{authority, have, run};

fn pem(name: &str) -> Certificate {
    let text = fs::read(authority().path(&format!("{name}.pem"))).expect("a file");
    let [certificate] = &read(&text).expect("a certificate")[..] else { panic!("one") };
    certificate.clone()
}

#[test]
fn facts_are_those_of_openssl() {
    if !have(&["openssl"]) {
        return;
    }
    let root = pem("root");
    assert_eq!(root.subject, "CN=Kiln Test Root, O=Kiln Works, C=XX");
    assert!(root.is_self_issued());
    assert_eq!(root.is_signed_by(&root), Some(true));
    let sub = pem("sub");
    assert_eq!(
        (sub.common_name.as_str(), sub.issuer.as_str()),
        ("Kiln Sub CA", root.subject.as_str())
    );
    assert_eq!(sub.is_signed_by(&root), Some(true));
    assert_eq!(root.is_signed_by(&sub), Some(false));
    assert_eq!(pem("cross").is_signed_by(&root), Some(false));
    assert_eq!(pem("attest").extended_key_usage, ["1.3.6.1.4.1.311.10.3.5.1", "1.3.6.1.5.5.7.3.3"]);
    let args = [
        "x509",
        "-in",
        "sub.pem",
        "-noout",
        "-fingerprint",
        "-sha1",
        "-serial",
        "-enddate",
        "-ext",
        "subjectKeyIdentifier",
    ];
    let said = run(&authority().folder, "openssl", &args).replace(':', "");
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02X}")).collect::<String>();
    for fact in [sub.thumbprint_text(), format!("serial={}", sub.serial), hex(&sub.key_identifier)]
    {
        assert!(said.contains(&fact), "{fact}: {said}");
    }
    let year = format!(" {} GMT", sub.not_after.year);
    assert!(said.contains(&year), "{year}: {said}");
    // Openssl shows the time with colons, which are gone by now.
    let time = sub.not_after;
    assert!(said.contains(&format!("{:02}{:02}{:02}", time.hour, time.minute, time.second)));
}

#[test]
fn files_of_every_kind_are_read() {
    if !have(&["openssl"]) {
        return;
    }
    let folder = &authority().folder;
    run(folder, "openssl", &["x509", "-in", "leaf.pem", "-outform", "DER", "-out", "leaf.cer"]);
    let bundle = authority().bundle(&["leaf", "sub", "root"]);
    let p7 = ["crl2pkcs7", "-nocrl", "-certfile", &bundle];
    run(folder, "openssl", &[&p7[..], &["-out", "all.p7b"]].concat());
    run(folder, "openssl", &[&p7[..], &["-outform", "DER", "-out", "all.p7c"]].concat());
    let names = |file: &str| -> Vec<String> {
        let found = read(&fs::read(authority().path(file)).expect("a file")).expect("certificates");
        found.into_iter().map(|certificate| certificate.common_name).collect()
    };
    assert_eq!(names("leaf.cer"), ["Kiln Driver Signer"]);
    for file in [bundle.as_str(), "all.p7b", "all.p7c"] {
        let mut found = names(file);
        found.sort_unstable();
        assert_eq!(found, ["Kiln Driver Signer", "Kiln Sub CA", "Kiln Test Root"]);
    }
    assert_eq!(read(b"hello"), Err(Error::NoCertificate));
    assert_eq!(read(b""), Err(Error::NoCertificate));
    assert!(read(&fs::read(authority().path("leaf.key")).expect("a key")).is_err());
}

#[test]
fn a_store_holds_the_certificate() {
    if !have(&["openssl"]) {
        return;
    }
    let leaf = pem("leaf");
    let blob = store::blob(&leaf);
    assert_eq!(store::certificate_in(&blob), Some(leaf.encoded()));
    let head = [&[3, 0, 0, 0, 1, 0, 0, 0, 20, 0, 0, 0][..], &leaf.thumbprint].concat();
    assert!(blob.starts_with(&head));
    let size = (leaf.encoded().len() as u32).to_le_bytes();
    assert_eq!(blob[64..76], [&[32, 0, 0, 0, 1, 0, 0, 0][..], &size].concat());
    let key = store::key("ROOT", &leaf);
    assert_eq!(key.rsplit('\\').next(), Some(&leaf.thumbprint_text()[..]));
    assert_eq!(store::certificate_in(&blob[..40]), None);
}

/// As a Windows registry export has it: thumbprint, then the certificate; other properties may stand between.
#[test]
fn what_windows_wrote_is_read() {
    let property = |number: u8, data: &[u8]| {
        [&[number, 0, 0, 0, 1, 0, 0, 0, data.len() as u8, 0, 0, 0], data].concat()
    };
    let blob = [property(3, &[7; 20]), property(15, &[1; 16]), property(32, b"0\x82")].concat();
    assert_eq!(store::certificate_in(&blob), Some(&b"0\x82"[..]));
}
