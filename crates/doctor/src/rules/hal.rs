//! The HAL of Windows XP and Server 2003, which Setup chose for one kind of machine.

use crate::finding::{Finding, Repair, Severity};
use crate::patient::Patient;
use crate::rule::Look;

/// What Setup tells in `Enum\Root\*_HAL`, the file it installed as `hal.dll`, and whether it needs ACPI.
///
/// Source: Microsoft, KB309283, "HAL options after Windows XP or Windows Server 2003 Setup".
const HALS: [(&str, &str, bool); 6] = [
    ("acpipic_up", "halacpi.dll", true),
    ("acpiapic_up", "halaacpi.dll", true),
    ("acpiapic_mp", "halmacpi.dll", true),
    ("e_isa_up", "hal.dll", false),
    ("mps_up", "halapic.dll", false),
    ("mps_mp", "halmps.dll", false),
];
/// Bytes of `hal.dll`: real ones have 130,000.
const FILE_MAX: u64 = 4 << 20;

pub(crate) fn mismatch(patient: &mut Patient<'_>) -> Look {
    let windows = patient.windows()?;
    let Some(hal) = windows.hal.clone().filter(|_| windows.is_nt5()) else { return Ok(Vec::new()) };
    let Some((_, expected, acpi)) = HALS.iter().find(|(id, ..)| hal.eq_ignore_ascii_case(id))
    else {
        return Ok(Vec::new());
    };
    let mut findings = Vec::new();
    let path = format!(r"{}\System32\hal.dll", windows.system_root);
    if patient.has_file(&path)?
        && let Ok(bytes) = patient.disk().volume(windows.volume)?.read(&path, FILE_MAX)
        && let Some(found) = original_name(&bytes)
        && !found.eq_ignore_ascii_case(expected)
    {
        findings.push(Finding {
            rule: "hal-mismatch",
            severity: Severity::Stops,
            object: path,
            found: format!("{found}; the registry tells of {hal}"),
            expected: (*expected).to_owned(),
            repair: Repair::advice(format!(
                "put {expected} of this service pack there (\\Windows\\Driver Cache\\i386, or the installation medium), or run a repair installation"
            )),
        });
    }
    if !acpi && patient.target.is_some() {
        findings.push(Finding {
            rule: "hal-mismatch",
            severity: Severity::Note,
            object: format!("HAL {hal}"),
            found: "made for a machine without ACPI".to_owned(),
            expected: "a HAL that fits the machine".to_owned(),
            repair: Repair::advice(
                "start it with acpi=0 (and apic=0 for e_isa_up): with ACPI it may start, but cannot switch the machine off",
            ),
        });
    }
    Ok(findings)
}

/// `OriginalFilename` of the version resource: UTF-16, its value after it, on a boundary of four bytes.
fn original_name(bytes: &[u8]) -> Option<String> {
    let key: Vec<u8> = "OriginalFilename\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let at = bytes.windows(key.len()).position(|part| part == key)?;
    let rest = bytes.get(at + key.len()..)?;
    let units = rest.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let name: Vec<u16> =
        units.skip_while(|unit| *unit == 0).take_while(|unit| *unit != 0).take(64).collect();
    let name = String::from_utf16_lossy(&name);
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::original_name;

    #[test]
    fn the_name_is_found_behind_its_key() {
        let text = "xOriginalFilename\0\0halmacpi.dll\0ProductName";
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(original_name(&bytes).as_deref(), Some("halmacpi.dll"));
        assert_eq!(original_name(b"MZ"), None);
    }
}
