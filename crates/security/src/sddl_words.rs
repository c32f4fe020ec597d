//! The words of SDDL: letters for identifiers, types, flags and rights.
//!
//! Source: MS-DTYP 2.5.1.1; Windows SDK, `sddl.h`.

/// Well-known identifiers: (authority, sub-authorities, letters).
pub(crate) const ALIASES: [(u64, &[u32], &str); 50] = [
    (1, &[0], "WD"),
    (3, &[0], "CO"),
    (3, &[1], "CG"),
    (3, &[4], "OW"),
    (5, &[2], "NU"),
    (5, &[4], "IU"),
    (5, &[6], "SU"),
    (5, &[7], "AN"),
    (5, &[9], "ED"),
    (5, &[10], "PS"),
    (5, &[11], "AU"),
    (5, &[12], "RC"),
    (5, &[18], "SY"),
    (5, &[19], "LS"),
    (5, &[20], "NS"),
    (5, &[33], "WR"),
    (5, &[32, 544], "BA"),
    (5, &[32, 545], "BU"),
    (5, &[32, 546], "BG"),
    (5, &[32, 547], "PU"),
    (5, &[32, 548], "AO"),
    (5, &[32, 549], "SO"),
    (5, &[32, 550], "PO"),
    (5, &[32, 551], "BO"),
    (5, &[32, 552], "RE"),
    (5, &[32, 554], "RU"),
    (5, &[32, 555], "RD"),
    (5, &[32, 556], "NO"),
    (5, &[32, 558], "MU"),
    (5, &[32, 559], "LU"),
    (5, &[32, 568], "IS"),
    (5, &[32, 569], "CY"),
    (5, &[32, 573], "ER"),
    (5, &[32, 574], "CD"),
    (5, &[32, 575], "RA"),
    (5, &[32, 576], "ES"),
    (5, &[32, 577], "MS"),
    (5, &[32, 578], "HA"),
    (5, &[32, 579], "AA"),
    (5, &[32, 580], "RM"),
    (5, &[84, 0, 0, 0, 0, 0], "UD"),
    (15, &[2, 1], "AC"),
    (16, &[4096], "LW"),
    (16, &[8192], "ME"),
    (16, &[8448], "MP"),
    (16, &[12288], "HI"),
    (16, &[16384], "SI"),
    (18, &[1], "AS"),
    (18, &[2], "SS"),
    (5, &[32, 584], "HO"),
];

/// Whose identifier an account's number is appended to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relative {
    /// The machine's own account database.
    Machine,
    /// The domain that the machine belongs to.
    Domain,
    /// The root domain of its forest.
    Forest,
}

/// Accounts of a machine or domain: (whose, number, letters).
pub(crate) const RELATIVE: [(Relative, u32, &str); 17] = [
    (Relative::Machine, 500, "LA"),
    (Relative::Machine, 501, "LG"),
    (Relative::Forest, 498, "RO"),
    (Relative::Domain, 512, "DA"),
    (Relative::Domain, 513, "DU"),
    (Relative::Domain, 514, "DG"),
    (Relative::Domain, 515, "DC"),
    (Relative::Domain, 516, "DD"),
    (Relative::Domain, 517, "CA"),
    (Relative::Forest, 518, "SA"),
    (Relative::Forest, 519, "EA"),
    (Relative::Domain, 520, "PA"),
    (Relative::Domain, 522, "CN"),
    (Relative::Domain, 525, "AP"),
    (Relative::Domain, 526, "KA"),
    (Relative::Forest, 527, "EK"),
    (Relative::Domain, 553, "RS"),
];

/// Types of entries: (code, letters).
pub(crate) const TYPES: [(u8, &str); 17] = [
    (0x00, "A"),
    (0x01, "D"),
    (0x02, "AU"),
    (0x03, "AL"),
    (0x05, "OA"),
    (0x06, "OD"),
    (0x07, "OU"),
    (0x08, "OL"),
    (0x09, "XA"),
    (0x0a, "XD"),
    (0x0b, "ZA"),
    (0x0d, "XU"),
    (0x11, "ML"),
    (0x12, "RA"),
    (0x13, "SP"),
    (0x14, "TL"),
    (0x15, "FL"),
];

/// Flags of entries: (bit, letters).
pub(crate) const FLAGS: [(u8, &str); 8] = [
    (0x01, "OI"),
    (0x02, "CI"),
    (0x04, "NP"),
    (0x08, "IO"),
    (0x10, "ID"),
    (0x20, "CR"),
    (0x40, "SA"),
    (0x80, "FA"),
];

/// Masks with letters of their own.
pub(crate) const MASKS: [(u32, &str); 4] =
    [(0x001f_01ff, "FA"), (0x0012_0089, "FR"), (0x0012_0116, "FW"), (0x0012_00a0, "FX")];

/// Masks of registry keys with letters of their own. `KX` is another word for `KR` and never written.
pub(crate) const KEY_MASKS: [(u32, &str); 3] =
    [(0x000f_003f, "KA"), (0x0002_0019, "KR"), (0x0002_0006, "KW")];

/// Rights that masks are written with when nothing else is in them.
pub(crate) const RIGHTS: [(u32, &str); 8] = [
    (0x0002_0000, "RC"),
    (0x0001_0000, "SD"),
    (0x0004_0000, "WD"),
    (0x0008_0000, "WO"),
    (0x1000_0000, "GA"),
    (0x2000_0000, "GX"),
    (0x4000_0000, "GW"),
    (0x8000_0000, "GR"),
];

/// Rights of an integrity label.
pub(crate) const LABEL_RIGHTS: [(u32, &str); 3] = [(1, "NW"), (2, "NR"), (4, "NX")];

/// Rights that are read and never written: those of registry keys and of directory objects.
pub(crate) const OTHER_RIGHTS: [(u32, &str); 13] = [
    (0x000f_003f, "KA"),
    (0x0002_0019, "KR"),
    (0x0002_0006, "KW"),
    (0x0002_0019, "KX"),
    (0x0001, "CC"),
    (0x0002, "DC"),
    (0x0004, "LC"),
    (0x0008, "SW"),
    (0x0010, "RP"),
    (0x0020, "WP"),
    (0x0040, "DT"),
    (0x0080, "LO"),
    (0x0100, "CR"),
];

/// Bits of a DACL's control field and their letters; those of a SACL are one to the left.
pub(crate) const CONTROL: [(u16, &str); 3] = [(0x1000, "P"), (0x0100, "AR"), (0x0400, "AI")];

/// A list that is not there although it counts as present: everybody gets in.
pub(crate) const NULL_LIST: &str = "NO_ACCESS_CONTROL";
