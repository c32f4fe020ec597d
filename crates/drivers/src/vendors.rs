//! Drivers and tools that makers of hypervisors put into guests, by the names of their services and devices.
//!
//! For what no INF in the guest tells any more: leftovers of installers. Names of files come from the services themselves.
//!
//! Source: the INFs of virtio-win, of GPLPV and of the Xen project's drivers; virt-v2v for Red Hat's Xen drivers and those of
//! Parallels; the services that VMware Tools and the VirtualBox Guest Additions made in real hives of Windows 7, 8.1 and 10;
//! Microsoft's documentation of the Hyper-V integration services.

/// A maker's drivers.
#[derive(Debug)]
pub struct Vendor {
    /// As users name it.
    pub word: &'static str,
    /// For people.
    pub name: &'static str,
    /// Services that are its own.
    pub services: &'static [&'static str],
    /// Services that another maker's drivers name so too.
    pub shared: &'static [&'static str],
    /// How identifiers of its devices begin.
    pub ids: &'static [&'static str],
    /// Parts of the names of its programs, in lower case.
    pub programs: &'static [&'static str],
    /// From this version on Windows itself has them.
    pub part_of_windows: Option<(u32, u32)>,
}

/// Services of both kinds of Xen drivers.
const XEN_SHARED: &[&str] = &["xenvbd", "xennet"];

