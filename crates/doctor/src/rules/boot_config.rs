//! The boot configuration: there, readable, and naming this Windows.

use winkiln_bake::step::Contents;
use winkiln_bake::{BakeError, Step};
use winkiln_boot::bcd::{self, ElementValue, Retargeted};
use winkiln_boot::boot_ini::BootIni;
use winkiln_guest::error::with_causes;
use winkiln_guest::{
    ArcPath, BootKind, Firmware, HiveFile, Rewrite, Windows, named_volume, system_volume,
};
use winkiln_hive::Hive;

use crate::finding::{Finding, Repair, Severity};
use crate::patient::Patient;
use crate::rule::Look;

pub(crate) fn missing(patient: &mut Patient<'_>) -> Look {
    let windows = patient.windows()?;
    if windows.boot.kind != BootKind::Missing {
        return Ok(Vec::new());
    }
    let (object, repair) = if windows.is_nt5() {
        (r"\boot.ini", new_boot_ini(patient, &windows))
    } else {
        ("BCD store", new_store(patient, &windows, None))
    };
    Ok(vec![Finding {
        rule: "boot-config-missing",
        severity: Severity::Stops,
        object: object.to_owned(),
        found: "on no volume".to_owned(),
        expected: "the boot configuration of this Windows".to_owned(),
        repair,
    }])
}

/// Bytes of a store that is put aside: real ones have some 30,000.
const STORE_MAX: u64 = 16 << 20;

/// A store that starts this Windows, on the partition that its firmware starts; what is there instead is put aside.
fn new_store(
    patient: &mut Patient<'_>,
    windows: &Windows,
    instead_of: Option<&(u32, String)>,
) -> Repair {
    let efi = windows.boot.firmware == Firmware::Uefi;
    if system_volume(patient.disk(), efi).is_none() {
        let what = if efi { "an EFI system partition" } else { "an active partition" };
        return Repair::advice(format!(
            "make {what} the one that the firmware starts; winkiln bcd create IMAGE makes the store then"
        ));
    }
    let create = Step::BcdCreateStore { efi: Some(efi), guids: None };
    let what = "make a new one that starts this Windows";
    let Some((volume, path)) = instead_of else { return Repair::safe(what, vec![create]) };
    let old = patient.disk().volume(*volume).ok().and_then(|open| open.read(path, STORE_MAX).ok());
    let Some(old) = old else {
        return Repair::advice(format!(
            "{path} of volume {volume} cannot be read: remove it; winkiln bcd create IMAGE makes a new store then"
        ));
    };
    let on_volume = |step| Step::OnVolume { volume: *volume, step: Box::new(step) };
    let aside = format!("{path}.winkiln");
    let keep =
        Step::PutFile { path: aside.clone(), contents: Contents::Bytes(old), parents: false };
    let remove = Step::Remove { path: path.clone(), recursive: false };
    Repair::asked(
        format!("{what}, and keep the old one as {aside}"),
        "entries and settings of the old one do not count any more",
        vec![on_volume(keep), on_volume(remove), create],
    )
}

/// A `boot.ini` with one entry, on the active partition.
fn new_boot_ini(patient: &mut Patient<'_>, windows: &Windows) -> Repair {
    let volumes = patient.disk().volumes();
    let active = volumes.iter().find(|volume| volume.is_active()).map(|volume| volume.number);
    let path = arc_path(patient, windows.volume, &windows.system_root);
    let (Some(path), Some(volume)) = (path, active.or(Some(windows.volume))) else {
        return Repair::advice("write one (winkiln fs put IMAGE boot.ini \\)");
    };
    let name = windows.product_name.replace(['"', '\r', '\n'], " ");
    let text = format!(
        "[boot loader]\r\ntimeout=30\r\ndefault={path}\r\n[operating systems]\r\n{path}=\"{name}\" /fastdetect\r\n"
    );
    let contents = Contents::Bytes(text.into_bytes());
    let put = Step::PutFile { path: r"\boot.ini".to_owned(), contents, parents: false };
    let step = Step::OnVolume { volume, step: Box::new(put) };
    Repair::safe(format!("write one that starts {path}"), vec![step])
}

