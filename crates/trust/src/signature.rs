//! A signature over a PE file or a catalog, verified.

use crate::authority::{Anchor, SignerClass, chain, classify};
use crate::certificate::Certificate;
use crate::der::{Element, OCTET_STRING, SEQUENCE};
use crate::digest::Algorithm;
use crate::error::Error;
use crate::oid;
use crate::pe;
use crate::signed_data::{Broken, SignedData, Signer, algorithm};

/// Signatures within signatures that are looked at.
const NESTED_MAX: usize = 8;

/// Why a signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The file is not the one that was signed.
    FileChanged,
    /// What was signed is not what the signature is over.
    DigestMismatch,
    /// The signer's key did not make the signature.
    WrongSignature,
    /// The signer's certificate did not come along.
    NoSigner,
    /// A certificate of the chain was not signed by its issuer.
    WrongChain,
    /// A hash or key algorithm that is not known here: MD5, elliptic curves.
    UnknownAlgorithm,
}

/// A signature: who made it, and whether it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The hash it is over.
    pub algorithm: Option<Algorithm>,
    /// The signer's certificate, the one of its issuer, and so on.
    pub chain: Vec<Certificate>,
    /// What the chain ends in; `None` without a signer.
    pub anchor: Option<Anchor>,
    /// Who stands behind it, or why it does not hold.
    pub verdict: Result<SignerClass, Fault>,
}

impl Signature {
    /// Verifies the signatures that a PE file carries, in their order: the first is the one that every Windows sees.
    ///
    /// # Errors
    /// [`Error`] when the file or a signature cannot be read. A signature that does not hold is no error but a verdict.
    pub fn of_pe(image: &pe::Image<'_>) -> Result<Vec<Self>, Error> {
        let mut found = Vec::new();
        for bytes in image.certificates()? {
            embedded(image, bytes, &mut found, 0)?;
        }
        Ok(found)
    }

    /// Verifies the first signature of signed data over its own contents.
    pub(crate) fn of(data: &SignedData<'_>) -> Result<Self, Error> {
        let known = data.certificates()?;
        let signers = data.signers()?;
        let Some(signer) = signers.first() else { return Ok(Self::without_signer(None)) };
        Ok(Self::judge(signer, data, &known))
    }

    fn without_signer(algorithm: Option<Algorithm>) -> Self {
        Self { algorithm, chain: Vec::new(), anchor: None, verdict: Err(Fault::NoSigner) }
    }

    fn judge(signer: &Signer<'_>, data: &SignedData<'_>, known: &[Certificate]) -> Self {
        let Some(certificate) = known.iter().find(|certificate| signer.is_by(certificate)) else {
            return Self::without_signer(signer.digest);
        };
        let content = data.content.map_or(&[][..], |content| content.content);
        let held = signer.verify(certificate, data.content_type, content);
        let (chain, anchor) = chain(certificate, known);
        let verdict = match (held, &anchor) {
            (Err(Broken::Digest), _) => Err(Fault::DigestMismatch),
            (Err(Broken::Signature), _) => Err(Fault::WrongSignature),
            (Err(Broken::Algorithm), _) => Err(Fault::UnknownAlgorithm),
            (Ok(()), Anchor::Broken(_)) => Err(Fault::WrongChain),
            (Ok(()), Anchor::Unknown(_)) => Err(Fault::UnknownAlgorithm),
            (Ok(()), anchor) => Ok(classify(&chain, known, anchor)),
        };
        Self { algorithm: signer.digest, chain, anchor: Some(anchor), verdict }
    }
}

fn embedded(
    image: &pe::Image<'_>,
    bytes: &[u8],
    found: &mut Vec<Signature>,
    depth: usize,
) -> Result<(), Error> {
    let data = SignedData::read(bytes)?;
    let mut signature = Signature::of(&data)?;
    if signature.verdict.is_ok() {
        let signed = match data.content {
            Some(content) if data.content_type == oid::SPC_INDIRECT_DATA => digest(&content)?,
            _ => None,
        };
        let is_same = signed.is_some_and(|(algorithm, digest)| {
            image.digest(algorithm).is_ok_and(|found| found == digest)
        });
        if !is_same {
            signature.verdict = Err(Fault::FileChanged);
        }
    }
    found.push(signature);
    if depth == 0 {
        for signer in data.signers()? {
            for nested in signer.nested().into_iter().take(NESTED_MAX) {
                embedded(image, nested, found, depth + 1)?;
            }
        }
    }
    Ok(())
}

/// The digest in an `SpcIndirectDataContent`; `None` for an algorithm that is not known.
pub(crate) fn digest(content: &Element<'_>) -> Result<Option<(Algorithm, Vec<u8>)>, Error> {
    let mut parts = content.inside();
    parts.expect(SEQUENCE, "SpcAttributeTypeAndOptionalValue")?;
    let info = parts.expect(SEQUENCE, "DigestInfo")?;
    let mut info = info.inside();
    let kind = algorithm(&info.expect(SEQUENCE, "digestAlgorithm")?)?;
    let digest = info.expect(OCTET_STRING, "digest")?.content;
    Ok(Algorithm::from_oid(kind).map(|kind| (kind, digest.to_vec())))
}