/// All makers.
pub const VENDORS: &[Vendor] = &[
    Vendor {
        word: "virtio",
        name: "virtio drivers",
        services: &[
            "viostor",
            "vioscsi",
            "netkvm",
            "vioprot",
            "balloon",
            "BalloonService",
            "VirtioSerial",
            "vioser",
            "VirtRng",
            "viorng",
            "vioinput",
            "viohidkmdf",
            "viosock",
            "VirtioSocketWSP",
            "VirtFsDrv",
            "VirtioFsDrv",
            "VirtioFsSvc",
            "VioGpuDod",
            "viogpudo",
            "viomem",
            "pvpanic",
            "fwcfg",
            "qxl",
            "qxldod",
        ],
        shared: &[],
        ids: &[r"PCI\VEN_1AF4&", r"PCI\VEN_1B36&", r"ACPI\QEMU0001", r"ACPI\QEMU0002"],
        programs: &["virtio-win"],
        part_of_windows: None,
    },
    Vendor {
        word: "xen-gplpv",
        name: "GPLPV drivers for Xen",
        services: &[
            "xenpci",
            "xenvbdfilter",
            "xenstub",
            "xenusb",
            "xencache",
            "xenhide",
            "xenscsi",
            "xenconfig",
            "xenvbddev",
            "XenShutdownMon",
            "ShutdownMon",
        ],
        shared: XEN_SHARED,
        ids: &[r"XEN\"],
        programs: &["gplpv", "xen pv drivers"],
        part_of_windows: None,
    },
    Vendor {
        word: "xen-winpv",
        name: "Xen PV drivers (Xen project, XenServer, XCP-ng)",
        services: &[
            "xenbus",
            "xenfilt",
            "xenvif",
            "xeniface",
            "xendisk",
            "xencrsh",
            "xenvkbd",
            "xenhid",
            "xencons",
            "xenbus_monitor",
            "xencons_monitor",
            "xenevtchn",
            "xenlite",
            "xenagent",
            "xensvc",
            "XenGuestAgent",
            "XEN",
        ],
        shared: XEN_SHARED,
        ids: &[r"XENBUS\", r"XENVIF\", r"XENVKBD\", r"PCI\VEN_5853&"],
        programs: &["xenserver", "xen pv ", "citrix hypervisor", "xcp-ng windows"],
        part_of_windows: None,
    },
    Vendor {
        word: "xen-redhat",
        name: "Red Hat's paravirtual drivers for Xen",
        services: &["rhelfltr", "rhelnet", "rhelscsi"],
        shared: &[],
        ids: &[],
        programs: &["red hat paravirtualized xen"],
        part_of_windows: None,
    },
    Vendor {
        word: "vmware",
        name: "VMware Tools",
        services: &[
            "vmci",
            "vsock",
            "vmhgfs",
            "vmmemctl",
            "vmmouse",
            "vmusbmouse",
            "vm3dmp",
            "vm3dmp-debug",
            "vm3dmp-stats",
            "vm3dmp_loader",
            "vm3dservice",
            "vmx_svga",
            "vmxnet",
            "vmxnet3ndis6",
            "vmxnet3",
            "vmrawdsk",
            "vmdebug",
            "vmscsi",
            "pvscsi",
            "vnetwfp",
            "vnetflt",
            "vsepflt",
            "giappdef",
            "glxgi",
            "VMTools",
            "VGAuthService",
            "vmvss",
            "VMUpgradeHelper",
            "TPAutoConnSvc",
            "TPVCGateway",
            "VMwareCAFCommAmqpListener",
            "VMwareCAFManagementAgentHost",
        ],
        shared: &[],
        ids: &[r"PCI\VEN_15AD&", r"ROOT\VMWVMCIHOSTDEV"],
        programs: &["vmware tools"],
        part_of_windows: None,
    },
    Vendor {
        word: "virtualbox",
        name: "VirtualBox Guest Additions",
        services: &[
            "VBoxGuest",
            "VBoxMouse",
            "VBoxSF",
            "VBoxVideo",
            "VBoxVideoW8",
            "VBoxWddm",
            "VBoxService",
            "VBoxTray",
        ],
        shared: &[],
        ids: &[r"PCI\VEN_80EE&"],
        programs: &["virtualbox guest additions"],
        part_of_windows: None,
    },
    Vendor {
        word: "hyperv-only",
        name: "Hyper-V integration services",
        services: &[
            "vmbus",
            "vmbushid",
            "hyperkbd",
            "storvsc",
            "storflt",
            "netvsc",
            "s3cap",
            "dmvsc",
            "hypervideo",
            "synthvid",
            "vmicheartbeat",
            "vmickvpexchange",
            "vmicshutdown",
            "vmictimesync",
            "vmicvss",
            "vmicrdv",
            "vmicguestinterface",
            "vmicvmsession",
        ],
        shared: &[],
        ids: &[r"VMBUS\"],
        programs: &["hyper-v integration", "hyper-v guest"],
        part_of_windows: Some((6, 1)),
    },
    Vendor {
        word: "parallels",
        name: "Parallels Tools",
        services: &[
            "prl_boot",
            "prl_dd",
            "prl_eth5",
            "prl_fs",
            "prl_memdev",
            "prl_mouf",
            "prl_pv32",
            "prl_pv64",
            "prl_scsi",
            "prl_sound",
            "prl_strg",
            "prl_tg",
            "prl_time",
            "prl_uprof",
            "prl_va",
            "prl_tools",
            "prl_tools_service",
        ],
        shared: &[],
        ids: &[r"PCI\VEN_1AB8&"],
        programs: &["parallels tools"],
        part_of_windows: None,
    },
];

impl Vendor {
    /// The maker of that name, in any case.
    #[must_use]
    pub fn named(word: &str) -> Option<&'static Self> {
        VENDORS.iter().find(|vendor| vendor.word.eq_ignore_ascii_case(word))
    }

    /// Tells whether a device is its own, by an identifier.
    #[must_use]
    pub fn has_id(&self, id: &str) -> bool {
        let head = |start: &&&str| {
            id.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
        };
        self.ids.iter().any(|start| head(&start))
    }

    /// Tells whether a service is its own, where services of these names exist.
    #[must_use]
    pub fn has_service(&self, name: &str, exists: impl Fn(&str) -> bool) -> bool {
        let listed = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        if listed(self.services) {
            return true;
        }
        let others = VENDORS.iter().filter(|other| {
            other.word != self.word
                && other.shared.iter().any(|known| known.eq_ignore_ascii_case(name))
        });
        let of_other = others.flat_map(|other| other.services).any(|own| exists(own));
        listed(self.shared) && (!of_other || self.services.iter().any(|own| exists(own)))
    }
}

#[cfg(test)]
mod tests {
    use super::Vendor;

    #[test]
    fn names_that_two_makers_use_are_told_apart() {
        let gplpv = Vendor::named("XEN-GPLPV").unwrap();
        let winpv = Vendor::named("xen-winpv").unwrap();
        let has = |present: &'static [&'static str]| move |name: &str| present.contains(&name);
        assert!(gplpv.has_service("XenVbd", has(&["xenpci", "xenvbd"])));
        assert!(!winpv.has_service("XenVbd", has(&["xenpci", "xenvbd"])));
        assert!(winpv.has_service("XenVbd", has(&["xenbus", "xenvbd"])));
        assert!(!gplpv.has_service("XenVbd", has(&["xenbus", "xenvbd"])));
        assert!(gplpv.has_service("XenNet", has(&["xennet"])));
        assert!(!gplpv.has_service("xenbus", has(&["xenbus"])));
        assert!(gplpv.has_id(r"xen\vbd") && !gplpv.has_id(r"XENBUS\VEN_X"));
    }
}