/// The ARC path by which NTLDR knows a folder of a volume of its disk.
fn arc_path(patient: &mut Patient<'_>, volume: u32, folder: &str) -> Option<String> {
    let table = patient.disk().table().clone();
    (1..=table.partitions.len().max(1))
        .map(|number| format!("multi(0)disk(0)rdisk(0)partition({number}){folder}"))
        .find(|path| ArcPath::parse(path).and_then(|path| path.volume(&table)) == Some(volume))
}

pub(crate) fn damaged(patient: &mut Patient<'_>) -> Look {
    let windows = patient.windows()?;
    let Some((volume, path)) = windows.boot.file.clone() else { return Ok(Vec::new()) };
    let (found, repair) = match windows.boot.kind {
        BootKind::BootIni => {
            let Some((_, _, bytes)) = patient.boot_ini()? else { return Ok(Vec::new()) };
            let Err(error) = BootIni::parse(&bytes) else { return Ok(Vec::new()) };
            let windows = patient.windows()?;
            let repair = match new_boot_ini(patient, &windows) {
                Repair::Safe { what, cure } => {
                    let price = "what the old one held is lost".to_owned();
                    Repair::Asked { what, price, cure }
                }
                other => other,
            };
            (error.to_string(), repair)
        }
        _ => {
            let read = patient.store().and_then(|store| {
                let read = store.map(bcd::objects).transpose();
                read.map_err(|source| BakeError::Bcd { object: path.clone(), source })
            });
            let Err(error) = read else { return Ok(Vec::new()) };
            let file = HiveFile { volume, path: path.clone() };
            let is_store = |bytes: &[u8]| {
                Hive::open(bytes.to_vec()).is_ok_and(|store| bcd::objects(&store).is_ok())
            };
            let readable = patient
                .disk()
                .plan_rewrite(&file, Rewrite::Repair, 0)
                .is_ok_and(|plan| plan.after.is_some_and(|after| is_store(&after)));
            let repair = if readable {
                Repair::asked(
                    "write the store anew with what can be read of it",
                    "objects and elements that the damage hides are lost",
                    vec![Step::RewriteHive { file, why: Rewrite::Repair }],
                )
            } else {
                new_store(patient, &windows, Some(&(volume, path.clone())))
            };
            (with_causes(&error), repair)
        }
    };
    Ok(vec![Finding {
        rule: "boot-config-damaged",
        severity: Severity::Stops,
        object: format!("{path} of volume {volume}"),
        found,
        expected: "a boot configuration that can be read".to_owned(),
        repair,
    }])
}

/// The default entry has to be there.
pub(crate) fn no_default(patient: &mut Patient<'_>) -> Look {
    let windows = patient.windows()?;
    let rule = "boot-default-missing";
    if let Some((_, path, bytes)) = patient.boot_ini()? {
        let Ok(ini) = BootIni::parse(&bytes) else { return Ok(Vec::new()) };
        let Some(default) = ini.default_path() else { return Ok(Vec::new()) };
        let entries = ini.entries();
        if entries.iter().any(|entry| entry.path.eq_ignore_ascii_case(&default)) {
            return Ok(Vec::new());
        }
        let table = patient.disk().table().clone();
        let is_ours = |path: &str| starts(&table, path, &windows);
        let entry = entries.iter().position(|entry| is_ours(&entry.path));
        let repair = match entry {
            Some(entry) => Repair::safe(
                format!("make entry {} the default", entry + 1),
                vec![Step::BootIniSetDefault { entry }],
            ),
            None => Repair::advice("winkiln bootini default IMAGE N"),
        };
        return Ok(vec![Finding {
            rule,
            severity: Severity::Hinders,
            object: format!("default= of {path}"),
            found: format!("{default}, which no entry has"),
            expected: "the path of an entry".to_owned(),
            repair,
        }]);
    }
    let failed = |source| BakeError::Bcd { object: "store".to_owned(), source };
    let Ok(Some(store)) = patient.store() else { return Ok(Vec::new()) };
    let loaders = bcd::windows_loaders(store).map_err(failed)?;
    let named = bcd::element(store, "{bootmgr}", "default").ok().flatten();
    let guid = match named.as_ref().map(|element| &element.value) {
        Some(ElementValue::Object(guid)) => Some(guid.clone()),
        _ => None,
    };
    if guid.as_ref().is_some_and(|guid| bcd::find_object(store, guid).is_ok()) {
        return Ok(Vec::new());
    }
    let repair = match loaders.first() {
        Some(loader) => Repair::safe(
            format!("make {loader} the default"),
            vec![Step::BcdSet {
                object: "{bootmgr}".to_owned(),
                element: "default".to_owned(),
                value: loader.clone(),
            }],
        ),
        // A store without a loader of Windows starts none.
        None => new_store(patient, &windows, windows.boot.file.as_ref()),
    };
    Ok(vec![Finding {
        rule,
        severity: Severity::Stops,
        object: "default of {bootmgr}".to_owned(),
        found: guid
            .map_or_else(|| "nothing".to_owned(), |guid| format!("{guid}, which is no object")),
        expected: "a loader of the store".to_owned(),
        repair,
    }])
}

