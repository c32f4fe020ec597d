//! Whose chain it is: Microsoft's, a vendor's, or anybody's.

use crate::certificate::Certificate;

/// Microsoft's roots by the SHA-1 thumbprints that it publishes.
///
/// Source: "Required trusted root certificates" (Microsoft, KB 293781) for the first two; "Participants in the Microsoft Trusted
/// Root Program" for the others. The first three also stand in every Windows under
/// `SystemCertificates\ROOT` or `AuthRoot`.
const ROOTS: &[(&str, &str)] = &[
    ("A43489159A520F0D93D032CCAF37E7FE20A8B419", "Microsoft Root Authority"),
    ("CDD4EEAE6000AC7F40C3802C171E30148030C072", "Microsoft Root Certificate Authority"),
    ("3B1EFD3A66EA28B16697394703A72CA340A05BD5", "Microsoft Root Certificate Authority 2010"),
    ("8F43288AD272F3103B6FB1428485EA3014C0BCFE", "Microsoft Root Certificate Authority 2011"),
];

/// The root that cross-certificates of vendors' authorities are signed by.
///
/// Source: "Cross-Certificates for Kernel Mode Code Signing" (Microsoft).
const CODE_VERIFICATION_ROOT: &str = "Microsoft Code Verification Root";

/// Names of roots that sign for tests alone.
const TEST_ROOTS: &[&str] =
    &["Microsoft Test Root Authority", "Microsoft Testing Root Certificate Authority"];

/// Key usages of Microsoft's signatures over drivers: `szOID_WHQL_CRYPTO`, `szOID_ATTEST_WHQL_CRYPTO`, `szOID_NT5_CRYPTO`.
const WHQL: &str = "1.3.6.1.4.1.311.10.3.5";
const ATTESTATION: &str = "1.3.6.1.4.1.311.10.3.5.1";
const WINDOWS: &str = "1.3.6.1.4.1.311.10.3.6";

/// What the certificates that come with a signature end in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Anchor {
    /// One of Microsoft's roots is there and is what it says.
    Microsoft(&'static str),
    /// The last certificate names one of Microsoft's roots as its issuer. The root did not come along, as it seldom does, so that
    /// the last signature is not proved.
    NamesMicrosoft(&'static str),
    /// A root that is not Microsoft's, of this name.
    SelfSigned(String),
    /// An issuer that did not come along, of this name.
    Missing(String),
    /// A certificate whose issuer is there and did not sign it.
    Broken(String),
    /// A certificate whose issuer is there, with an algorithm that is not known here.
    Unknown(String),
}

/// Who stands behind a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignerClass {
    /// Microsoft, for a driver that passed the hardware tests.
    Whql,
    /// Microsoft, for a driver whose vendor attested it; Windows before 10 does not take it.
    Attestation,
    /// Microsoft, for a part of Windows.
    Windows,
    /// Microsoft, for something else.
    Microsoft,
    /// A vendor, with a certificate of Microsoft over the vendor's authority: kernels from Vista on took it until 2021.
    VendorCrossSigned,
    /// A vendor whose authority did not come along, without a cross-certificate.
    Vendor,
    /// Anybody: a test certificate, or a root that nobody knows.
    Test,
}

/// A chain from the signer on, as far as it goes, and what it ends in.
pub(crate) fn chain(signer: &Certificate, known: &[Certificate]) -> (Vec<Certificate>, Anchor) {
    let mut chain = vec![signer.clone()];
    loop {
        let Some(last) = chain.last() else { unreachable!("the signer is there") };
        let root = |name: &str| ROOTS.iter().map(|(_, root)| *root).find(|root| *root == name);
        if last.is_self_issued() {
            let anchor = if last.is_signed_by(last) == Some(false) {
                Anchor::Broken(last.common_name.clone())
            } else {
                let thumbprint = last.thumbprint_text();
                match ROOTS.iter().find(|(known, _)| *known == thumbprint) {
                    Some((_, name)) => Anchor::Microsoft(name),
                    None => Anchor::SelfSigned(last.common_name.clone()),
                }
            };
            return (chain, anchor);
        }
        // One of the certificates by this name must have signed; a cross-certificate shares the name with the root it stands for.
        let named: Vec<_> =
            known.iter().filter(|known| known.subject_raw == last.issuer_raw).collect();
        let next = named
            .iter()
            .find(|next| last.is_signed_by(next) == Some(true) && !chain.contains(next));
        match (next, named.is_empty()) {
            (Some(next), _) => chain.push((*next).clone()),
            (None, false) => {
                let name = last.common_name.clone();
                let is_unknown = named.iter().any(|issuer| last.is_signed_by(issuer).is_none());
                let anchor = if is_unknown { Anchor::Unknown(name) } else { Anchor::Broken(name) };
                return (chain, anchor);
            }
            (None, true) => {
                let name = last.issuer_common_name.clone();
                let anchor = root(&name).map_or(Anchor::Missing(name), Anchor::NamesMicrosoft);
                return (chain, anchor);
            }
        }
    }
}

/// Classifies a chain whose signatures hold.
pub(crate) fn classify(
    chain: &[Certificate],
    known: &[Certificate],
    anchor: &Anchor,
) -> SignerClass {
    let is_test = |name: &str| {
        name.contains("WDKTestCert") || TEST_ROOTS.iter().any(|root| name.contains(root))
    };
    let names = chain.iter().flat_map(|certificate| [&certificate.subject, &certificate.issuer]);
    if names.into_iter().any(|name| is_test(name)) {
        return SignerClass::Test;
    }
    let cross =
        known.iter().any(|certificate| certificate.issuer_common_name == CODE_VERIFICATION_ROOT);
    match anchor {
        Anchor::Microsoft(_) | Anchor::NamesMicrosoft(_) => {
            let has = |usage: &str| {
                chain
                    .first()
                    .is_some_and(|signer| signer.extended_key_usage.iter().any(|u| u == usage))
            };
            if has(ATTESTATION) {
                SignerClass::Attestation
            } else if has(WHQL) {
                SignerClass::Whql
            } else if has(WINDOWS) {
                SignerClass::Windows
            } else {
                SignerClass::Microsoft
            }
        }
        Anchor::Missing(name) if name == CODE_VERIFICATION_ROOT => SignerClass::VendorCrossSigned,
        _ if cross => SignerClass::VendorCrossSigned,
        Anchor::Missing(_) => SignerClass::Vendor,
        Anchor::SelfSigned(_) | Anchor::Broken(_) | Anchor::Unknown(_) => SignerClass::Test,
    }
}
