//! Device elements: where a boot program or a Windows lies.
//!
//! ```text
//! 0x00  16  GUID of the object with the device's options; zero when there are none
//! 0x10   4  device type: 0 local, 2 legacy partition, 3 serial, 4 UDP, 5 boot, 6 partition, 7 VMBus, 8 locate
//! 0x14   4  flags: 1 on a ramdisk
//! 0x18   4  size of the descriptor from 0x10 on
//! 0x1c   4  zero
//! 0x20      by type
//! ```
//!
//! A file, and what is made of one, holds the descriptor of the device that the file is on.
//!
//! Source: observed on stores of Windows 7 to 11; ReactOS `boot/environ`, `BL_DEVICE_DESCRIPTOR`; Microsoft's BCD reference,
//! "BcdDeviceData".

mod decode;
mod encode;
mod parse;
mod text;

use super::guid::GuidBytes;
pub(super) use decode::decode;
pub(super) use parse::parse;

/// The partition that a device element names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PartitionRef {
    /// MBR.
    Mbr {
        /// Disk signature.
        signature: u32,
        /// Bytes from the start of the disk.
        offset: u64,
    },
    /// GPT; on-disk byte order.
    Gpt {
        /// Disk GUID.
        disk: [u8; 16],
        /// Partition GUID.
        partition: [u8; 16],
    },
}

/// A disk that a device element names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DiskRef {
    /// GPT disk GUID.
    Gpt(GuidBytes),
    /// MBR disk signature.
    Mbr(u32),
    /// A number, for disks without either.
    Raw(u32),
}

/// A device element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The object with the device's options, such as those of a ramdisk.
    pub options: Option<GuidBytes>,
    /// Where it is.
    pub place: Place,
    /// The element's bytes, where they are not those that [`Device::encode`] would make of the rest.
    stored: Option<Vec<u8>>,
}

/// Where a device is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The device that the boot program itself was loaded from.
    Boot,
    /// A partition.
    Partition(PartitionRef),
    /// A partition by its number, as Vista's first builds had it.
    LegacyPartition {
        /// Number of the partition.
        number: u32,
        /// Its disk.
        disk: DiskRef,
    },
    /// A partition inside a virtual disk.
    VirtualPartition {
        /// The partition, by the virtual disk's own table.
        partition: PartitionRef,
        /// The file that is the virtual disk.
        file: Box<Self>,
    },
    /// A whole disk.
    Disk(DiskRef),
    /// A floppy drive, by number.
    Floppy(u32),
    /// A CD drive, by number.
    Cdrom(u32),
    /// A file taken as a disk in memory.
    Ramdisk {
        /// Address, length and offset of the image in memory, which the loader fills in.
        image: [u8; 20],
        /// Where the file is.
        file: Box<FilePlace>,
    },
    /// A file taken as a device.
    File(Box<FilePlace>),
    /// A virtual disk.
    Vhd {
        /// Identity of the disk inside, mostly zeros.
        disk: [u8; 20],
        /// The file that is the virtual disk.
        file: Box<Self>,
    },
    /// A device that is searched for.
    Locate {
        /// What it is told by.
        by: LocateBy,
        /// The device to look on or in.
        parent: Option<Box<Self>>,
    },
    /// A serial port.
    Serial,
    /// The network that the boot program came from.
    Udp,
    /// A Hyper-V bus.
    VmBus,
    /// Not understood.
    Unknown,
}

/// A file on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePlace {
    /// The device.
    pub device: Place,
    /// Path on it.
    pub path: String,
}

/// What a device that is searched for is told by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocateBy {
    /// It holds the file that this element of the same object names.
    Element(u32),
    /// It holds this path.
    Path(String),
}

/// Bytes of the options GUID before a descriptor.
const OPTIONS: usize = 16;
/// Bytes of a descriptor's type, flags, size and padding.
const HEAD: usize = 16;
/// Devices nested in each other that are looked through: a virtual disk that is searched for is 4.
const NESTING_MAX: usize = 8;

impl Device {
    /// A device without options.
    #[must_use]
    pub fn new(place: Place) -> Self {
        Self::with_options(place, None)
    }

