//! Another copy of a system file that the guest keeps itself.

use winkiln_bake::BakeError;
use winkiln_guest::{Architecture, Windows};
use winkiln_trust::pe::Image;

use crate::patient::Patient;

/// Bytes of a driver's file that are read.
const FILE_MAX: u64 = 64 << 20;
/// Folders of the driver store and of the component store that are looked into.
const FOLDERS_MAX: usize = 20_000;

/// A copy of a driver that fits the guest's processor, with the path it was found at: in the driver store, or where Windows XP keeps
/// copies of its own files.
pub(crate) fn of_driver(
    patient: &mut Patient<'_>,
    file: &str,
) -> Result<Option<(String, Vec<u8>)>, BakeError> {
    let windows = patient.windows()?;
    let Some(name) = file.rsplit('\\').next() else { return Ok(None) };
    let root = &windows.system_root;
    let mut places = vec![
        format!(r"{root}\System32\dllcache\{name}"),
        format!(r"{root}\ServicePackFiles\i386\{name}"),
    ];
    let folders = match patient.store_folders.take() {
        Some(known) => known,
        None => store_folders(patient, &windows)?,
    };
    places.extend(folders.iter().map(|folder| format!(r"{folder}\{name}")));
    patient.store_folders = Some(folders);
    for place in places {
        if place.eq_ignore_ascii_case(file) || !patient.disk().has_file(windows.volume, &place) {
            continue;
        }
        let Ok(bytes) = patient.disk().volume(windows.volume)?.read(&place, FILE_MAX) else {
            continue;
        };
        if is_for(&bytes, windows.architecture) {
            return Ok(Some((place, bytes)));
        }
    }
    Ok(None)
}

/// The folders of the driver store; none where it cannot be read.
fn store_folders(patient: &mut Patient<'_>, windows: &Windows) -> Result<Vec<String>, BakeError> {
    let store = format!(r"{}\System32\DriverStore\FileRepository", windows.system_root);
    let Ok(entries) = patient.disk().volume(windows.volume)?.read_directory(&store) else {
        return Ok(Vec::new());
    };
    let folders = entries.into_iter().filter(|entry| entry.is_directory).take(FOLDERS_MAX);
    Ok(folders.map(|entry| format!(r"{store}\{}", entry.name)).collect())
}

/// True for a program for this processor.
fn is_for(bytes: &[u8], architecture: Architecture) -> bool {
    Image::parse(bytes).is_ok_and(|program| architecture.machine() == Some(program.machine))
}
