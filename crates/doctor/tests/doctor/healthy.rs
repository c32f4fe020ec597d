//! Nothing is found where nothing is wrong.

use winkiln_doctor::Target;

use crate::guest::{Guest, Os};

#[test]
fn guests_of_each_generation_are_healthy() {
    for (os, boots_on) in [
        (Os::Xp, &["ide", "virtio-blk"][..]),
        (Os::Seven, &["ahci", "virtio-blk"]),
        (Os::Ten, &["ahci", "virtio-blk"]),
    ] {
        let Some(guest) = Guest::new(os) else { return };
        guest.is_healthy(None);
        guest.is_healthy(Some(Target::VirtioBlk));
        assert_eq!(guest.diagnose(None).boots_on, boots_on, "{os:?}");
    }
}