fn starts(table: &winkiln_disk::partition::PartitionTable, path: &str, windows: &Windows) -> bool {
    ArcPath::parse(path).is_some_and(|path| {
        path.volume(table) == Some(windows.volume)
            && path.folder.eq_ignore_ascii_case(&windows.system_root)
    })
}

/// The default entry has to lead to a Windows.
pub(crate) fn elsewhere(patient: &mut Patient<'_>) -> Look {
    match patient.windows()?.boot.kind {
        BootKind::BootIni => boot_ini_elsewhere(patient),
        BootKind::Bcd => store_elsewhere(patient),
        BootKind::Missing => Ok(Vec::new()),
    }
}

const ELSEWHERE: &str = "boot-entry-elsewhere";

fn boot_ini_elsewhere(patient: &mut Patient<'_>) -> Look {
    let windows = patient.windows()?;
    let Some((volume, file, bytes)) = patient.boot_ini()? else { return Ok(Vec::new()) };
    let Ok(ini) = BootIni::parse(&bytes) else { return Ok(Vec::new()) };
    let table = patient.disk().table().clone();
    let mut findings = Vec::new();
    for (number, entry) in ini.entries().into_iter().enumerate() {
        let is_default = number == ini.default_entry();
        let place = ArcPath::parse(&entry.path);
        // Other entries may be for disks that are not here.
        let is_told = is_default || place.as_ref().is_some_and(|path| path.is_on(&table));
        if !entry.is_windows() || !is_told {
            continue;
        }
        let kernel = place.and_then(|path| {
            Some((path.volume(&table)?, format!(r"{}\System32\ntoskrnl.exe", path.folder)))
        });
        if kernel.is_some_and(|(volume, kernel)| patient.disk().has_file(volume, &kernel)) {
            continue;
        }
        let repair = match arc_path(patient, windows.volume, &windows.system_root) {
            Some(path) if is_default => {
                let contents = Contents::Bytes(replaced(&bytes, &entry.path, &path));
                let put = Step::PutFile { path: file.clone(), contents, parents: false };
                Repair::safe(
                    format!("make it {path}"),
                    vec![Step::OnVolume { volume, step: Box::new(put) }],
                )
            }
            _ if is_default => Repair::advice("write the path of the Windows into it"),
            _ => Repair::advice("nothing to do unless somebody chooses it in the menu"),
        };
        let which =
            if is_default { "default entry".to_owned() } else { format!("entry {}", number + 1) };
        findings.push(Finding {
            rule: ELSEWHERE,
            severity: if is_default { Severity::Stops } else { Severity::Note },
            object: format!("{which} of {file}"),
            found: format!("{}, where this disk has no Windows", entry.path),
            expected: format!("{} of volume {}", windows.system_root, windows.volume),
            repair,
        });
    }
    Ok(findings)
}

