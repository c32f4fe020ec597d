//! Whether a guest would take the signature of a package.
//!
//! Source: "Kernel-mode code signing policy" and "Attestation signing" of the Windows driver documentation.

use winkiln_archive::Tree;
use winkiln_drivers::staging::{Guest, Signature as Recorded};
use winkiln_drivers::{Architecture, Package, Target};
use winkiln_trust::SignerClass;
use winkiln_trust::catalog::Catalog;
use winkiln_trust::pe::Image;
use winkiln_trust::signature::{Fault, Signature};

use super::{Contents, package_catalog};

/// What a guest makes of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It takes it.
    Accepted(Recorded),
    /// It takes it where signatures of tests are allowed.
    Test(Recorded, String),
    /// It does not.
    Refused(String),
}

/// Tells whether a guest looks at signatures of drivers when it starts.
pub(crate) fn is_enforced(guest: &Guest) -> bool {
    guest.target.version >= (6, 0) && guest.target.architecture != Architecture::X86
}

/// Judges a package by its catalog, or else by what its drivers carry themselves.
pub(crate) fn judge(contents: &Contents, package: &Package, guest: &Guest) -> Judgement {
    let by_catalog = of_catalog(contents, package, guest);
    match by_catalog {
        Judgement::Accepted(_) => by_catalog,
        Judgement::Test(..) | Judgement::Refused(_) => match of_programs(contents, guest) {
            Some(accepted @ Judgement::Accepted(_)) => accepted,
            _ => by_catalog,
        },
    }
}

/// How good the signature of a package's catalog is, for the choice among packages: the lower the better. Which files it covers
/// is not asked before a package is added.
#[must_use]
pub fn signature_score(tree: &Tree, package: &Package, target: &Target) -> u8 {
    let Some(signature) = package_catalog::signature(tree, package, target.architecture) else {
        return 3;
    };
    match judge_signature(&signature, "", target.version) {
        Judgement::Accepted(Recorded::Microsoft(_)) => 0,
        Judgement::Accepted(_) => 1,
        Judgement::Test(..) => 2,
        Judgement::Refused(_) => 3,
    }
}

fn of_catalog(contents: &Contents, package: &Package, guest: &Guest) -> Judgement {
    let catalog = contents.files.iter().find(|file| file.is_catalog);
    let bytes = catalog.and_then(|file| Some((file, contents.bytes.get(&file.from)?)));
    let Some((file, bytes)) = bytes else {
        return Judgement::Refused("it has no catalog".to_owned());
    };
    let catalog = match Catalog::read(bytes) {
        Ok(catalog) => catalog,
        Err(error) => return Judgement::Refused(format!("{} is no catalog: {error}", file.from)),
    };
    let others = contents.files.iter().filter(|other| !other.is_catalog);
    for path in others.map(|other| other.from.as_str()).chain([package.path()]) {
        let covered = contents.bytes.get(path).is_some_and(|bytes| catalog.covers(bytes).is_some());
        if !covered {
            return Judgement::Refused(format!("{} does not have {path} as it is", file.from));
        }
    }
    judge_signature(&catalog.signature, &file.from, guest.target.version)
}

/// By the first signature of every driver; `None` where there is no driver.
fn of_programs(contents: &Contents, guest: &Guest) -> Option<Judgement> {
    let mut judgement = None;
    for (file, bytes) in contents.programs() {
        let signatures = Image::parse(bytes).and_then(|image| Signature::of_pe(&image)).ok()?;
        let found = judge_signature(signatures.first()?, &file.from, guest.target.version);
        if !matches!(found, Judgement::Accepted(_)) {
            return Some(found);
        }
        judgement = Some(found);
    }
    judgement
}

/// What a Windows of a version makes of one signature; `path` names the file in words.
#[must_use]
pub fn judge_signature(signature: &Signature, path: &str, version: (u32, u32)) -> Judgement {
    let signer = signature.chain.first().map(|certificate| certificate.common_name.clone());
    let by = signer.clone().unwrap_or_default();
    match signature.verdict {
        Ok(SignerClass::Whql | SignerClass::Windows | SignerClass::Microsoft) => {
            Judgement::Accepted(Recorded::Microsoft(signer))
        }
        Ok(SignerClass::Attestation) if version >= (10, 0) => {
            Judgement::Accepted(Recorded::Microsoft(signer))
        }
        Ok(SignerClass::Attestation) => Judgement::Refused(format!(
            "{path} is signed by attestation, which Windows before 10 does not take"
        )),
        Ok(SignerClass::VendorCrossSigned) => Judgement::Accepted(Recorded::Publisher(signer)),
        Ok(_) => {
            let reason = format!("{path} is signed by {by}, whom Windows does not know");
            Judgement::Test(Recorded::Publisher(signer), reason)
        }
        Err(fault) => {
            let why = words(fault);
            Judgement::Refused(format!("the signature of {path} does not hold: {why}"))
        }
    }
}

/// A fault in words.
pub(super) fn words(fault: Fault) -> &'static str {
    match fault {
        Fault::FileChanged => "the file was changed since",
        Fault::DigestMismatch => "it is over something else",
        Fault::WrongSignature => "the signer's key did not make it",
        Fault::NoSigner => "the signer's certificate is not in it",
        Fault::WrongChain => "a certificate was not signed by its issuer",
        Fault::UnknownAlgorithm => "its algorithm is not known",
        _ => "it cannot be verified",
    }
}
