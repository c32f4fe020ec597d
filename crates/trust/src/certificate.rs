//! X.509 certificates: what they say, and whether one signed another.
//!
//! Source: RFC 5280.

mod name;
mod time;

use crate::der::{BIT_STRING, Der, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, context};
use crate::digest::{Algorithm, hex, sha1};
use crate::error::Error;
use crate::oid;
use crate::rsa::PublicKey;
pub(crate) use name::{printable, string, utf16};
pub use time::Time;

/// A certificate. Its facts are what it says of itself; [`Certificate::is_signed_by`] is mathematics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    encoded: Vec<u8>,
    /// Subject, most specific part first: `CN=..., O=..., C=...`.
    pub subject: String,
    /// The subject's common name, or all of it if it has none.
    pub common_name: String,
    /// Issuer, as `subject`.
    pub issuer: String,
    /// Serial number, in hexadecimal digits.
    pub serial: String,
    /// First moment of validity.
    pub not_before: Time,
    /// Last moment of validity.
    pub not_after: Time,
    /// SHA-1 of the encoded certificate.
    pub thumbprint: [u8; 20],
    /// What the key may be used for beyond the usual, as object identifiers with dots.
    pub extended_key_usage: Vec<String>,
    /// The key identifier that Windows computes: the extension, or SHA-1 of the key with its algorithm.
    pub key_identifier: Vec<u8>,
    pub(crate) issuer_common_name: String,
    pub(crate) subject_raw: Vec<u8>,
    pub(crate) issuer_raw: Vec<u8>,
    pub(crate) serial_raw: Vec<u8>,
    signed: Vec<u8>,
    signature_algorithm: Option<Algorithm>,
    signature: Vec<u8>,
    pub(crate) key: Option<PublicKey>,
}

impl Certificate {
    /// Reads one certificate from its DER encoding, and nothing behind it.
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::Damaged`], [`Error::Unsupported`].
    pub fn from_der(bytes: &[u8]) -> Result<Self, Error> {
        let mut outer = Der::new(bytes);
        let whole = outer.expect(SEQUENCE, "certificate")?;
        let mut parts = whole.inside();
        let signed = parts.expect(SEQUENCE, "tbsCertificate")?;
        let algorithm = parts.expect(SEQUENCE, "signatureAlgorithm")?;
        let signature = parts.expect(BIT_STRING, "signatureValue")?.bits()?;

        let mut body = signed.inside();
        body.optional(context(0))?; // version
        let serial = body.expect(INTEGER, "serialNumber")?.content;
        body.expect(SEQUENCE, "signature")?;
        let issuer = body.expect(SEQUENCE, "issuer")?;
        let mut validity = body.expect(SEQUENCE, "validity")?.inside();
        let subject = body.expect(SEQUENCE, "subject")?;
        let key_info = body.expect(SEQUENCE, "subjectPublicKeyInfo")?;
        let mut key_parts = key_info.inside();
        let key_algorithm = key_parts
            .expect(SEQUENCE, "key algorithm")?
            .inside()
            .expect(OBJECT_IDENTIFIER, "key algorithm")?;
        let key = key_parts.expect(BIT_STRING, "subjectPublicKey")?.bits()?;
        body.optional(0x81)?;
        body.optional(0x82)?;

        let mut key_identifier = None;
        let mut extended_key_usage = Vec::new();
        if let Some(extensions) = body.optional(context(3))? {
            for extension in extensions.inside().expect(SEQUENCE, "extensions")?.all()? {
                let mut parts = extension.inside();
                let kind = parts.expect(OBJECT_IDENTIFIER, "extension")?.content;
                parts.optional(1)?; // critical
                let value = parts.expect(OCTET_STRING, "extension")?;
                if kind == oid::SUBJECT_KEY_IDENTIFIER {
                    key_identifier =
                        Some(value.inside().expect(OCTET_STRING, "subjectKeyIdentifier")?.content);
                } else if kind == oid::EXTENDED_KEY_USAGE {
                    for usage in value.inside().expect(SEQUENCE, "extKeyUsage")?.all()? {
                        extended_key_usage.push(oid::dotted(usage.content));
                    }
                }
            }
        }
        Ok(Self {
            encoded: whole.whole.to_vec(),
            subject: name::text(&subject)?,
            common_name: name::common_name(&subject)?,
            issuer: name::text(&issuer)?,
            issuer_common_name: name::common_name(&issuer)?,
            serial: hex(serial),
            not_before: Time::read(&mut validity)?,
            not_after: Time::read(&mut validity)?,
            thumbprint: sha1(whole.whole),
            extended_key_usage,
            key_identifier: key_identifier
                .map_or_else(|| sha1(key_info.whole).to_vec(), <[u8]>::to_vec),
            subject_raw: subject.whole.to_vec(),
            issuer_raw: issuer.whole.to_vec(),
            serial_raw: serial.to_vec(),
            signed: signed.whole.to_vec(),
            signature_algorithm: signature_algorithm(
                algorithm.inside().expect(OBJECT_IDENTIFIER, "algorithm")?.content,
            ),
            signature: signature.to_vec(),
            key: (key_algorithm.content == oid::RSA).then(|| PublicKey::read(key)).flatten(),
        })
    }

    /// The DER encoding.
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// The thumbprint in hexadecimal digits, as Windows names a certificate in its stores.
    pub fn thumbprint_text(&self) -> String {
        hex(&self.thumbprint)
    }

    /// True when subject and issuer are the same name.
    pub fn is_self_issued(&self) -> bool {
        self.subject_raw == self.issuer_raw
    }

    /// Whether another certificate's key made this one's signature; `None` when the algorithm is not known here.
    pub fn is_signed_by(&self, issuer: &Self) -> Option<bool> {
        let (algorithm, key) = (self.signature_algorithm?, issuer.key.as_ref()?);
        let named = self.issuer_raw == issuer.subject_raw;
        Some(named && key.verifies(algorithm, &algorithm.hash(&[&self.signed]), &self.signature))
    }
}

/// The hash of an RSA signature.
pub(crate) fn signature_algorithm(bytes: &[u8]) -> Option<Algorithm> {
    match bytes {
        b if b == oid::SHA1_RSA || b == oid::SHA1_RSA_OIW => Some(Algorithm::Sha1),
        b if b == oid::SHA256_RSA => Some(Algorithm::Sha256),
        b if b == oid::SHA384_RSA => Some(Algorithm::Sha384),
        b if b == oid::SHA512_RSA => Some(Algorithm::Sha512),
        _ => None,
    }
}
