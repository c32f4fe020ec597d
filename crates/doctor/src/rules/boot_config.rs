//! The boot configuration: there, readable, and naming this Windows.

use winkiln_bake::step::Contents;
use winkiln_bake::{BakeError, Step};
use winkiln_boot::bcd;
use winkiln_boot::boot_ini::{BootIni, utf16_text};
use winkiln_guest::error::with_causes;
use winkiln_guest::{ArcPath, BootKind, Firmware, HiveFile, Rewrite, Windows, system_volume};
use winkiln_hive::Hive;

use super::boot_ini_text::{Encoded, encoded};
use super::unreadable::{CHECK, unreadable};
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
    let repair = unless_safe(repair, ANOTHER, patient.is_only_windows()?);
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
pub(super) fn new_store(
    patient: &mut Patient<'_>,
    windows: &Windows,
    instead_of: Option<&(u32, String)>,
) -> Repair {
    let efi = windows.boot.firmware == Firmware::Uefi;
    let Some(number) = system_volume(patient.disk(), efi) else {
        let what = if efi { "an EFI system partition" } else { "an active partition" };
        return Repair::advice(format!(
            "make {what} the one that the firmware starts; winkiln bcd create IMAGE makes the store then"
        ));
    };
    if patient.disk().volume(number).is_err() {
        // There may be one.
        return Repair::advice(CHECK);
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
    if patient.disk().volume(volume).is_err() {
        // There may be one.
        return Repair::advice(CHECK);
    }
    let name = windows.product_name.replace(['"', '\r', '\n'], " ");
    let text = format!(
        "[boot loader]\r\ntimeout=30\r\ndefault={path}\r\n[operating systems]\r\n{path}=\"{name}\" /fastdetect\r\n"
    );
    let contents = Contents::Bytes(text.into_bytes());
    let put = Step::PutFile { path: r"\boot.ini".to_owned(), contents, parents: false };
    let step = Step::OnVolume { volume, step: Box::new(put) };
    Repair::safe(format!("write one that starts {path}"), vec![step])
}

/// The same text, as bytes that NTLDR reads.
fn as_bytes(
    patient: &mut Patient<'_>,
    volume: u32,
    path: &str,
    text: &str,
) -> Result<Repair, BakeError> {
    let Encoded { bytes, lost } = encoded(patient, text)?;
    let contents = Contents::Bytes(bytes);
    let put = Step::PutFile { path: path.to_owned(), contents, parents: false };
    let repair = Repair::safe(
        "write it as the bytes that NTLDR reads",
        vec![Step::OnVolume { volume, step: Box::new(put) }],
    );
    let price = format!(
        "{lost} letters that the guest's code page does not have, or is not known to have, become ?"
    );
    Ok(unless_safe(repair, &price, lost == 0))
}

/// A repair that is carried out unasked only when it is the one that can be meant.
pub(super) fn unless_safe(repair: Repair, price: &str, is_safe: bool) -> Repair {
    match repair {
        Repair::Safe { what, cure } if !is_safe => {
            Repair::Asked { what, price: price.to_owned(), cure }
        }
        repair => repair,
    }
}

pub(super) const ANOTHER: &str = "another Windows of the disk may be the one that is to start";

/// The ARC path by which NTLDR knows a folder of a volume of its disk.
pub(super) fn arc_path(patient: &mut Patient<'_>, volume: u32, folder: &str) -> Option<String> {
    let table = patient.disk().table().clone();
    (1..=table.partitions.len().max(1))
        .map(|number| format!("multi(0)disk(0)rdisk(0)partition({number}){folder}"))
        .find(|path| ArcPath::parse(path).and_then(|path| path.volume(&table)) == Some(volume))
}

pub(crate) fn damaged(patient: &mut Patient<'_>) -> Look {
    let windows = patient.windows()?;
    let Some((volume, path)) = windows.boot.file.clone() else { return Ok(Vec::new()) };
    let (rule, object) = ("boot-config-damaged", format!("{path} of volume {volume}"));
    if let Err(error) = patient.disk().find_file(volume, &path) {
        return Ok(vec![unreadable(rule, Severity::Stops, object, &error)]);
    }
    let (found, repair) = match windows.boot.kind {
        BootKind::BootIni => {
            let Some((_, _, bytes)) = patient.boot_ini()? else { return Ok(Vec::new()) };
            let Err(error) = BootIni::parse(&bytes) else { return Ok(Vec::new()) };
            let repair = match utf16_text(&bytes) {
                Some(text) => as_bytes(patient, volume, &path, &text)?,
                None => unless_safe(
                    new_boot_ini(patient, &windows),
                    "what the old one held is lost",
                    false,
                ),
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
        rule,
        severity: Severity::Stops,
        object,
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
        let repair = unless_safe(repair, ANOTHER, patient.is_only_windows()?);
        return Ok(vec![Finding {
            rule,
            severity: Severity::Hinders,
            object: format!("default= of {path}"),
            found: format!("{default}, which no entry has"),
            expected: "the path of an entry".to_owned(),
            repair,
        }]);
    }
    super::boot_default::missing(patient)
}

fn starts(table: &winkiln_disk::partition::PartitionTable, path: &str, windows: &Windows) -> bool {
    ArcPath::parse(path).is_some_and(|path| {
        path.volume(table) == Some(windows.volume)
            && path.folder.eq_ignore_ascii_case(&windows.system_root)
    })
}
