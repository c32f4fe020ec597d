//! Where a guest is to boot.

/// A hypervisor's way to give a guest its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Target {
    Ide,
    Ahci,
    Nvme,
    VirtioBlk,
    VirtioScsi,
    Xen,
    VMware,
    HyperV,
}

impl Target {
    /// Every target, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Ide,
        Self::Ahci,
        Self::Nvme,
        Self::VirtioBlk,
        Self::VirtioScsi,
        Self::Xen,
        Self::VMware,
        Self::HyperV,
    ];

    /// As it is typed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ide => "ide",
            Self::Ahci => "ahci",
            Self::Nvme => "nvme",
            Self::VirtioBlk => "virtio-blk",
            Self::VirtioScsi => "virtio-scsi",
            Self::Xen => "xen",
            Self::VMware => "vmware",
            Self::HyperV => "hyperv",
        }
    }

    /// The buses, by the words of [`winkiln_guest::boots_on()`], of which one must do.
    ///
    /// Source: VMware, "SCSI, SATA and NVMe storage controller": LSI and PVSCSI are what its guests are given; Microsoft, "Should I
    /// create a generation 1 or 2 virtual machine": the first generation has a BIOS and boots from IDE, the second has UEFI and
    /// boots from SCSI.
    pub(crate) fn buses(self, uefi: bool) -> &'static [&'static str] {
        match self {
            Self::Ide => &["ide"],
            Self::Ahci => &["ahci"],
            Self::Nvme => &["nvme"],
            Self::VirtioBlk => &["virtio-blk"],
            Self::VirtioScsi => &["virtio-scsi"],
            Self::Xen => &["xen"],
            Self::VMware => &["pvscsi", "lsi-sas", "lsi-scsi"],
            Self::HyperV if uefi => &["hyper-v"],
            Self::HyperV => &["ide"],
        }
    }
}
