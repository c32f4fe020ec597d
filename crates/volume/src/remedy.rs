//! What makes a volume writable that Windows did not put away.

use std::sync::Arc;

use winkiln_disk::Device;
use winkiln_ntfs::{FileTime, Remedied, Remedies};

use crate::error::VolumeError;
use crate::identify::{Filesystem, recognise};

/// Does what `remedies` allow and the volume's state calls for, and writes it to `device`. Only NTFS has a log and is hibernated;
/// other filesystems are left alone. `now`: 100 ns ticks since 1601-01-01 UTC.
///
/// Open the volume afterwards. After an error the device holds half of it and must be discarded.
///
/// # Errors
/// As [`winkiln_ntfs::remedy::apply`].
pub fn remedy(
    device: Arc<dyn Device>,
    remedies: Remedies,
    now: u64,
) -> Result<Vec<Remedied>, VolumeError> {
    if recognise(&*device)? != Filesystem::Ntfs {
        return Ok(Vec::new());
    }
    Ok(winkiln_ntfs::remedy::apply(device, remedies, FileTime(now))?)
}
