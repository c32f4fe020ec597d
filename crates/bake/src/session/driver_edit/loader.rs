//! What the guest's loader takes of signatures.

use winkiln_drivers::staging::{Guest, Signature};
use winkiln_drivers::{Architecture, Package, Target};
use winkiln_guest::Firmware;

use super::super::Session;
use super::Refused;
use crate::BakeError;
use crate::drivers::{
    Contents, DriverError, DriverSource, Judgement, Loader, brings_sha256, is_enforced, judge,
};

/// Packages of updates.
const UPDATES: &str =
    r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\Packages";
/// `CurrentState` of packages whose files were put in: superseded up to permanent.
const INSTALLED: std::ops::RangeInclusive<u32> = 0x50..=0x80;

impl Session {
    /// Refuses what the guest would refuse to load. With the signature, what there is to say of it.
    pub(super) fn signature(
        &mut self,
        contents: &Contents,
        package: &Package,
        guest: &Guest,
        wanted: &DriverSource,
        loader: &Loader,
    ) -> Result<(Signature, Option<String>), Refused> {
        let (judgement, warning) = judge(contents, package, loader);
        let (signature, reason) = match judgement {
            Judgement::Accepted(signature) => {
                return Ok((signature, warning.filter(|_| is_enforced(guest))));
            }
            Judgement::Test(signature, reason) => {
                if is_enforced(guest) && self.is_testsigning()? {
                    return Ok((signature, None));
                }
                (signature, reason)
            }
            Judgement::Refused(reason) => (Signature::None, reason),
        };
        if !is_enforced(guest) {
            return Ok((signature, None));
        }
        if wanted.force_unsigned {
            let reason = format!("this Windows may refuse to load it: {reason}");
            return Ok((signature, Some(reason)));
        }
        let package = package.path().to_owned();
        Err(Refused::Bake(DriverError::Unsigned { package, reason }.into()))
    }

    /// What the loader of this Windows takes.
    pub(super) fn loader(&mut self, target: Target) -> Result<Loader, BakeError> {
        let by_uefi = self.windows()?.boot.firmware == Firmware::Uefi;
        let asks =
            target.architecture != Architecture::X86 && ((6, 0)..(6, 2)).contains(&target.version);
        let knows_sha256 = !asks || self.has_sha256()?;
        Ok(Loader { target, knows_sha256, by_uefi })
    }

    /// Tells whether an update that knows SHA-256 is installed.
    fn has_sha256(&mut self) -> Result<bool, BakeError> {
        for name in self.subkeys(UPDATES)?.unwrap_or_default() {
            if !brings_sha256(&name) {
                continue;
            }
            let state = self.dword_of(&format!(r"{UPDATES}\{name}"), "CurrentState")?;
            if state.is_none_or(|state| INSTALLED.contains(&state)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
