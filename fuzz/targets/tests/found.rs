//! Inputs that broke a promise once, by name. Damage of whole volumes is in `hostile_volume.rs`.

use winkiln_fuzz_targets::TARGETS;

/// Name, target, input.
const FOUND: &[(&str, &str, &[u8])] = &[(
    "an object entry of a type that is never inherited was read with GUIDs and shown without",
    "sddl",
    b"O:S-1-5-21-1-2-3-500S:(OL;;NW;;;HI)D:NO_ACCESS_CONTROL",
)];

#[test]
fn what_was_found_stays_mended() {
    for (name, target, input) in FOUND {
        let target = TARGETS.iter().find(|known| known.name == *target).expect("a target");
        println!("{}: {name}", target.name);
        (target.run)(input);
    }
}
