//! Security descriptors as text. An input is the text.

use winkiln_ntfs::security::{Domains, from_sddl, to_sddl};

/// Reads text; what it describes can be shown, and read again.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(descriptor) = from_sddl(text, Domains::default()) else { return };
    let shown = to_sddl(&descriptor).expect("what was read is a descriptor");
    let again = from_sddl(&shown, Domains::default()).expect("what is shown can be read");
    assert_eq!(again, descriptor, "{shown}");
}

/// Text of every part.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    [
        "O:BAG:SYD:P(A;OICI;FA;;;BA)(A;;0x1200a9;;;S-1-5-32-545)",
        "D:AI(D;ID;GRGX;;;WD)(OA;CIIO;RPWP;00112233-4455-6677-8899-aabbccddeeff;;AU)S:(AU;SAFA;SD;;;WD)",
        "O:S-1-5-21-1-2-3-500S:(ML;;NW;;;HI)D:NO_ACCESS_CONTROL",
        "D:(ZA;;RP;00112233-4455-6677-8899-aabbccddeeff;;AU)",
        "",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
