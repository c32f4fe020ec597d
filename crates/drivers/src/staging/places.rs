//! Folders of the guest.

use super::Guest;
use crate::inf::{Folder, Text};

/// Where things are in the guest.
pub(crate) struct Places<'a> {
    guest: &'a Guest,
    store_name: String,
}

impl<'a> Places<'a> {
    pub(crate) fn new(guest: &'a Guest, store_name: &str) -> Self {
        Self { guest, store_name: store_name.to_owned() }
    }

    /// A path below the Windows folder, on its volume.
    pub(crate) fn windows(&self, below: &str) -> String {
        join(&self.guest.system_root, below)
    }

    /// The package's folder in the driver store, below the Windows folder.
    pub(crate) fn store_below_windows(&self) -> String {
        format!(r"System32\DriverStore\FileRepository\{}", self.store_name)
    }

    /// The folder that user-mode PnP of Windows 7 and earlier is told to look into, below the Windows folder.
    pub(crate) fn devices_below_windows(&self) -> String {
        format!(r"winkiln\{}", self.store_name)
    }

    /// A folder as a path on the volume of Windows; `None`: only the running guest knows.
    pub(crate) fn folder(&self, folder: Folder) -> Option<String> {
        if folder == Folder::DRIVER_STORE {
            return Some(self.windows(&self.store_below_windows()));
        }
        if let Some(below) = folder.below_windows() {
            return Some(self.windows(below));
        }
        folder.below_drive().filter(|_| !self.guest.is_nt5()).map(|below| join("", below))
    }

    /// A text with its folders as the guest calls them; `Err` with the one that only the running guest knows.
    pub(crate) fn expand(&self, text: &Text) -> Result<String, i32> {
        text.expand(|dirid| self.named(Folder(dirid)))
    }

    /// A folder as the guest calls it: `C:\Windows\System32`.
    fn named(&self, folder: Folder) -> Option<String> {
        let root = &self.guest.system_root_path;
        if folder == Folder::DRIVER_STORE {
            return Some(join(root, &self.store_below_windows()));
        }
        if let Some(below) = folder.below_windows() {
            return Some(join(root, below));
        }
        let drive = root.split('\\').next().unwrap_or_default();
        folder.below_drive().filter(|_| !self.guest.is_nt5()).map(|below| join(drive, below))
    }
}

/// A path below another; empty for that one itself.
pub(crate) fn join(folder: &str, below: &str) -> String {
    let (folder, below) = (folder.trim_end_matches('\\'), below.trim_matches('\\'));
    if below.is_empty() { folder.to_owned() } else { format!("{folder}\\{below}") }
}
