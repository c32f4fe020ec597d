//! Drivers signed with a test certificate load.

use winkiln_guest::Firmware;

use super::plan::Planner;
use crate::BakeError;

pub(super) fn plan(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    if planner.facts.is_nt5() {
        planner.warn("not needed: this Windows does not check driver signatures at boot");
        return Ok(());
    }
    let loaders = planner.lookup.loaders()?;
    if loaders.is_empty() {
        return Err(planner.not_for_guest("its boot configuration starts no Windows").into());
    }
    for loader in loaders {
        planner.element(&loader.guid, "testsigning", "on");
    }
    if planner.facts.firmware == Firmware::Uefi {
        planner.warn("has no effect while Secure Boot is on: switch it off in the virtual machine");
    }
    Ok(())
}
