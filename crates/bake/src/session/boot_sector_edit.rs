//! Steps on boot sectors. They write to the disk below the volumes, whose files they do not touch.

use winkiln_boot::boot_sector::{BYTES, Geometry, MasterBootRecord, VolumeBootSector, VolumeFault};
use winkiln_disk::Device as _;
use winkiln_disk::partition::{PartitionKind, TableKind};

use super::Session;
use crate::BakeError;
use crate::ledger::{State, Target};

impl Session {
    /// Makes a primary partition the active one.
    pub(super) fn set_active_partition(&mut self, number: u32) -> Result<(), BakeError> {
        let problem = |problem| Err(BakeError::Unboot { volume: number, problem });
        let table = self.disk.table();
        if table.kind != TableKind::Mbr {
            return problem("its disk has no MBR, and so no active partition");
        }
        let partition = table.partitions.iter().find(|partition| partition.number == number);
        match partition.map(|partition| &partition.kind) {
            Some(PartitionKind::Mbr { logical: false, .. }) => {}
            _ => return problem("it is no primary partition"),
        }
        let mut record = self.disk.master_boot_record()?;
        let words = |record: &MasterBootRecord| {
            let active: Vec<String> = record.active().iter().map(u32::to_string).collect();
            State::Words(format!(
                "active: {}",
                if active.is_empty() { "none".to_owned() } else { active.join(", ") }
            ))
        };
        let before = words(&record);
        if !record.set_active(number) {
            self.ledger.unchanged += 1;
            return Ok(());
        }
        self.transaction.write_at(0, record.bytes())?;
        self.ledger.record(Target::BootSector { volume: 0 }, before, words(&record));
        Ok(())
    }

    /// Mends the fields of a volume's boot sector and of its copy.
    pub(super) fn mend_boot_sector(&mut self, volume: u32) -> Result<(), BakeError> {
        let window = self.disk.window(volume)?;
        let (start, is_primary) = self.place(volume);
        let mut bytes = [0; BYTES];
        window.read_at(0, &mut bytes)?;
        let sector = VolumeBootSector::parse(&bytes).filter(|_| is_primary);
        let Some(mut sector) = sector else {
            let problem = "it is no primary partition with an NTFS or FAT boot sector";
            return Err(BakeError::Unboot { volume, problem });
        };
        // Vista and later reckon with no geometry.
        let geometry = match self.windows() {
            Ok(windows) if windows.is_nt5() => self.disk.geometry()?,
            _ => None,
        };
        let before = fields(&sector);
        let faults = sector.faults(start, geometry);
        let mut mended = faults.iter().filter(|fault| sector.mend(**fault)).count();
        if faults.contains(&VolumeFault::NoCode) {
            match self.disk.boot_code_for(volume) {
                Some(found) if sector.take_code(&found.sector) => mended += 1,
                _ => self.warn(format!("the boot sector of volume {volume} has no boot code")),
            }
        }
        if mended == 0 {
            self.ledger.unchanged += 1;
            return Ok(());
        }
        window.write_at(0, sector.bytes())?;
        // A copy of the same volume gets the same fields; what is no copy stays.
        let copy_at = sector.copy_offset().filter(|at| at + BYTES as u64 <= window.len());
        if let Some(at) = copy_at {
            window.read_at(at, &mut bytes)?;
            if let Some(mut copy) =
                VolumeBootSector::parse(&bytes).filter(|copy| copy.kind() == sector.kind())
            {
                for fault in &faults {
                    copy.mend(*fault);
                }
                copy.take_code(&sector);
                window.write_at(at, copy.bytes())?;
            }
        }
        self.ledger.record(Target::BootSector { volume }, before, fields(&sector));
        Ok(())
    }

    /// Puts the copy of a boot sector in the place of what is none.
    pub(super) fn restore_boot_sector(&mut self, volume: u32) -> Result<(), BakeError> {
        let window = self.disk.window(volume)?;
        if self.disk.boot_sector(volume).is_some() {
            self.ledger.unchanged += 1;
            return Ok(());
        }
        let Some(copy) = self.disk.lost_boot_sector(volume) else {
            let problem = "its boot sector is gone, and there is no copy of it";
            return Err(BakeError::Unboot { volume, problem });
        };
        window.write_at(0, copy.bytes())?;
        self.disk.look_again(volume);
        let before = State::Words("no boot sector".to_owned());
        self.ledger.record(Target::BootSector { volume }, before, fields(&copy));
        Ok(())
    }

    /// Where a partition starts, and whether its boot code can be started: logical ones count from elsewhere.
    fn place(&self, volume: u32) -> (u64, bool) {
        let partitions = &self.disk.table().partitions;
        let found = partitions.iter().find(|partition| partition.number == volume);
        found.map_or((0, false), |partition| {
            let logical = matches!(partition.kind, PartitionKind::Mbr { logical: true, .. });
            (partition.start, !logical)
        })
    }
}

fn fields(sector: &VolumeBootSector) -> State {
    let Geometry { heads, sectors_per_track } = sector.geometry();
    State::Words(format!(
        "hidden sectors {}, heads {heads}, sectors per track {sectors_per_track}{}",
        sector.hidden(),
        if sector.has_code() { "" } else { ", no boot code" }
    ))
}
