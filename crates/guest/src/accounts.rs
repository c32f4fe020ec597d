//! Whose accounts a machine knows: its own, and those of its domain.

use winkiln_hive::Hive;
use winkiln_security::Domains;

use crate::setting::key;
use crate::{Disk, GuestError, HiveName, Registry};

/// Identifiers that those of accounts begin with, as bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts {
    /// Of the machine's own accounts.
    pub machine: Option<Vec<u8>>,
    /// Of the domain that it belongs to.
    pub domain: Option<Vec<u8>>,
}

/// `S-1-5-21-...` with three more numbers: revision, count, authority, then 32-bit numbers.
const LENGTH: usize = 24;
const START: [u8; 12] = [1, 4, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0];

impl Accounts {
    /// As texts of security descriptors are read with.
    #[must_use]
    pub fn domains(&self) -> Domains<'_> {
        let (machine, domain) = (self.machine.as_deref(), self.domain.as_deref());
        Domains { machine, domain, forest: None }
    }

    /// Adds what a SAM or SECURITY hive tells; of another hive nothing.
    ///
    /// Source: the end of the value `V` of `SAM\Domains\Account`, and the values of `Policy\PolAcDmS` and `Policy\PolPrDmS`, in hives of
    /// one Windows 7 that tell the same.
    pub fn add(&mut self, hive: &Hive) {
        let identifier = |path: &str, name: &str| {
            let data = hive.value(key(hive, hive.root(), path)?, name).ok()??.data;
            let start = data.len().checked_sub(LENGTH)?;
            Some(data.get(start..)?.to_vec()).filter(|sid| sid.starts_with(&START))
        };
        let machine = || {
            identifier(r"SAM\Domains\Account", "V").or_else(|| identifier(r"Policy\PolAcDmS", ""))
        };
        self.machine = self.machine.take().or_else(machine);
        self.domain = self.domain.take().or_else(|| identifier(r"Policy\PolPrDmS", ""));
    }
}

impl Registry {
    /// What the SAM and SECURITY hives tell about whose accounts there are; a hive that is not there tells nothing.
    ///
    /// # Errors
    /// A hive that cannot be read.
    pub fn accounts(&mut self, disk: &mut Disk) -> Result<Accounts, GuestError> {
        let mut accounts = Accounts::default();
        for name in [HiveName::Sam, HiveName::Security] {
            if self.file(disk, &name).is_ok() {
                accounts.add(self.hive(disk, &name)?);
            }
        }
        Ok(accounts)
    }
}
