//! Whether a guest would take the signature of a package.
//!
//! Source: "Kernel-mode code signing policy", "Attestation signing" and "Driver signing policy" of the Windows driver documentation;
//! security advisory 3033929 for SHA-256 before Windows 8.

use winkiln_archive::Tree;
use winkiln_drivers::staging::{Guest, Signature as Recorded};
use winkiln_drivers::{Architecture, Package, Target};
use winkiln_trust::SignerClass;
use winkiln_trust::catalog::Catalog;
use winkiln_trust::certificate::Time;
use winkiln_trust::digest::Algorithm;
use winkiln_trust::pe::Image;
use winkiln_trust::signature::{Fault, Signature};

use super::{Contents, package_catalog};

/// The first build of Windows 10 that wants new drivers signed by Microsoft where Secure Boot is on.
const POLICY_BUILD: u32 = 14393;
/// From this day on certificates of makers do not count there: year, month, day.
const POLICY_DATE: (u16, u8, u8) = (2015, 7, 29);

/// Packages of updates that make Windows Vista and 7 know SHA-256, as the registry and as people name them.
///
/// Source: security advisory 3033929, KB4474419; rollups hold it.
const SHA256_UPDATES: [(&str, &str); 3] = [
    ("package_for_kb3033929", "KB3033929"),
    ("package_for_kb4474419", "KB4474419"),
    ("package_for_rollupfix", "a monthly rollup"),
];

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

/// What decides which signatures a guest's loader takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loader {
    pub(crate) target: Target,
    /// It knows SHA-256: Windows 8 and later, and earlier ones with an update.
    pub(crate) knows_sha256: bool,
    /// UEFI starts it, so that Secure Boot may be on.
    pub(crate) by_uefi: bool,
}

/// What a loader makes of a signature, and what there is to say of one that it takes.
pub(crate) type Judged = (Judgement, Option<String>);

/// Tells whether a guest looks at signatures of drivers when it starts.
pub(crate) fn is_enforced(guest: &Guest) -> bool {
    guest.target.version >= (6, 0) && guest.target.architecture != Architecture::X86
}

/// Judges a package by its catalog, or else by what its drivers carry themselves.
pub(crate) fn judge(contents: &Contents, package: &Package, loader: &Loader) -> Judged {
    let by_catalog = of_catalog(contents, package, loader);
    match by_catalog.0 {
        Judgement::Accepted(_) => by_catalog,
        Judgement::Test(..) | Judgement::Refused(_) => match of_programs(contents, loader) {
            Some(accepted @ (Judgement::Accepted(_), _)) => accepted,
            _ => by_catalog,
        },
    }
}

/// How good the signature of a package's catalog is, for the choice among packages: the lower the better. Which files it covers
/// is not asked before a package is added.
#[must_use]
pub fn signature_score(tree: &Tree, package: &Package, target: &Target) -> u8 {
    score(tree, package, &Loader { target: *target, knows_sha256: true, by_uefi: false })
}

/// As [`signature_score`], for the loader of a guest.
pub(crate) fn score(tree: &Tree, package: &Package, loader: &Loader) -> u8 {
    let architecture = loader.target.architecture;
    let Some(signature) = package_catalog::signature(tree, package, architecture) else {
        return 3;
    };
    match judge_for(&signature, "", loader).0 {
        Judgement::Accepted(Recorded::Microsoft(_)) => 0,
        Judgement::Accepted(_) => 1,
        Judgement::Test(..) => 2,
        Judgement::Refused(_) => 3,
    }
}

fn of_catalog(contents: &Contents, package: &Package, loader: &Loader) -> Judged {
    let refused = |reason| (Judgement::Refused(reason), None);
    let catalog = contents.files.iter().find(|file| file.is_catalog);
    let bytes = catalog.and_then(|file| Some((file, contents.bytes.get(&file.from)?)));
    let Some((file, bytes)) = bytes else {
        return refused("it has no catalog".to_owned());
    };
    let catalog = match Catalog::read(bytes) {
        Ok(catalog) => catalog,
        Err(error) => return refused(format!("{} is no catalog: {error}", file.from)),
    };
    let others = contents.files.iter().filter(|other| !other.is_catalog);
    for path in others.map(|other| other.from.as_str()).chain([package.path()]) {
        let covered = contents.bytes.get(path).is_some_and(|bytes| catalog.covers(bytes).is_some());
        if !covered {
            return refused(format!("{} does not have {path} as it is", file.from));
        }
    }
    judge_for(&catalog.signature, &file.from, loader)
}

/// By the first signature of every driver; `None` where there is no driver.
fn of_programs(contents: &Contents, loader: &Loader) -> Option<Judged> {
    let mut judged = None;
    for (file, bytes) in contents.programs() {
        let signatures = Image::parse(bytes).and_then(|image| Signature::of_pe(&image)).ok()?;
        let mut found = judge_for(signatures.first()?, &file.from, loader);
        if !matches!(found.0, Judgement::Accepted(_)) {
            return Some(found);
        }
        // What there is to say of one driver holds for the package.
        found.1 = found.1.or(judged.and_then(|(_, warning)| warning));
        judged = Some(found);
    }
    judged
}

