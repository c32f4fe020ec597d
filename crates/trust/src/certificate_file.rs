//! Files of certificates: `.cer`, `.crt` and `.p7b`, binary or as PEM text.
//!
//! Source: RFC 7468 for the text.

use crate::certificate::Certificate;
use crate::der::{Der, OBJECT_IDENTIFIER, SEQUENCE};
use crate::error::Error;
use crate::signed_data::SignedData;

/// Reads the certificates of a file, in its order.
///
/// # Errors
/// [`Error::NoCertificate`], and as [`Certificate::from_der`].
pub fn read(bytes: &[u8]) -> Result<Vec<Certificate>, Error> {
    let found = if bytes.first() == Some(&SEQUENCE) { binary(bytes)? } else { text(bytes)? };
    if found.is_empty() { Err(Error::NoCertificate) } else { Ok(found) }
}

fn binary(bytes: &[u8]) -> Result<Vec<Certificate>, Error> {
    let mut inside = Der::new(bytes).expect(SEQUENCE, "certificate")?.inside();
    match inside.next()? {
        Some(first) if first.tag == OBJECT_IDENTIFIER => SignedData::read(bytes)?.certificates(),
        _ => Ok(vec![Certificate::from_der(bytes)?]),
    }
}

fn text(bytes: &[u8]) -> Result<Vec<Certificate>, Error> {
    let text = String::from_utf8_lossy(bytes);
    let mut found = Vec::new();
    let mut rest = &text[..];
    while let Some((_, behind)) = rest.split_once("-----BEGIN ") {
        let Some((label, behind)) = behind.split_once("-----") else { break };
        let Some((body, behind)) = behind.split_once("-----END ") else { break };
        rest = behind;
        if matches!(label, "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" | "PKCS7") {
            found.extend(binary(&base64(body).ok_or(Error::NoCertificate)?)?);
        }
    }
    Ok(found)
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for c in text.bytes().filter(|c| !c.is_ascii_whitespace()) {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}
