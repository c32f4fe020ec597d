//! Device elements in `bcdedit`'s words.

use super::{Device, DiskRef, LocateBy, PartitionRef, Place};
use crate::bcd::{alias, guid};

impl Device {
    /// `bcdedit`'s text, such as `partition=...`, `boot`, `ramdisk=[boot]\sources\boot.wim,{ramdiskoptions}`; `unknown` for what
    /// is not understood. `bcdedit` shows a drive letter or a device of the running system; here the partition's own identity
    /// stands.
    #[must_use]
    pub fn to_text(&self) -> String {
        let short = |guid: &str| alias::alias_of(guid).unwrap_or(guid).to_owned();
        self.text_with(&PartitionRef::identity, &short)
    }

    /// The same with partitions as `partition` names them (such as `C:`), and the options object as `object` does.
    #[must_use]
    pub fn text_with(
        &self,
        partition: &dyn Fn(&PartitionRef) -> String,
        object: &dyn Fn(&str) -> String,
    ) -> String {
        let text = self.place.text(partition);
        match &self.options {
            Some(options) if self.place != Place::Unknown => {
                format!("{text},{}", object(&guid::text(options)))
            }
            _ => text,
        }
    }
}

impl Place {
    fn text(&self, name: &dyn Fn(&PartitionRef) -> String) -> String {
        match self {
            Self::Boot => "boot".to_owned(),
            Self::Partition(partition) => format!("partition={}", name(partition)),
            Self::LegacyPartition { number, disk } => {
                format!("legacypartition={}:{number}", disk.text())
            }
            Self::Disk(disk) => format!("harddisk={}", disk.text()),
            Self::Floppy(number) => format!("floppy={number}"),
            Self::Cdrom(number) => format!("cdrom={number}"),
            Self::Ramdisk { file, .. } => {
                format!("ramdisk=[{}]{}", file.device.inner(name), file.path)
            }
            Self::File(file) => format!("file=[{}]{}", file.device.inner(name), file.path),
            Self::Vhd { file, .. } | Self::VirtualPartition { file, .. } => match &**file {
                Self::File(file) => format!("vhd=[{}]{}", file.device.inner(name), file.path),
                other => format!("vhd=[{}]", other.inner(name)),
            },
            Self::Locate { by, parent } => {
                let by = match by {
                    LocateBy::Element(element) => format!("locate=custom:{element:08x}"),
                    LocateBy::Path(path) => format!("locate={path}"),
                };
                parent.as_ref().map_or(by.clone(), |parent| format!("{},{by}", parent.text(name)))
            }
            Self::Serial => "serial".to_owned(),
            Self::Udp => "udp".to_owned(),
            Self::VmBus => "vmbus".to_owned(),
            Self::Unknown => "unknown".to_owned(),
        }
    }

    /// The text between the brackets of what is made of a file.
    fn inner(&self, name: &dyn Fn(&PartitionRef) -> String) -> String {
        match self {
            Self::Partition(partition) => name(partition),
            Self::Locate { by: LocateBy::Element(_), parent: None } => "locate".to_owned(),
            other => other.text(name),
        }
    }
}

impl DiskRef {
    fn text(&self) -> String {
        match self {
            Self::Gpt(guid) => guid::text(guid),
            Self::Mbr(signature) => format!("{signature:08x}"),
            Self::Raw(number) => number.to_string(),
        }
    }
}