/// What a guest's loader makes of one signature.
fn judge_for(signature: &Signature, path: &str, loader: &Loader) -> Judged {
    let judgement = judge_signature(signature, path, loader.target.version);
    if matches!(judgement, Judgement::Refused(_)) {
        return (judgement, None);
    }
    // Of several signatures earlier Windows sees the first, which is the one over SHA-1.
    if !loader.knows_sha256 && signature.algorithm.is_some_and(|kind| kind != Algorithm::Sha1) {
        let reason = format!(
            "the signature of {path} is over SHA-256, which this Windows knows with {} only: it has none of them",
            SHA256_UPDATES.map(|(_, name)| name).join(", ")
        );
        return (Judgement::Refused(reason), None);
    }
    let issued = signature.chain.first().map(|certificate| certificate.not_before);
    let class = signature.verdict.ok();
    let warning = class.and_then(|class| limits(class, issued, path, loader));
    (judgement, warning)
}

/// What a loader takes with limits.
fn limits(class: SignerClass, issued: Option<Time>, path: &str, loader: &Loader) -> Option<String> {
    if loader.target.build < POLICY_BUILD {
        return None;
    }
    match class {
        SignerClass::VendorCrossSigned => {
            let issued = issued.filter(|issued| {
                loader.by_uefi && (issued.year, issued.month, issued.day) >= POLICY_DATE
            })?;
            Some(format!(
                "{path} is signed by its maker with a certificate of {issued}: with Secure Boot this Windows loads it only when it was upgraded from one before 10.0.{POLICY_BUILD}"
            ))
        }
        SignerClass::Attestation if loader.target.product_type.is_server() => Some(format!(
            "{path} is signed by attestation, which is for clients: this server may refuse to load it"
        )),
        _ => None,
    }
}

/// Tells whether a package of an update makes Windows Vista and 7 know SHA-256.
pub(crate) fn brings_sha256(package: &str) -> bool {
    let package = package.to_ascii_lowercase();
    SHA256_UPDATES.iter().any(|(update, _)| package.starts_with(update))
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

#[cfg(test)]
mod tests {
    use winkiln_drivers::{Architecture, Target};
    use winkiln_trust::SignerClass;
    use winkiln_trust::certificate::Time;
    use winkiln_trust::digest::Algorithm;
    use winkiln_trust::signature::Signature;

    use super::{Judgement, Loader, brings_sha256, judge_for, limits};

    fn loader(os: &str, knows_sha256: bool, by_uefi: bool) -> Loader {
        let target = Target::named(os, Architecture::Amd64).expect("a Windows");
        Loader { target, knows_sha256, by_uefi }
    }

    #[test]
    fn sha256_needs_an_update_before_windows_8() {
        for (class, algorithm, knows_sha256, is_taken) in [
            (SignerClass::Whql, Algorithm::Sha256, false, false),
            (SignerClass::VendorCrossSigned, Algorithm::Sha256, false, false),
            (SignerClass::Whql, Algorithm::Sha1, false, true),
            (SignerClass::Whql, Algorithm::Sha256, true, true),
        ] {
            let (algorithm, chain, verdict) = (Some(algorithm), Vec::new(), Ok(class));
            let signature = Signature { algorithm, chain, anchor: None, verdict };
            let (judgement, _) = judge_for(&signature, "a.cat", &loader("w7", knows_sha256, false));
            match judgement {
                Judgement::Accepted(_) => assert!(is_taken, "{signature:?}"),
                Judgement::Refused(reason) => {
                    assert!(!is_taken && reason.contains("KB3033929, KB4474419"), "{reason}");
                }
                Judgement::Test(..) => panic!("{judgement:?}"),
            }
        }
        for (package, brings) in [
            ("Package_for_KB3033929~31bf3856ad364e35~amd64~~6.1.1.1", true),
            ("Package_for_KB4474419_SP1~31bf3856ad364e35~amd64~~6.1.3.2", true),
            ("Package_for_RollupFix~31bf3856ad364e35~amd64~~7601.24384.1.8", true),
            ("Package_for_KB4490628~31bf3856ad364e35~amd64~~6.1.1.2", false),
            ("Package_1_for_KB2533623~31bf3856ad364e35~amd64~~6.1.1.1", false),
        ] {
            assert_eq!(brings_sha256(package), brings, "{package}");
        }
    }

    #[test]
    fn what_is_taken_with_limits_is_told() {
        let day = |year, month, day| Some(Time { year, month, day, hour: 0, minute: 0, second: 0 });
        let (vendor, attested) = (SignerClass::VendorCrossSigned, SignerClass::Attestation);
        for (class, issued, os, by_uefi, told) in [
            (vendor, day(2015, 7, 29), "w10", true, Some("Secure Boot")),
            (vendor, day(2015, 7, 28), "w10", true, None),
            (vendor, day(2016, 1, 1), "w10", false, None),
            (vendor, day(2016, 1, 1), "w8.1", true, None),
            (attested, None, "2k19", true, Some("server")),
            (attested, None, "w10", true, None),
            (SignerClass::Whql, day(2020, 1, 1), "2k19", true, None),
        ] {
            let found = limits(class, issued, "a.cat", &loader(os, true, by_uefi));
            let is_told = told.is_none_or(|part| found.as_deref().unwrap_or("").contains(part));
            assert_eq!((found.is_some(), is_told), (told.is_some(), true), "{os} {found:?}");
        }
    }
}
