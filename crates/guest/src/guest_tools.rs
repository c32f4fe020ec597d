//! Software that a hypervisor's vendor puts into a guest.

use winkiln_hive::{Hive, KeyId};

use crate::setting;

/// Services in lower case, and what they belong to.
const SERVICES: [(&[&str], &str); 9] = [
    (&["qemu-ga", "qemu guest agent"], "QEMU guest agent"),
    (&["spice-agent", "vdservice"], "SPICE agent"),
    (&["viostor", "vioscsi", "netkvm", "balloon", "vioser", "balloonservice"], "virtio drivers"),
    (&["vmtools", "vmmemctl"], "VMware Tools"),
    (&["vboxservice", "vboxguest"], "VirtualBox Guest Additions"),
    (&["xenpci"], "GPLPV drivers"),
    (&["xenbus", "xenvbd", "xenvif", "xeniface", "xenevtchn"], "Xen PV drivers"),
    (&["xenagent", "xensvc", "xenguestagent"], "Xen guest agent"),
    (&["prl_tools", "prltools"], "Parallels Tools"),
];
/// Services of Hyper-V, which every Windows from 7 on has in its box.
const HYPER_V: &str = "vmicheartbeat";
/// Parts of a program's name in the list of installed programs, in lower case.
const PROGRAMS: [&str; 10] = [
    "vmware tools",
    "qemu guest agent",
    "virtio-win",
    "virtualbox guest additions",
    "spice guest",
    "xenserver",
    "xen pv",
    "gplpv",
    "citrix hypervisor",
    "parallels tools",
];

/// What is installed, by services and by the list of installed programs.
pub(crate) fn find(
    system: Option<(&Hive, KeyId)>,
    software: Option<&Hive>,
    version: (u32, u32),
) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    if let Some((system, control_set)) = system
        && let Some(services) = setting::key(system, control_set, "Services")
    {
        let has = |name: &str| setting::key(system, services, name).is_some();
        for (names, tools) in SERVICES {
            if names.iter().any(|name| has(name)) {
                found.push(tools.to_owned());
            }
        }
        if version < (6, 1) && has(HYPER_V) {
            found.push("Hyper-V integration services".into());
        }
    }
    let Some(software) = software else { return found };
    for list in [
        r"Microsoft\Windows\CurrentVersion\Uninstall",
        r"Wow6432Node\Microsoft\Windows\CurrentVersion\Uninstall",
    ] {
        let programs = setting::key(software, software.root(), list);
        let programs = programs.and_then(|key| software.subkeys(key).ok()).unwrap_or_default();
        for (_, key) in programs {
            let Some(name) = setting::text(software, key, "DisplayName") else { continue };
            let lower = name.to_lowercase();
            if PROGRAMS.iter().any(|part| lower.contains(part))
                && !found.iter().any(|tools| tools.eq_ignore_ascii_case(&name))
            {
                found.push(name);
            }
        }
    }
    found
}
