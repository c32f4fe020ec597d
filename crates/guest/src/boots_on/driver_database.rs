//! `DriverDatabase`: how Windows 8 and later bind devices before user mode runs.
//!
//! Source: measured on hives of Windows 8.1 and 10. `DeviceIds\<ID>` names INFs, `DriverInfFiles\<INF>` the package in force,
//! and the package tells by `Descriptors\<ID>` and `Configurations` which service that is.

use std::cmp::Reverse;

use winkiln_disk::partition::Guid;

use super::Obstacle;
use super::binding::Binding;
use super::device::DeviceIds;
use super::guest::{Guest, full};

/// The worst signature, for a package that does not tell.
const UNSIGNED: u32 = 0xFF00_0000;
/// Bytes of a package's `Version`.
const VERSION_SIZE: usize = 48;

/// How Windows ranks packages: signature, feature score, what kind of IDs matched, where; then the newer one.
///
/// Source: Microsoft, "How Windows Ranks Drivers".
type Rank = (u8, u8, u8, usize, Reverse<(u64, u64)>);

/// An INF that names one of the device's IDs.
struct Candidate {
    rank: Rank,
    id: String,
    package: Result<String, Obstacle>,
}

/// The service that the best configured package gives the device.
pub(super) fn find(guest: &Guest<'_>, ids: &DeviceIds) -> Result<Binding, Obstacle> {
    let mut candidates = candidates(guest, ids)?;
    candidates.sort_by_key(|candidate| candidate.rank);
    let mut first = None;
    for Candidate { id, package, .. } in candidates {
        match package.and_then(|package| service(guest, &id, &package)) {
            Ok(found) => return Ok(found),
            Err(obstacle) => _ = first.get_or_insert(obstacle),
        }
    }
    let key = full(r"DriverDatabase\DeviceIds");
    Err(first.unwrap_or_else(|| Obstacle::NotBound { device: ids.usual.clone(), key }))
}

fn candidates(guest: &Guest<'_>, ids: &DeviceIds) -> Result<Vec<Candidate>, Obstacle> {
    let mut candidates = Vec::new();
    if let Some((enumerator, word)) = ids.any {
        for name in guest.subkeys(&format!(r"DriverDatabase\DeviceIds\{enumerator}"))? {
            if name.to_ascii_uppercase().contains(word) {
                let id = format!(r"{enumerator}\{name}");
                bound(guest, &id, true, 0, &mut candidates)?;
            }
        }
    }
    for (id, is_hardware, place) in ids.ranked() {
        bound(guest, id, is_hardware, place, &mut candidates)?;
    }
    Ok(candidates)
}

/// Takes the INFs that name an ID.
fn bound(
    guest: &Guest<'_>,
    id: &str,
    is_hardware: bool,
    place: usize,
    candidates: &mut Vec<Candidate>,
) -> Result<(), Obstacle> {
    for (inf, data) in guest.values(&format!(r"DriverDatabase\DeviceIds\{id}"))? {
        // The default value of a key names no INF.
        if inf.is_empty() {
            continue;
        }
        let byte = |at: usize, otherwise| data.get(at).copied().unwrap_or(otherwise);
        let in_hardware_ids = byte(0, 1) & 1 != 0;
        let kind = match (is_hardware, in_hardware_ids) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (false, false) => 3,
        };
        let package = active(guest, id, &inf)?;
        let (signer, newest) = match &package {
            Ok(package) => of_package(guest, package)?,
            Err(_) => (UNSIGNED, (0, 0)),
        };
        let [_, _, _, signature] = signer.to_le_bytes();
        let place = place + usize::from(byte(2, 0));
        let rank = (signature, byte(1, 0xFF), kind, place, Reverse(newest));
        candidates.push(Candidate { rank, id: id.to_owned(), package });
    }
    Ok(())
}

/// The package of an INF that is in force.
fn active(guest: &Guest<'_>, id: &str, inf: &str) -> Result<Result<String, Obstacle>, Obstacle> {
    let key = format!(r"DriverDatabase\DriverInfFiles\{inf}");
    Ok(guest.text(&key, "Active")?.ok_or_else(|| Obstacle::Staged {
        device: id.to_owned(),
        package: inf.to_owned(),
        missing: format!("value Active in {}", full(&key)),
    }))
}

fn package_key(package: &str) -> String {
    format!(r"DriverDatabase\DriverPackages\{package}")
}

/// Its signature's score; its date and version.
fn of_package(guest: &Guest<'_>, package: &str) -> Result<(u32, (u64, u64)), Obstacle> {
    let key = package_key(package);
    let signer = guest.dword(&key, "SignerScore")?.unwrap_or(UNSIGNED);
    let version = guest.value(&key, "Version")?.unwrap_or_default();
    let number = |at: usize| {
        let bytes = version.get(at..).and_then(<[u8]>::first_chunk).copied();
        u64::from_le_bytes(bytes.unwrap_or_default())
    };
    Ok((signer, (number(24), number(32))))
}

/// The service that a package gives the device with this ID.
fn service(guest: &Guest<'_>, id: &str, package: &str) -> Result<Binding, Obstacle> {
    let key = package_key(package);
    let staged = |missing: String| Obstacle::Staged {
        device: id.to_owned(),
        package: package.to_owned(),
        missing,
    };
    if guest.find(&key)?.is_none() {
        return Err(staged(format!("key {}", full(&key))));
    }
    let version = guest.value(&key, "Version")?.unwrap_or_default();
    // Source: virt-v2v: without it, kernel PnP of Windows 10 and later passes the package over.
    if version.len() < VERSION_SIZE && guest.windows.version.0 >= 10 {
        return Err(staged(format!("value Version in {}", full(&key))));
    }
    let descriptor = format!(r"{key}\Descriptors\{id}");
    let Some(configuration) = guest.text(&descriptor, "Configuration")? else {
        return Err(staged(format!("value Configuration in {}", full(&descriptor))));
    };
    let section = format!(r"{key}\Configurations\{configuration}");
    let Some(service) = guest.text(&section, "Service")? else {
        return Err(staged(format!("value Service in {}", full(&section))));
    };
    let filters = guest.filters(&format!(r"{section}\Device"))?;
    let class = version.get(8..24).and_then(class_of);
    let bound_by = package.to_owned();
    Ok(Binding { id: id.to_owned(), service, class, bound_by, filters })
}

/// A setup class as its key is named.
fn class_of(bytes: &[u8]) -> Option<String> {
    Some(Guid(bytes.try_into().ok()?).to_string().to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_named_as_their_keys() {
        let bytes = [
            0x7B, 0xE9, 0x36, 0x4D, 0x25, 0xE3, 0xCE, 0x11, 0xBF, 0xC1, 0x08, 0x00, 0x2B, 0xE1,
            0x03, 0x18,
        ];
        let expected = "{4D36E97B-E325-11CE-BFC1-08002BE10318}";
        assert_eq!(class_of(&bytes).as_deref(), Some(expected));
        assert_eq!(class_of(&bytes[1..]), None);
    }
}
