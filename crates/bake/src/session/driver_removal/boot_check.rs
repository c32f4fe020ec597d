//! Whether the guest still boots.

use winkiln_guest::boots_on;

use super::super::Session;
use super::DriverError;
use crate::BakeError;

impl Session {
    /// Names of the disk controllers that the guest boots from, with changes that are not saved yet.
    pub(super) fn boots_from(&mut self) -> Result<Vec<String>, BakeError> {
        let windows = self.windows()?;
        let (registry, disk) = self.registry()?;
        let buses = boots_on(disk, registry, &windows)?;
        Ok(buses.iter().filter(|bus| bus.boots()).map(|bus| bus.name.to_owned()).collect())
    }

    /// Refuses to leave no controller that the guest boots from, and tells of each that is lost.
    pub(super) fn check_boot(&mut self, before: &[String], force: bool) -> Result<(), BakeError> {
        if before.is_empty() {
            return Ok(());
        }
        let after = self.boots_from()?;
        if after.is_empty() && !force {
            return Err(DriverError::NothingToBootFrom { buses: before.to_vec() }.into());
        }
        let lost: Vec<&str> =
            before.iter().filter(|bus| !after.contains(bus)).map(String::as_str).collect();
        if !lost.is_empty() {
            let left = if after.is_empty() { "none".to_owned() } else { after.join(", ") };
            self.warn(format!(
                "this Windows boots from {} no more; left are: {left}",
                lost.join(", ")
            ));
        }
        Ok(())
    }
}
