//! Inputs that broke a promise once, by name. Damage of whole volumes is in `hostile_volume.rs`.

use winkiln_fuzz_targets::TARGETS;

/// Name, target, input.
const FOUND: &[(&str, &str, &[u8])] = &[
    (
        "an object entry of a type that is never inherited was read with GUIDs and shown without",
        "sddl",
        b"O:S-1-5-21-1-2-3-500S:(OL;;NW;;;HI)D:NO_ACCESS_CONTROL",
    ),
    (
        "a callback entry for objects was read without GUIDs, and the descriptor could not be shown",
        "sddl",
        b"O:BAG:SYD:P(A;OICI;FA;;;BA)(ZA;;0x1200a9;;;S-1-5-32-545)(ZA;;RP;00112233-4455-6677-8899-aabbccddeeff;;AU)",
    ),
    (
        "a key was put behind a last line without an end, onto that line",
        "boot_ini",
        b"[operating systems]\nmulti(0)=x\n[boot loader]",
    ),
    (
        "a key whose name is not whole characters could not be written as text",
        "hive",
        b"\x81d\x12\x02\x00P\x10\x04\xb8\xff\xff\xff\xff\xff\xff\xff4\x00\x05\x196\x06\x86\x1eB\x07",
    ),
    (
        "sequence numbers at their end (in the target itself)",
        "hive_log",
        b"\x01\x01\x04\x00\x0a\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\xee\x01\x02\x03\x04\x05\x06\x07\x04\x08",
    ),
];

#[test]
fn what_was_found_stays_mended() {
    for (name, target, input) in FOUND {
        let target = TARGETS.iter().find(|known| known.name == *target).expect("a target");
        println!("{}: {name}", target.name);
        (target.run)(input);
    }
}
