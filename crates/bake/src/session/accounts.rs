//! Security descriptors whose text names accounts of the guest or its domain.

use winkiln_guest::{Accounts, GuestError};
use winkiln_ntfs::security::{SecurityError, from_sddl};

use super::Session;
use crate::BakeError;

impl Session {
    /// The descriptor of a text.
    pub(super) fn descriptor(&mut self, sddl: &str) -> Result<Vec<u8>, BakeError> {
        let accounts = self.accounts_in(sddl)?;
        from_sddl(sddl, accounts.domains())
            .map_err(|source| BakeError::Sddl { text: sddl.to_owned(), source })
    }

    /// The guest's accounts, where a text names some; without a guest, none are known.
    pub(super) fn accounts_in(&mut self, sddl: &str) -> Result<Accounts, BakeError> {
        let named = from_sddl(sddl, Accounts::default().domains());
        if !matches!(named, Err(SecurityError::SddlDomain { .. })) {
            return Ok(Accounts::default());
        }
        match self.guest() {
            Ok((guest, disk, _)) => Ok(guest.registry.accounts(disk)?),
            Err(
                BakeError::NoWindowsOnVolume { .. }
                | BakeError::Guest(GuestError::NoWindows | GuestError::NoReadableWindows { .. }),
            ) => Ok(Accounts::default()),
            Err(error) => Err(error),
        }
    }
}
