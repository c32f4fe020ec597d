//! Faults of the boot configuration and of what it starts.

use winkiln_bake::Step;

use crate::guest::{Guest, LOADER, Os};

fn set(object: &str, element: &str, value: &str) -> Step {
    Step::BcdSet { object: object.into(), element: element.into(), value: value.into() }
}

#[test]
fn flags_left_on_are_taken_off() {
    for os in [Os::Seven, Os::Ten] {
        for (steps, rule) in [
            (vec![set(LOADER, "safeboot", "Minimal")], "safe-mode"),
            (
                vec![
                    set(LOADER, "safeboot", "Network"),
                    set(LOADER, "safebootalternateshell", "on"),
                ],
                "safe-mode",
            ),
            (vec![set(LOADER, "debug", "on")], "kernel-debug"),
            (vec![set("{bootmgr}", "bootdebug", "on")], "kernel-debug"),
        ] {
            let Some(guest) = Guest::new(os) else { return };
            guest.apply(&steps);
            guest.is_repaired(None, rule, true);
        }
    }
    for (switches, rule) in [
        (&["/safeboot:minimal"][..], "safe-mode"),
        (&["/debug", "/debugport=com1", "/baudrate=115200"], "kernel-debug"),
    ] {
        let Some(guest) = Guest::new(Os::Xp) else { return };
        let add = |switch: &&str| Step::BootIniAddSwitch { entry: None, switch: (*switch).into() };
        guest.apply(&switches.iter().map(add).collect::<Vec<_>>());
        guest.is_repaired(None, rule, true);
    }
}
