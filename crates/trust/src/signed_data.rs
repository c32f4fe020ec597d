//! PKCS #7 signed data: contents, certificates, and signatures over them.
//!
//! Source: RFC 2315 and RFC 5652.

use crate::certificate::{Certificate, signature_algorithm};
use crate::der::{Der, Element, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, context};
use crate::digest::Algorithm;
use crate::error::Error;
use crate::oid;

/// Certificates of one signature: a dozen is many.
const CERTIFICATES_MAX: usize = 256;

/// Signed data as they are written.
pub(crate) struct SignedData<'a> {
    pub content_type: &'a [u8],
    /// The element that is signed, without the `[0]` around it.
    pub content: Option<Element<'a>>,
    certificates: Vec<Element<'a>>,
    signers: Vec<Element<'a>>,
}

impl<'a> SignedData<'a> {
    /// Reads the `ContentInfo` of signed data. What lies behind it (padding) is not looked at.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut info = Der::new(bytes).expect(SEQUENCE, "contentInfo")?.inside();
        let kind = info.expect(OBJECT_IDENTIFIER, "contentType")?;
        if kind.content != oid::SIGNED_DATA {
            return Err(Error::Unsupported {
                what: "PKCS #7 other than signed data",
                at: kind.at as u64,
            });
        }
        let mut data =
            info.expect(context(0), "content")?.inside().expect(SEQUENCE, "signedData")?.inside();
        data.expect(INTEGER, "version")?;
        data.expect(SET, "digestAlgorithms")?;
        let mut inner = data.expect(SEQUENCE, "encapContentInfo")?.inside();
        let content_type = inner.expect(OBJECT_IDENTIFIER, "eContentType")?.content;
        let content = match inner.optional(context(0))? {
            Some(content) => content.inside().next()?,
            None => None,
        };
        let certificates = match data.optional(context(0))? {
            Some(set) => set.all()?,
            None => Vec::new(),
        };
        data.optional(context(1))?; // revocation lists
        let signers = data.expect(SET, "signerInfos")?.all()?;
        Ok(Self { content_type, content, certificates, signers })
    }

    /// The certificates that come along.
    pub fn certificates(&self) -> Result<Vec<Certificate>, Error> {
        let plain = self.certificates.iter().filter(|element| element.tag == SEQUENCE);
        plain.take(CERTIFICATES_MAX).map(|element| Certificate::from_der(element.whole)).collect()
    }

    pub fn signers(&self) -> Result<Vec<Signer<'a>>, Error> {
        self.signers.iter().map(Signer::read).collect()
    }
}

/// One signature over the contents.
pub(crate) struct Signer<'a> {
    issuer: Option<(&'a [u8], &'a [u8])>,
    key_identifier: Option<&'a [u8]>,
    pub digest: Option<Algorithm>,
    signed_attributes: Option<Element<'a>>,
    signature_digest: Option<Algorithm>,
    signature: &'a [u8],
    unsigned_attributes: Option<Element<'a>>,
}

/// Why a signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    Digest,
    Signature,
    Algorithm,
}

impl<'a> Signer<'a> {
    fn read(element: &Element<'a>) -> Result<Self, Error> {
        let mut parts = element.inside();
        parts.expect(INTEGER, "signerInfo version")?;
        let (mut issuer, mut key_identifier) = (None, None);
        if let Some(identifier) = parts.optional(0x80)? {
            key_identifier = Some(identifier.content);
        } else {
            let mut both = parts.expect(SEQUENCE, "issuerAndSerialNumber")?.inside();
            let name = both.expect(SEQUENCE, "issuer")?.whole;
            issuer = Some((name, both.expect(INTEGER, "serialNumber")?.content));
        }
        let digest = algorithm(&parts.expect(SEQUENCE, "digestAlgorithm")?)?;
        let signed_attributes = parts.optional(context(0))?;
        let kind = parts
            .expect(SEQUENCE, "signatureAlgorithm")?
            .inside()
            .expect(OBJECT_IDENTIFIER, "signatureAlgorithm")?;
        let digest = Algorithm::from_oid(digest);
        // Many name the key's algorithm alone: the hash is then that of the contents.
        let signature_digest =
            if kind.content == oid::RSA { digest } else { signature_algorithm(kind.content) };
        Ok(Self {
            issuer,
            key_identifier,
            digest,
            signed_attributes,
            signature_digest,
            signature: parts.expect(OCTET_STRING, "signature")?.content,
            unsigned_attributes: parts.optional(context(1))?,
        })
    }

    /// True for the certificate that this signature names.
    pub fn is_by(&self, certificate: &Certificate) -> bool {
        match (self.issuer, self.key_identifier) {
            (Some((name, serial)), _) => {
                certificate.issuer_raw == name && certificate.serial_raw == serial
            }
            (None, Some(identifier)) => certificate.key_identifier == identifier,
            (None, None) => false,
        }
    }

    /// Whether the signature is one of this certificate's key over these contents.
    pub fn verify(
        &self,
        certificate: &Certificate,
        content_type: &[u8],
        content: &[u8],
    ) -> Result<(), Broken> {
        let digest = self.digest.ok_or(Broken::Algorithm)?;
        let hash = self.signature_digest.ok_or(Broken::Algorithm)?;
        let key = certificate.key.as_ref().ok_or(Broken::Algorithm)?;
        let signed = match &self.signed_attributes {
            None => hash.hash(&[content]),
            Some(attributes) => {
                let value =
                    |kind| attribute(attributes, kind).ok().flatten().map(|value| value.content);
                let is_right = value(oid::MESSAGE_DIGEST) == Some(&digest.hash(&[content])[..])
                    && value(oid::CONTENT_TYPE) == Some(content_type);
                if !is_right {
                    return Err(Broken::Digest);
                }
                // Signed as the SET that they are, not as the `[0]` they are written as.
                hash.hash(&[&[SET], &attributes.whole[1..]])
            }
        };
        key.verifies(hash, &signed, self.signature).then_some(()).ok_or(Broken::Signature)
    }

    /// Further signatures over the same file, which old Windows does not see.
    pub fn nested(&self) -> Vec<&'a [u8]> {
        let Some(attributes) = &self.unsigned_attributes else { return Vec::new() };
        let mut found = Vec::new();
        for element in attributes.all().unwrap_or_default() {
            let mut parts = element.inside();
            let Ok(Some(kind)) = parts.optional(OBJECT_IDENTIFIER) else { continue };
            if kind.content == oid::NESTED_SIGNATURE
                && let Ok(values) = parts.expect(SET, "attribute")
            {
                found.extend(values.all().unwrap_or_default().iter().map(|value| value.whole));
            }
        }
        found
    }
}

/// The object identifier of an algorithm.
pub(crate) fn algorithm<'a>(element: &Element<'a>) -> Result<&'a [u8], Error> {
    Ok(element.inside().expect(OBJECT_IDENTIFIER, "algorithm")?.content)
}

/// The first value of an attribute.
fn attribute<'a>(attributes: &Element<'a>, kind: &[u8]) -> Result<Option<Element<'a>>, Error> {
    for element in attributes.all()? {
        let mut parts = element.inside();
        if parts.expect(OBJECT_IDENTIFIER, "attribute")?.content == kind {
            return parts.expect(SET, "attribute")?.inside().next();
        }
    }
    Ok(None)
}
