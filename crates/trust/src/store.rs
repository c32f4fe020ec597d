//! Windows' certificate stores in the registry: the value that holds a certificate.
//!
//! A store of the machine lies below `SOFTWARE\Microsoft\SystemCertificates\<store>\Certificates`, with a key for each certificate,
//! named by its thumbprint, whose value `Blob` holds properties and the certificate.
//!
//! Source: [MS-GPEF] 2.2.1.1.1, which has the same layout for policies.

use crate::certificate::Certificate;

const SHA1_HASH: u32 = 3;
const KEY_IDENTIFIER: u32 = 20;
const CERTIFICATE: u32 = 32;
/// What stands between the number of a property and its length.
const ENCODING: u32 = 1;

/// The key of a certificate below the root of the `SOFTWARE` hive.
pub fn key(store: &str, certificate: &Certificate) -> String {
    format!(r"Microsoft\SystemCertificates\{store}\Certificates\{}", certificate.thumbprint_text())
}

/// The data of the value `Blob`, a `REG_BINARY`: thumbprint, key identifier, certificate.
pub fn blob(certificate: &Certificate) -> Vec<u8> {
    let properties = [
        (SHA1_HASH, &certificate.thumbprint[..]),
        (KEY_IDENTIFIER, &certificate.key_identifier),
        (CERTIFICATE, certificate.encoded()),
    ];
    let mut blob = Vec::new();
    for (number, data) in properties {
        blob.extend(number.to_le_bytes());
        blob.extend(ENCODING.to_le_bytes());
        blob.extend((data.len() as u32).to_le_bytes());
        blob.extend(data);
    }
    blob
}

/// The encoded certificate in the data of a value `Blob`; `None` when there is none.
pub fn certificate_in(blob: &[u8]) -> Option<&[u8]> {
    let mut rest = blob;
    while let Some((head, behind)) = rest.split_first_chunk::<12>() {
        let [number, _, length] =
            [0, 4, 8].map(|at| head[at..].first_chunk().copied().map_or(0, u32::from_le_bytes));
        let data = behind.get(..length as usize)?;
        if number == CERTIFICATE {
            return Some(data);
        }
        rest = &behind[data.len()..];
    }
    None
}
