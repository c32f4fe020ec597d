//! Emergency Management Services: the boot menu and the special administration console on the first serial port.

use winkiln_guest::BootKind;

use super::plan::Planner;
use crate::BakeError;
use crate::step::Step;

/// Source: Microsoft, "Boot parameters to enable EMS redirection".
pub(super) fn plan(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    match planner.facts.boot {
        BootKind::BootIni => {
            planner.step(Step::BootIniAddSwitch { entry: None, switch: "/redirect".to_owned() });
            planner.step(Step::BootIniSetRedirect { port: "COM1".to_owned() });
            if planner.facts.version < (5, 2) {
                planner.warn("Windows XP has no special administration console: the line and the switch have no effect");
            }
        }
        BootKind::Bcd => {
            planner.element("{bootmgr}", "bootems", "on");
            for loader in planner.lookup.loaders()? {
                planner.element(&loader.guid, "ems", "on");
            }
            planner.warn("on the first serial port, as {emssettings} says where the store has it");
        }
        BootKind::Missing => {
            return Err(planner.not_for_guest("neither boot.ini nor a BCD store was found").into());
        }
    }
    Ok(())
}
