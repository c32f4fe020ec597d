//! Elements of the boot managers, the resume loader, the memory tester, legacy loaders and start-up programs.
//!
//! Source: Microsoft's BCD reference, "BcdBootMgrElementTypes", "BcdResumeElementTypes", "BcdMemDiagElementTypes".

use super::names::Name;

#[rustfmt::skip]
pub(super) const BOOT_MANAGER: &[Name] = &[
    (0x2400_0001, "displayorder"),
    (0x2400_0002, "bootsequence"),
    (0x2300_0003, "default"),
    (0x2500_0004, "timeout"),
    (0x2600_0005, "resume"),
    (0x2300_0006, "resumeobject"),
    (0x2400_0007, "startupsequence"),
    (0x2400_0010, "toolsdisplayorder"),
    (0x2600_0020, "displaybootmenu"),
    (0x2600_0021, "noerrordisplay"),
    (0x2100_0022, "bcddevice"),
    (0x2200_0023, "bcdfilepath"),
    (0x2600_0024, "hormenabled"),
    (0x2600_0025, "hiberboot"),
    (0x2200_0026, "passwordoverride"),
    (0x2200_0027, "pinpassphraseoverride"),
    (0x2600_0028, "processcustomactionsfirst"),
    (0x2700_0030, "customactions"),
    (0x2600_0031, "persistbootsequence"),
    (0x2600_0032, "skipstartupsequence"),
    (0x2200_0040, "fverecoveryurl"),
    (0x2200_0041, "fverecoverymessage"),
    (0x2600_0042, "flightedbootmgr"),
    (0x2500_0043, "fveunlockretryipv4"),
    (0x2500_0044, "fveunlockretryipv6"),
    (0x2200_0045, "fveserveraddressipv4"),
    (0x2200_0046, "fveserveraddressipv6"),
    (0x2200_0047, "fveipaddressipv4"),
    (0x2200_0048, "fveipaddressipv6"),
    (0x2200_0049, "fvesubnetmaskipv4"),
    (0x2200_004A, "fveaddressprefixipv6"),
    (0x2200_004B, "fvegatewayipv4"),
    (0x2200_004C, "fvegatewayipv6"),
    (0x2500_004D, "fvenetworktimeout"),
    (0x2500_004E, "fveremoteportipv4"),
    (0x2500_004F, "fveremoteportipv6"),
    (0x2500_0050, "fvestationportipv4"),
    (0x2500_0051, "fvestationportipv6"),
];

#[rustfmt::skip]
pub(super) const RESUME: &[Name] = &[
    (0x2100_0001, "filedevice"),
    (0x2200_0002, "filepath"),
    (0x2600_0003, "customsettings"),
    (0x2600_0004, "pae"),
    (0x2100_0005, "associatedosdevice"),
    (0x2600_0006, "debugoptionenabled"),
    (0x2500_0007, "bootux"),
    (0x2500_0008, "bootmenupolicy"),
    (0x2600_0024, "hormenabled"),
];

#[rustfmt::skip]
pub(super) const MEMORY_TESTER: &[Name] = &[
    (0x2500_0001, "passcount"),
    (0x2500_0002, "testmix"),
    (0x2500_0003, "failurecount"),
    (0x2600_0003, "cacheenable"),
    (0x2500_0004, "testtofail"),
    (0x2600_0004, "failuresenabled"),
    (0x2500_0005, "stridefailcount"),
    (0x2500_0006, "invcfailcount"),
    (0x2500_0007, "matsfailcount"),
    (0x2500_0008, "randfailcount"),
    (0x2500_0009, "chckrfailcount"),
];

#[rustfmt::skip]
pub(super) const LEGACY: &[Name] = &[
    (0x2200_0001, "bpbstring"),
];

#[rustfmt::skip]
pub(super) const STARTUP: &[Name] = &[
    (0x2600_0001, "pxesoftreboot"),
    (0x2200_0002, "applicationname"),
];