/// The text with one path in the place of another, wherever it stands at the start of a line or after `=`.
fn replaced(text: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let ends =
            |byte: Option<&u8>| byte.is_none_or(|byte| *byte == b'=' || byte.is_ascii_whitespace());
        let is_it = rest.get(..from.len()).is_some_and(|head| {
            head.eq_ignore_ascii_case(from.as_bytes())
                && ends(rest.get(from.len()))
                && ends(at.checked_sub(1).and_then(|before| text.get(before)))
        });
        if is_it {
            out.extend_from_slice(to.as_bytes());
            at += from.len();
        } else {
            out.extend(rest.first());
            at += 1;
        }
    }
    out
}

/// Devices of the store that name no partition of this disk, as after a clone got another signature; and a default entry that names
/// one without a Windows. Of other entries only those count of which it can be told what they meant: the rest may be for a disk
/// that is not here.
fn store_elsewhere(patient: &mut Patient<'_>) -> Look {
    let windows = patient.windows()?;
    let Ok(dangling) = patient.dangling() else { return Ok(Vec::new()) };
    let mut started = Vec::new();
    for name in ["{bootmgr}", "{default}"] {
        started.extend(patient.guid(name)?);
    }
    let mut findings = Vec::new();
    for Retargeted { object, before, after } in dangling {
        let is_started = started.contains(&object);
        if !is_started && after.is_none() {
            continue;
        }
        let text = before.to_text();
        let (expected, repair) = match after.map(|after| after.to_text()) {
            Some(value) => {
                let step = Step::BcdSet {
                    object: object.clone(),
                    element: before.name.clone(),
                    value: value.clone(),
                };
                (value.clone(), Repair::safe(format!("make it {value}"), vec![step]))
            }
            None => (
                "a partition of this disk".to_owned(),
                Repair::advice(format!(
                    "winkiln bcd set IMAGE {object} {} partition=N",
                    before.name
                )),
            ),
        };
        findings.push(Finding {
            rule: ELSEWHERE,
            severity: if is_started { Severity::Stops } else { Severity::Hinders },
            object: format!("{} of {object}", before.name),
            found: format!("{text}, which is no partition of this disk"),
            expected,
            repair,
        });
    }
    let table = patient.disk().table().clone();
    let device = patient.element("{default}", "osdevice").ok().flatten();
    let named = match device.map(|element| element.value) {
        Some(ElementValue::Device(device)) => {
            device.partition().and_then(|partition| named_volume(&table, partition))
        }
        _ => None,
    };
    if let Some(volume) = named.filter(|volume| *volume != windows.volume)
        && !has_kernel(patient, volume)
    {
        let value = format!("partition={}", windows.volume);
        let steps = ["device", "osdevice"].map(|element| Step::BcdSet {
            object: "{default}".to_owned(),
            element: element.to_owned(),
            value: value.clone(),
        });
        findings.push(Finding {
            rule: ELSEWHERE,
            severity: Severity::Stops,
            object: "osdevice of {default}".to_owned(),
            found: format!("volume {volume}, which has no Windows"),
            expected: format!("volume {}", windows.volume),
            repair: Repair::safe(format!("make it {value}"), steps.to_vec()),
        });
    }
    Ok(findings)
}

fn has_kernel(patient: &mut Patient<'_>, volume: u32) -> bool {
    let folder = match patient.element("{default}", "systemroot") {
        Ok(Some(element)) => element.to_text(),
        _ => r"\Windows".to_owned(),
    };
    patient.disk().has_file(volume, &format!(r"{folder}\System32\ntoskrnl.exe"))
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn paths_are_replaced_where_they_stand_alone() {
        let (from, to) = (r"multi(0)partition(2)\W", r"multi(0)partition(1)\W");
        let text = b"default=MULTI(0)partition(2)\\W\r\nmulti(0)partition(2)\\W=\"x\"\r\nmulti(0)partition(2)\\WINNT=\"y\"";
        let out = String::from_utf8(replaced(text, from, to)).unwrap();
        assert_eq!(
            out,
            "default=multi(0)partition(1)\\W\r\nmulti(0)partition(1)\\W=\"x\"\r\nmulti(0)partition(2)\\WINNT=\"y\""
        );
    }
}
