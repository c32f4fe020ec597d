//! Boot sectors of a disk: what a BIOS starts, and other copies of what was lost of them.

use winkiln_boot::boot_sector::{
    BYTES, Geometry, MasterBootRecord, VolumeBootSector, VolumeKind, copy_places,
};
use winkiln_disk::{Device, DeviceError};

use crate::{Disk, DiskVolume};

/// Boot code of NTFS behind the first sector, which goes with the code in it.
const CODE_MAX: usize = 8192;
/// Bytes of the head of a file record that are looked at.
const RECORD_MAGIC: [u8; 4] = *b"FILE";

/// Boot code that a volume's boot sector can be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCode {
    /// Where it is, in words.
    pub from: String,
    /// The sector that holds it.
    pub sector: VolumeBootSector,
}

impl Disk {
    /// The master boot record, or what lies in its place.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn master_boot_record(&self) -> Result<MasterBootRecord, DeviceError> {
        let mut sector = [0; BYTES];
        self.device().read_at(0, &mut sector)?;
        Ok(MasterBootRecord::new(sector))
    }

    /// The geometry that a BIOS will tell of the disk, where that can be known.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn geometry(&self) -> Result<Option<Geometry>, DeviceError> {
        let sectors = self.device().len() / BYTES as u64;
        Ok(Geometry::of_disk(sectors, &self.master_boot_record()?))
    }

    /// The boot sector of a volume; `None` for what is none, or cannot be read.
    #[must_use]
    pub fn boot_sector(&self, number: u32) -> Option<VolumeBootSector> {
        sector_at(&*self.window(number).ok()?, 0)
    }

    /// The copy of a boot sector that is lost: one in its place, that says so itself, of a volume whose file table is still there.
    /// `None` as well for a volume whose boot sector is not lost.
    #[must_use]
    pub fn lost_boot_sector(&self, number: u32) -> Option<VolumeBootSector> {
        let window = self.window(number).ok()?;
        if sector_at(&*window, 0).is_some() {
            return None;
        }
        copy_places(window.len()).find_map(|(at, kind)| {
            let copy = sector_at(&*window, at)
                .filter(|copy| copy.kind() == kind && copy.copy_offset() == Some(at))?;
            let is_whole = kind != VolumeKind::Ntfs || has_file_table(&*window, &copy);
            is_whole.then_some(copy)
        })
    }

    /// Boot code for a volume whose boot sector has none: of the sector's own copy, or of another NTFS volume of the disk whose boot
    /// code goes on behind the first sector as this volume's does.
    #[must_use]
    pub fn boot_code_for(&self, number: u32) -> Option<FoundCode> {
        let window = self.window(number).ok()?;
        let sector = sector_at(&*window, 0)?;
        let fits = |other: &VolumeBootSector| other.has_code() && other.may_lend_code_to(&sector);
        let copy = sector.copy_offset().and_then(|at| sector_at(&*window, at));
        if let Some(sector) = copy.filter(fits) {
            return Some(FoundCode { from: "its copy".to_owned(), sector });
        }
        if sector.kind() != VolumeKind::Ntfs {
            return None;
        }
        let behind = code_behind(&*window)?;
        let others = self.volumes().iter().filter(|volume| volume.number != number);
        others.filter(|volume| volume.holds_files()).find_map(|DiskVolume { number, .. }| {
            let window = self.window(*number).ok()?;
            let sector = sector_at(&*window, 0).filter(fits)?;
            (code_behind(&*window)? == behind)
                .then(|| FoundCode { from: format!("volume {number}"), sector })
        })
    }
}

fn sector_at(window: &dyn Device, at: u64) -> Option<VolumeBootSector> {
    let end = at.checked_add(BYTES as u64)?;
    let mut bytes = [0; BYTES];
    (end <= window.len()).then(|| window.read_at(at, &mut bytes).ok()).flatten()?;
    VolumeBootSector::parse(&bytes)
}

/// True where the file table begins that a boot sector of NTFS tells of.
fn has_file_table(window: &dyn Device, sector: &VolumeBootSector) -> bool {
    let mut head = [0; RECORD_MAGIC.len()];
    sector
        .file_table()
        .filter(|at| at.checked_add(head.len() as u64).is_some_and(|end| end <= window.len()))
        .is_some_and(|at| window.read_at(at, &mut head).is_ok() && head == RECORD_MAGIC)
}

/// The boot code of NTFS behind the first sector; `None` where there is none.
fn code_behind(window: &dyn Device) -> Option<Vec<u8>> {
    let mut bytes = vec![0; CODE_MAX - BYTES];
    window.read_at(BYTES as u64, &mut bytes).ok()?;
    bytes.iter().any(|byte| *byte != 0).then_some(bytes)
}
