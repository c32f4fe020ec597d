//! The controllers that hypervisors give to guests.
//!
//! Source: the PCI IDs in the documentation of QEMU, VMware, Xen and Hyper-V, and in the PCI ID database.

use super::device::{DeviceIds, Pci, xen_disk};

/// A kind of controller.
pub(super) struct Bus {
    pub(super) word: &'static str,
    pub(super) name: &'static str,
    pub(super) controllers: Vec<Controller>,
}

/// A controller, and the devices between it and the disk.
pub(super) struct Controller {
    pub(super) name: &'static str,
    pub(super) devices: Vec<DeviceIds>,
    /// It is a function of a PCI bus.
    pub(super) on_pci: bool,
}

fn pci(
    name: &'static str,
    ids: (u16, u16),
    subsystem: u32,
    revision: u8,
    class: u32,
) -> Controller {
    let (vendor, device) = ids;
    let pci = Pci { vendor, device, subsystem, revision, class };
    Controller { name, devices: vec![pci.ids()], on_pci: true }
}

impl Controller {
    fn with(mut self, device: DeviceIds) -> Self {
        self.devices.push(device);
        self
    }
}

/// Source: `Enum\PCIIDE` of real hives; up to Windows XP the channel was named by its number.
fn channel() -> DeviceIds {
    DeviceIds::of(&["Internal_IDE_Channel", "Primary_IDE_Channel"], &["*PNP0600"])
}

/// Source: Linux, Documentation/virt/hyperv/vmbus: GUID of the SCSI controller.
const HYPER_V_SCSI: &str = r"VMBUS\{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}";

/// Every kind, in the order in which they are shown.
pub(super) fn all() -> Vec<Bus> {
    let bus = |word, name, controllers| Bus { word, name, controllers };
    let (qemu, vmware) = (0x1100_1AF4, 0x1976_15AD);
    vec![
        bus(
            "ide",
            "IDE",
            vec![
                pci("PIIX3 (QEMU, Xen)", (0x8086, 0x7010), qemu, 0, 0x01_0180).with(channel()),
                pci("PIIX4 (VMware, Hyper-V)", (0x8086, 0x7111), vmware, 1, 0x01_018A)
                    .with(channel()),
            ],
        ),
        bus(
            "ahci",
            "AHCI",
            vec![
                pci("ICH9 (QEMU)", (0x8086, 0x2922), qemu, 2, 0x01_0601),
                pci("15ad:07e0 (VMware)", (0x15AD, 0x07E0), 0x07E0_15AD, 0, 0x01_0601),
            ],
        ),
        bus(
            "nvme",
            "NVMe",
            vec![
                pci("1b36:0010 (QEMU)", (0x1B36, 0x0010), qemu, 2, 0x01_0802),
                pci("15ad:07f0 (VMware)", (0x15AD, 0x07F0), 0x07F0_15AD, 0, 0x01_0802),
            ],
        ),
        bus(
            "virtio-blk",
            "virtio-blk",
            vec![
                pci("1af4:1001 (transitional)", (0x1AF4, 0x1001), 0x0002_1AF4, 0, 0x01_0000),
                pci("1af4:1042 (modern)", (0x1AF4, 0x1042), qemu, 1, 0x01_0000),
            ],
        ),
        bus(
            "virtio-scsi",
            "virtio-scsi",
            vec![
                pci("1af4:1004 (transitional)", (0x1AF4, 0x1004), 0x0008_1AF4, 0, 0x01_0000),
                pci("1af4:1048 (modern)", (0x1AF4, 0x1048), qemu, 1, 0x01_0000),
            ],
        ),
        bus(
            "xen",
            "Xen PV",
            vec![
                pci("5853:0001", (0x5853, 0x0001), 0x0001_5853, 1, 0xFF_8000).with(xen_disk()),
                pci("5853:0002", (0x5853, 0x0002), 0x0001_5853, 2, 0xFF_8000).with(xen_disk()),
            ],
        ),
        bus(
            "pvscsi",
            "VMware PVSCSI",
            vec![pci("15ad:07c0", (0x15AD, 0x07C0), 0x07C0_15AD, 2, 0x01_0700)],
        ),
        bus("lsi-sas", "LSI SAS", vec![pci("1000:0054", (0x1000, 0x0054), vmware, 1, 0x01_0700)]),
        bus(
            "lsi-scsi",
            "LSI SCSI",
            vec![
                pci("1000:0030 (VMware)", (0x1000, 0x0030), vmware, 1, 0x01_0000),
                pci("1000:0012 (QEMU)", (0x1000, 0x0012), 0x1000_0000, 0, 0x01_0000),
            ],
        ),
        bus(
            "hyper-v",
            "Hyper-V SCSI",
            vec![Controller {
                name: "VMBus",
                devices: vec![
                    DeviceIds::of(&[r"ACPI\VMBus", "*VMBus"], &[r"root\VMBus"]),
                    DeviceIds::of(&[HYPER_V_SCSI], &[]),
                ],
                on_pci: false,
            }],
        ),
    ]
}