    /// A device with the options that an object holds.
    #[must_use]
    pub fn with_options(place: Place, options: Option<GuidBytes>) -> Self {
        Self { options, place, stored: None }
    }

    /// The partition the device is, when it is one.
    #[must_use]
    pub fn partition(&self) -> Option<PartitionRef> {
        match self.place {
            Place::Partition(partition) => Some(partition),
            _ => None,
        }
    }

    /// Every partition the device rests on: the one it is, or those that hold its files. Partitions inside virtual disks are
    /// not among them.
    #[must_use]
    pub fn partitions(&self) -> Vec<PartitionRef> {
        let mut found = Vec::new();
        self.place.each_partition(&mut |partition| found.push(*partition));
        found
    }

    /// The path of the file that the device is made of, on the partition it rests on.
    pub(super) fn file_path(&self) -> Option<&str> {
        let mut place = &self.place;
        let mut found = None;
        loop {
            if let Place::Ramdisk { file, .. } | Place::File(file) = place {
                found = Some(file.path.as_str());
            }
            match place.below() {
                Some(below) => place = below,
                None => return found,
            }
        }
    }

    /// The same device with every partition it rests on replaced by what `moved` makes of it; `None` when that changes nothing.
    #[must_use]
    pub fn with_partitions(
        &self,
        moved: &dyn Fn(&PartitionRef) -> Option<PartitionRef>,
    ) -> Option<Self> {
        let mut place = self.place.clone();
        let mut changed = false;
        place.each_partition_mut(&mut |partition| {
            if let Some(new) = moved(partition).filter(|new| new != partition) {
                *partition = new;
                changed = true;
            }
        });
        changed.then_some(Self { options: self.options, place, stored: None })
    }
}

impl Place {
    /// The place that this one lies on.
    fn below(&self) -> Option<&Self> {
        match self {
            Self::Ramdisk { file, .. } | Self::File(file) => Some(&file.device),
            Self::Vhd { file, .. } | Self::VirtualPartition { file, .. } => Some(file),
            Self::Locate { parent, .. } => parent.as_deref(),
            _ => None,
        }
    }

    fn below_mut(&mut self) -> Option<&mut Self> {
        match self {
            Self::Ramdisk { file, .. } | Self::File(file) => Some(&mut file.device),
            Self::Vhd { file, .. } | Self::VirtualPartition { file, .. } => Some(file),
            Self::Locate { parent, .. } => parent.as_deref_mut(),
            _ => None,
        }
    }

    fn each_partition(&self, visit: &mut dyn FnMut(&PartitionRef)) {
        match self {
            Self::Partition(partition) => visit(partition),
            other => {
                if let Some(below) = other.below() {
                    below.each_partition(visit);
                }
            }
        }
    }

    fn each_partition_mut(&mut self, visit: &mut dyn FnMut(&mut PartitionRef)) {
        match self {
            Self::Partition(partition) => visit(partition),
            other => {
                if let Some(below) = other.below_mut() {
                    below.each_partition_mut(visit);
                }
            }
        }
    }
}

