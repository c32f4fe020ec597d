//! The default entry starts safe mode, or does not.

use winkiln_guest::BootKind;

use super::plan::Planner;
use crate::BakeError;
use crate::step::Step;

pub(super) const EXPECTED: &str = "on, network or off";
const SWITCH: &str = "/safeboot";

pub(super) fn is_argument(argument: &str) -> bool {
    ["on", "network", "off"].contains(&argument)
}

/// Source: Microsoft, "Boot options in a boot.ini file"; BCD reference, `BcdOSLoaderInteger_SafeBoot`.
pub(super) fn plan(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    let argument = planner.argument.unwrap_or("on");
    let (switch, word) = match argument {
        "network" => (Some("/safeboot:network"), "Network"),
        "off" => (None, ""),
        _ => (Some("/safeboot:minimal"), "Minimal"),
    };
    match planner.facts.boot {
        BootKind::BootIni => match switch {
            Some(switch) => {
                let other =
                    if argument == "network" { "/safeboot:minimal" } else { "/safeboot:network" };
                planner.step(Step::BootIniRemoveSwitch { entry: None, switch: other.to_owned() });
                planner.step(Step::BootIniAddSwitch { entry: None, switch: switch.to_owned() });
            }
            None => {
                planner.step(Step::BootIniRemoveSwitch { entry: None, switch: SWITCH.to_owned() });
            }
        },
        BootKind::Bcd => {
            let loader = "{default}";
            if switch.is_some() {
                planner.element(loader, "safeboot", word);
            } else {
                for element in ["safeboot", "safebootalternateshell"] {
                    let (object, element) = (loader.to_owned(), element.to_owned());
                    planner.step(Step::BcdDelete { object, element });
                }
            }
        }
        BootKind::Missing => {
            return Err(planner.not_for_guest("neither boot.ini nor a BCD store was found").into());
        }
    }
    if switch.is_some() {
        planner.warn("every start is a safe one until safe-mode=off");
    }
    Ok(())
}
