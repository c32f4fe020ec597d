//! The boot sector and its copy behind the volume.

use winkiln_disk::Device;

use super::finding::{Finding, Report};
use crate::{
    Error,
    boot_sector::{self, Geometry},
    bytes,
};

const OBJECT: &str = "boot sector";
/// Clusters that NTFS numbers: what Windows allows.
const CLUSTERS_MAX: u64 = 1 << 32;

/// Reads the geometry: from the boot sector, or from its copy when only that one is sound.
pub(super) fn read(device: &dyn Device, report: &mut Report<'_>) -> Result<Geometry, Error> {
    let mut sector = [0; boot_sector::BYTES];
    device.read_at(0, &mut sector)?;
    let geometry = match Geometry::parse(&sector) {
        Ok(geometry) => geometry,
        Err(error) => {
            let geometry = copy_at_the_end(device).ok_or_else(|| refusal(&error))?;
            let finding = Finding::damage("boot-sector").at(0).object(OBJECT);
            report
                .add(finding.found(error.to_string()).expected("a sound boot sector, as its copy"));
            return within_limits(geometry);
        }
    };
    if bytes::u16_at(&sector, 510) != Some(0xaa55) {
        let finding = Finding::damage("boot-sector-signature").at(510).object(OBJECT);
        let found = format!("{:02x} {:02x}", sector[510], sector[511]);
        report.add(finding.found(found).expected("55 aa"));
    }
    let geometry = within_limits(geometry)?;
    compare_copy(device, &sector, &geometry, report);
    Ok(geometry)
}

/// The same error once more: errors are not cloned.
fn refusal(error: &Error) -> Error {
    match error {
        Error::BootSector { field, found } => Error::BootSector { field, found: *found },
        _ => Error::BootSector { field: "contents", found: 0 },
    }
}

fn within_limits(geometry: Geometry) -> Result<Geometry, Error> {
    if geometry.clusters() <= CLUSTERS_MAX {
        return Ok(geometry);
    }
    Err(Error::BootSector { field: "total sectors", found: geometry.total_sectors })
}

fn copy_at_the_end(device: &dyn Device) -> Option<Geometry> {
    [512, 4096].into_iter().find_map(|size| {
        let at = device.len().checked_sub(size)?;
        let mut sector = [0; boot_sector::BYTES];
        device.read_at(at, &mut sector).ok()?;
        let geometry = Geometry::parse(&sector).ok()?;
        (geometry.backup_offset() == at).then_some(geometry)
    })
}

fn compare_copy(
    device: &dyn Device,
    sector: &[u8; boot_sector::BYTES],
    geometry: &Geometry,
    report: &mut Report<'_>,
) {
    let offset = geometry.backup_offset();
    let object = "backup boot sector";
    if offset > device.len() {
        let found = format!("a volume of {offset} bytes in {}", device.len());
        let finding = Finding::damage("larger-than-partition").at(0x28).object(OBJECT);
        return report.add(finding.found(found).expected("a volume inside its partition"));
    }
    let mut copy = [0; boot_sector::BYTES];
    // An image that ends with the volume has no room for the copy.
    if offset + copy.len() as u64 > device.len() || device.read_at(offset, &mut copy).is_err() {
        return;
    }
    let Some(differs) = (0..copy.len()).find(|at| copy[*at] != sector[*at]) else { return };
    let finding = match Geometry::parse(&copy) {
        Ok(other) if other == *geometry => Finding::note("backup-boot-sector-code"),
        // Microsoft's own boot.sdi comes without.
        Err(_) if copy == [0; boot_sector::BYTES] => Finding::note("backup-boot-sector-missing"),
        _ => Finding::damage("backup-boot-sector"),
    };
    let found = format!("{:#04x} at offset {differs:#x}", copy[differs]);
    let expected = format!("{:#04x}, as in the boot sector", sector[differs]);
    report.add(finding.at(offset).object(object).found(found).expected(expected));
}
