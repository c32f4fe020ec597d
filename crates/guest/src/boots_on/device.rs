//! The IDs that devices report.
//!
//! Source: Microsoft, "Identifiers for PCI Devices"; and the IDs that Windows kept of real devices in `Enum`.

/// Storage volumes, whose filters every disk's contents pass.
pub(super) const VOLUME_CLASS: &str = "{71A27CDD-812A-11D0-BEC7-08002BE2092F}";

/// What a device reports, the best first.
#[derive(Debug, Clone, Default)]
pub(super) struct DeviceIds {
    /// The one to name it by.
    pub(super) usual: String,
    pub(super) hardware: Vec<String>,
    pub(super) compatible: Vec<String>,
    /// Instead of those: whatever ID of this enumerator holds this word.
    pub(super) any: Option<(&'static str, &'static str)>,
}

impl DeviceIds {
    pub(super) fn of(hardware: &[&str], compatible: &[&str]) -> Self {
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        Self {
            usual: hardware.first().copied().unwrap_or_default().to_owned(),
            hardware: owned(hardware),
            compatible: owned(compatible),
            any: None,
        }
    }

    /// As it reports itself below a bus driver: that of the Xen Project calls its bus XENBUS, the others XEN.
    pub(super) fn below(&self, parent: Option<&str>) -> Self {
        let mut ids = self.clone();
        let is_xenbus = parent.is_some_and(|parent| parent.eq_ignore_ascii_case("xenbus"));
        if let (Some((enumerator, word)), true) = (ids.any, is_xenbus)
            && enumerator == "XEN"
        {
            ids.any = Some(("XENBUS", word));
            r"XENBUS\...&DEV_VBD".clone_into(&mut ids.usual);
        }
        ids
    }

    /// Every ID, with whether it is a hardware ID and its place among those of its kind.
    pub(super) fn ranked(&self) -> impl Iterator<Item = (&str, bool, usize)> {
        let ranked = |ids, hardware| {
            let ids: &Vec<String> = ids;
            ids.iter().enumerate().map(move |(place, id)| (id.as_str(), hardware, place))
        };
        ranked(&self.hardware, true).chain(ranked(&self.compatible, false))
    }
}

/// A disk's block device below a Xen bus, whose IDs hold the bus's own version.
pub(super) fn xen_disk() -> DeviceIds {
    DeviceIds { usual: r"XEN\VBD".to_owned(), any: Some(("XEN", "VBD")), ..DeviceIds::default() }
}

pub(super) fn disk() -> DeviceIds {
    DeviceIds::of(&["GenDisk"], &[])
}

pub(super) fn acpi() -> DeviceIds {
    DeviceIds::of(&[r"ACPI_HAL\PNP0C08", "*PNP0C08"], &["PNP0C08"])
}

/// That of a PC with PCI, and that of one with PCI Express.
pub(super) fn pci_root() -> DeviceIds {
    DeviceIds::of(&[r"ACPI\PNP0A03", "*PNP0A03"], &["*PNP0A08"])
}

/// A PCI function.
pub(super) struct Pci {
    pub(super) vendor: u16,
    pub(super) device: u16,
    /// Subsystem, and its vendor in the low half.
    pub(super) subsystem: u32,
    pub(super) revision: u8,
    /// Class, subclass and interface.
    pub(super) class: u32,
}

impl Pci {
    pub(super) fn ids(&self) -> DeviceIds {
        let Self { vendor, device, subsystem, revision, class } = *self;
        let ven = format!(r"PCI\VEN_{vendor:04X}");
        let dev = format!("{ven}&DEV_{device:04X}");
        let [long, short] = [format!("CC_{class:06X}"), format!("CC_{:04X}", class >> 8)];
        DeviceIds {
            usual: dev.clone(),
            hardware: vec![
                format!("{dev}&SUBSYS_{subsystem:08X}&REV_{revision:02X}"),
                format!("{dev}&SUBSYS_{subsystem:08X}"),
                format!("{dev}&{long}"),
                format!("{dev}&{short}"),
            ],
            compatible: vec![
                format!("{dev}&REV_{revision:02X}"),
                dev,
                format!("{ven}&{long}"),
                format!("{ven}&{short}"),
                ven,
                format!(r"PCI\{long}"),
                format!(r"PCI\{short}"),
            ],
            any: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a Windows 7 in VMware kept them.
    #[test]
    fn ids_are_those_that_windows_reports() {
        let subsystem = 0x1976_15AD;
        let pci = Pci { vendor: 0x8086, device: 0x7111, subsystem, revision: 1, class: 0x01018A };
        let ids = pci.ids();
        let dev = r"PCI\VEN_8086&DEV_7111";
        let after = |ends: [&str; 4]| ends.map(|end| format!("{dev}{end}")).to_vec();
        let ends = ["&SUBSYS_197615AD&REV_01", "&SUBSYS_197615AD", "&CC_01018A", "&CC_0101"];
        assert_eq!(ids.hardware, after(ends));
        assert_eq!(
            ids.compatible.join(" "),
            r"PCI\VEN_8086&DEV_7111&REV_01 PCI\VEN_8086&DEV_7111 PCI\VEN_8086&CC_01018A PCI\VEN_8086&CC_0101 PCI\VEN_8086 PCI\CC_01018A PCI\CC_0101"
        );
    }
}
