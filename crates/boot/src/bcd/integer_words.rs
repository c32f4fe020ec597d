//! The words that stand for numbers in some elements, such as `OptIn` in `nx`.
//!
//! Source: Microsoft's BCD reference; `bcdedit /? types`.

const POLICY: &[&str] = &["Default", "Enable", "Disable"];
const OFF_AUTO: &[&str] = &["Off", "Auto"];
const DISABLE_ENABLE: &[&str] = &["Disable", "Enable"];
const MESSAGE: &[&str] = &[
    "Default",
    "Resume",
    "HyperV",
    "Recovery",
    "StartupRepair",
    "SystemImageRecovery",
    "CommandPrompt",
    "SystemRestore",
    "PushButtonReset",
];

/// The words of an element, the first for number 0; empty when it takes plain numbers.
///
/// Elements of one name have the same words in every object.
pub(super) fn words(name: &str) -> &'static [&'static str] {
    match name {
        "nx" => &["OptIn", "OptOut", "AlwaysOff", "AlwaysOn"],
        "pae" => &["Default", "ForceEnable", "ForceDisable"],
        "bootmenupolicy" => &["Legacy", "Standard"],
        "bootstatuspolicy" => &[
            "DisplayAllFailures",
            "IgnoreAllFailures",
            "IgnoreShutdownFailures",
            "IgnoreBootFailures",
            "IgnoreCheckpointFailures",
            "DisplayShutdownFailures",
            "DisplayBootFailures",
            "DisplayCheckpointFailures",
            "AlwaysDisplayStartupFailures",
        ],
        "safeboot" => &["Minimal", "Network", "DsRepair"],
        "hypervisorlaunchtype" | "vsmlaunchtype" => OFF_AUTO,
        "debugtype" => &["Serial", "1394", "USB", "NET", "Local"],
        "kerneldebugtype" => &["Serial", "1394", "USB", "NET"],
        "hypervisordebugtype" => &["Serial", "1394", "None", "NET"],
        "debugstart" => &["Active", "AutoEnable", "Disable"],
        "firstmegabytepolicy" => &["UseNone", "UseAll", "UsePrivate"],
        "configaccesspolicy" => &["Default", "DisallowMmConfig"],
        "integrityservices" | "hypervisoriommupolicy" => POLICY,
        "x2apicpolicy" => &["Default", "Disable", "Enable"],
        "tpmbootentropy" => &["Default", "ForceDisable", "ForceEnable"],
        "msi" | "pciexpress" => &["Default", "ForceDisable"],
        "tscsyncpolicy" => &["Default", "Legacy", "Enhanced"],
        "driverloadfailurepolicy" => &["Fatal", "UseErrorControl"],
        "bootux" => &["Disabled", "Basic", "Standard"],
        "booterrorux" => &["Legacy", "Standard", "Simple"],
        "graphicsresolution" => &["1024x768", "800x600", "1024x600"],
        "displaymessage" | "displaymessageoverride" => MESSAGE,
        "measuredbootlogformat" => &["Default", "Sha1"],
        "hypervisormsrfilterpolicy" | "hypervisormmionxpolicy" => DISABLE_ENABLE,
        "hypervisorenforcedcodeintegrity" => &["Disable", "Enable", "Strict"],
        "hypervisorschedulertype" => &["Classic", "Core", "Root"],
        "hypervisorperfmon" => &["System", "Hypervisor"],
        "linearaddress57" => &["Default", "OptOut", "OptIn"],
        "testmix" => &["Basic", "Extended"],
        "testtofail" => &["Stride", "Mats", "InverseCoupling", "RandomPattern", "Checkerboard"],
        _ => &[],
    }
}

/// The word of a number.
pub(super) fn word_of(name: &str, number: u64) -> Option<&'static str> {
    words(name).get(usize::try_from(number).ok()?).copied()
}

/// The number of a word, whatever its case.
pub(super) fn number_of(name: &str, word: &str) -> Option<u64> {
    let at = words(name).iter().position(|known| known.eq_ignore_ascii_case(word))?;
    u64::try_from(at).ok()
}
