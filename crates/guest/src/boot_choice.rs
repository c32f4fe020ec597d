//! Which boot configuration starts an installation.

use winkiln_disk::partition::{PartitionTable, TableKind};

use crate::boot_files::{BootFile, Entry};
use crate::{Boot, BootKind, Firmware, Windows};

/// Fills in how `windows` boots; true when it is the default entry of its boot configuration.
///
/// The firmware found so far is what the installation remembers of its last start.
pub(crate) fn choose(table: &PartitionTable, files: &[BootFile], windows: &mut Windows) -> bool {
    let (volume, folder) = (windows.volume, windows.system_root.clone());
    let starts = |entry: &Entry| entry.starts(volume, &folder);
    let fits = |file: &&BootFile| match (windows.version.0, file.kind) {
        (0, _) => true,
        (5, kind) => kind == BootKind::BootIni,
        (_, kind) => kind == BootKind::Bcd,
    };
    let remembered = windows.boot.firmware;
    let usual = match (remembered, table.kind) {
        (Firmware::Unknown, TableKind::Gpt) => Firmware::Uefi,
        (Firmware::Unknown, _) => Firmware::Bios,
        (remembered, _) => remembered,
    };
    let best = files.iter().filter(fits).max_by_key(|file| {
        let named = file.entries.iter().any(&starts);
        // The first of equals: `max_by_key` takes the last.
        (named, file.firmware == usual, file.is_bootable, std::cmp::Reverse(place(files, file)))
    });
    for file in files {
        windows.warnings.extend(file.recovered.as_ref().map(ToString::to_string));
        if let Some(warning) = &file.warning {
            let BootFile { volume, path, .. } = file;
            windows.warnings.push(format!("{path} on volume {volume}: {warning}"));
        }
    }
    let Some(file) = best else {
        windows.boot = Boot {
            kind: BootKind::Missing,
            // No BIOS that Windows starts from knows this table.
            firmware: if table.kind == TableKind::Gpt { usual } else { remembered },
            file: None,
            testsigning: None,
            entries: Vec::new(),
        };
        let looked = match windows.version.0 {
            0 => "no boot.ini and no BCD store",
            5 => "no boot.ini",
            _ => "no BCD store",
        };
        windows.warnings.push(format!("{looked} was found on any volume"));
        return false;
    };
    let named = file.entries.iter().find(|entry| starts(entry));
    if named.is_none() && file.warning.is_none() {
        windows.warnings.push(format!(
            "no entry of {} on volume {} names {} of volume {} on this disk",
            file.path, file.volume, windows.system_root, windows.volume
        ));
    }
    let is_default = file.entries.iter().any(|entry| entry.is_default && starts(entry));
    windows.boot = Boot {
        kind: file.kind,
        firmware: file.firmware,
        file: Some((file.volume, file.path.to_owned())),
        testsigning: file.testsigning,
        entries: file
            .entries
            .iter()
            .map(|entry| (entry.description.clone(), entry.is_default))
            .collect(),
    };
    is_default
}

fn place(files: &[BootFile], file: &BootFile) -> usize {
    files.iter().position(|other| std::ptr::eq(other, file)).unwrap_or(files.len())
}