impl PartitionRef {
    /// The partition as this program names it where Windows would show a drive letter: `{guid}`, or `mbr:` with disk signature
    /// and byte offset.
    #[must_use]
    pub fn identity(&self) -> String {
        match self {
            Self::Gpt { partition, .. } => super::guid::text(partition),
            Self::Mbr { signature, offset } => format!("mbr:{signature:08x}:{offset:#x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GPT: PartitionRef = PartitionRef::Gpt { disk: [7; 16], partition: [9; 16] };
    const MBR: PartitionRef = PartitionRef::Mbr { signature: 0xC97A, offset: 0x10_0000 };

    fn file(device: Place, path: &str) -> Box<FilePlace> {
        Box::new(FilePlace { device, path: path.to_owned() })
    }

    /// Every form there is, on every kind of partition.
    fn every_form() -> Vec<(Place, &'static str)> {
        let vhd = |parent| Place::Vhd {
            disk: [0; 20],
            file: Box::new(Place::File(file(parent, r"\w.vhd"))),
        };
        let by = LocateBy::Element(0x1200_0002);
        vec![
            (Place::Boot, "boot"),
            (Place::Partition(MBR), "partition=mbr:0000c97a:0x100000"),
            (Place::Partition(GPT), "partition={09090909-0909-0909-0909-090909090909}"),
            (Place::File(file(Place::Boot, r"\a.img")), r"file=[boot]\a.img"),
            (
                Place::Ramdisk { image: [0; 20], file: file(Place::Partition(MBR), r"\b.wim") },
                r"ramdisk=[mbr:0000c97a:0x100000]\b.wim",
            ),
            (
                Place::Locate { by: by.clone(), parent: Some(Box::new(vhd(Place::Boot))) },
                r"vhd=[boot]\w.vhd,locate=custom:12000002",
            ),
            (
                Place::Locate {
                    by: by.clone(),
                    parent: Some(Box::new(vhd(Place::Locate { by: by.clone(), parent: None }))),
                },
                r"vhd=[locate]\w.vhd,locate=custom:12000002",
            ),
            (
                Place::VirtualPartition {
                    partition: MBR,
                    file: Box::new(Place::File(file(Place::Partition(GPT), r"\w.vhd"))),
                },
                r"vhd=[{09090909-0909-0909-0909-090909090909}]\w.vhd",
            ),
            (Place::Locate { by, parent: None }, "locate=custom:12000002"),
            (
                Place::Locate { by: LocateBy::Path(r"\Windows".to_owned()), parent: None },
                r"locate=\Windows",
            ),
            (
                Place::LegacyPartition { number: 2, disk: DiskRef::Mbr(0xC97A) },
                "legacypartition=0000c97a:2",
            ),
            (Place::Disk(DiskRef::Raw(1)), "harddisk=1"),
            (Place::Floppy(0), "floppy=0"),
            (Place::Cdrom(1), "cdrom=1"),
            (Place::Serial, "serial"),
            (Place::Udp, "udp"),
            (Place::VmBus, "vmbus"),
        ]
    }

    #[test]
    fn every_form_is_shown_and_round_trips() {
        for (place, text) in every_form() {
            let device = Device::new(place);
            assert_eq!(decode(&device.encode()), device, "{text}");
            assert_eq!(device.to_text(), text);
        }
        assert_eq!(Device::new(Place::Boot).encode().len(), 88);
        assert_eq!(Device::new(Place::Partition(GPT)).encode().len(), 88);
    }

    /// One bit anywhere may change what is understood, but never what is written back.
    #[test]
    fn odd_bytes_are_kept() {
        for (place, text) in every_form() {
            let raw = Device::with_options(place, Some([3; 16])).encode();
            for at in 0..raw.len() {
                let mut odd = raw.clone();
                odd[at] ^= 0x40;
                assert_eq!(decode(&odd).encode(), odd, "{text}: byte {at:#x}");
                assert_eq!(decode(&raw[..at]).encode(), raw[..at], "{text}: {at:#x} bytes");
            }
        }
    }

    #[test]
    fn partitions_are_replaced_wherever_they_are() {
        let to_gpt = |partition: &PartitionRef| (*partition == MBR).then_some(GPT);
        for (place, text) in every_form() {
            let device = Device::new(place);
            let moved = device.with_partitions(&to_gpt);
            assert_eq!(moved.is_some(), device.partitions().contains(&MBR), "{text}");
            if let Some(moved) = moved {
                assert_eq!(moved.partitions(), [GPT], "{text}");
                assert_eq!(decode(&moved.encode()), moved, "{text}");
            }
        }
    }

    /// A descriptor that holds itself, or lies about its size, ends.
    #[test]
    fn hostile_descriptors_are_unknown() {
        let mut nested = vec![0; 64];
        for _ in 0..64 {
            let inner = nested.split_off(16);
            let size = u32::try_from(inner.len() + 52).unwrap();
            nested = vec![0; 16];
            for word in [0, 0, size, 0, 3, 0, 0, 0, 0, 0, 1, size - 40, 5] {
                nested.extend(u32::to_le_bytes(word));
            }
            nested.extend(inner);
        }
        for raw in [&nested[..], &[0xFF; 88], &[0; 16], &[]] {
            assert_eq!(decode(raw).to_text(), "unknown");
            assert_eq!(decode(raw).encode(), raw);
        }
    }
}
