//! FAT12, FAT16 and FAT32 volumes, read and changed.
//!
//! Nothing is left half done in memory and nothing is cached but the last file's chain: every operation reads what it needs and has
//! written all of it when it returns, except FAT32's count of free clusters, which [`FatVolume::flush`] writes. An operation that
//! fails half-way leaves the device to be discarded.
//!
//! Source: Microsoft, "FAT32 File System Specification" 1.03; judged by `fsck.fat` and `mtools`.

mod boot_sector;
mod check;
mod create;
mod directory;
mod error;
mod file;
mod fresh;
mod fs_info;
mod name;
mod short_name;
mod table;
mod time;

use std::sync::{Arc, Mutex};

use crate::OpenOptions;
use winkiln_disk::Device;

pub(crate) use create::Removed;
pub use error::FatError;

pub(crate) use boot_sector::{Geometry, Width};
use directory::{ATTRIBUTE_DIRECTORY, Node, Place};
use time::Stamp;

/// An open FAT volume.
pub(crate) struct FatVolume {
    device: Arc<dyn Device>,
    geometry: Geometry,
    writable: bool,
    now: Stamp,
    /// Clusters freed less clusters taken since the count on the volume was written.
    freed: i64,
    /// The tables lie where they lay when the transaction below began.
    original: bool,
    /// The chain of the file used last, by its first cluster, as long as the table does not change.
    recent: Mutex<Option<(u32, Arc<Vec<u32>>)>>,
}

/// What a file or folder is, as its entry says. Times are ticks.
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) short_name: Option<String>,
    pub(crate) is_directory: bool,
    pub(crate) size: u64,
    pub(crate) allocated: u64,
    pub(crate) attributes: u32,
    pub(crate) created: u64,
    pub(crate) modified: u64,
    pub(crate) accessed: u64,
}

/// What stands at a path.
enum Found {
    Root,
    Entry { parent: Place, node: Node },
}

impl FatVolume {
    /// Opens a volume. For reading, a volume in any state; for writing, a clean one, or one whose dirty flag is put up with.
    pub(crate) fn open(device: Arc<dyn Device>, options: OpenOptions) -> Result<Self, FatError> {
        let OpenOptions { writable, allow_dirty, now } = options;
        let mut boot = [0; 512];
        device.read_at(0, &mut boot)?;
        let geometry = Geometry::read(&boot)?;
        if geometry.length > device.len() {
            return Err(FatError::LargerThanPartition {
                volume: geometry.length,
                partition: device.len(),
            });
        }
        let original = writable && fresh::tables_are_original(&*device, &boot)?;
        let now = Stamp::from_ticks(now);
        let recent = Mutex::default();
        let volume = Self { device, geometry, writable, now, freed: 0, original, recent };
        let reasons = volume.reasons()?;
        // There is no other reason than the flag.
        if writable && !allow_dirty && !reasons.is_empty() {
            return Err(FatError::NotClean { reasons });
        }
        Ok(volume)
    }

    pub(crate) fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Why the volume may not be written: `dirty`.
    pub(crate) fn reasons(&self) -> Result<Vec<String>, FatError> {
        let dirty = self.geometry.dirty || self.table_is_dirty()?;
        Ok(if dirty { vec!["dirty".to_owned()] } else { Vec::new() })
    }

    /// The label: the root folder's, else the boot sector's.
    pub(crate) fn label(&self) -> Result<String, FatError> {
        let label = self.directory(self.root())?.label().or(self.geometry.label);
        let text =
            label.map(|label| {
                label
                    .iter()
                    .map(|byte| {
                        if byte.is_ascii() {
                            char::from(*byte)
                        } else {
                            char::REPLACEMENT_CHARACTER
                        }
                    })
                    .collect::<String>()
            });
        let text = text.unwrap_or_default().trim_end().to_owned();
        Ok(if text == "NO NAME" { String::new() } else { text })
    }

    /// Free bytes.
    pub(crate) fn free_bytes(&self) -> Result<u64, FatError> {
        Ok(u64::from(self.free_clusters()?) * u64::from(self.geometry.cluster))
    }

    /// What stands at a path, `None` when nothing does.
    pub(crate) fn facts(&self, path: &[String]) -> Result<Option<Facts>, FatError> {
        match self.find(path)? {
            None => Ok(None),
            Some(Found::Entry { node, .. }) => self.node_facts(&node, true).map(Some),
            Some(Found::Root) => Ok(Some(Facts {
                name: String::new(),
                short_name: None,
                is_directory: true,
                size: 0,
                allocated: 0,
                attributes: u32::from(ATTRIBUTE_DIRECTORY),
                created: 0,
                modified: 0,
                accessed: 0,
            })),
        }
    }

    /// Entries of the folder at a path; `None` when there is no folder.
    pub(crate) fn entries(&self, path: &[String]) -> Result<Option<Vec<Facts>>, FatError> {
        let Some(place) = self.find_folder(path)? else { return Ok(None) };
        let nodes = self.directory(place)?.nodes();
        nodes.iter().map(|node| self.node_facts(node, false)).collect::<Result<_, _>>().map(Some)
    }

    /// Sets the read-only, hidden, system and archive bits. False when nothing stands at the path.
    pub(crate) fn set_attributes(
        &mut self,
        path: &[String],
        attributes: u32,
    ) -> Result<bool, FatError> {
        self.check_writable()?;
        let Some(Found::Entry { mut node, .. }) = self.find(path)? else { return Ok(false) };
        const SETTABLE: u8 = 0x27;
        let asked = attributes.to_le_bytes()[0] & SETTABLE;
        node.raw[11] = node.raw[11] & !SETTABLE | asked;
        self.write_node(&node)?;
        Ok(true)
    }

    /// Writes the count of free clusters.
    pub(crate) fn flush(&mut self) -> Result<(), FatError> {
        self.write_fs_info()
    }

    fn node_facts(&self, node: &Node, with_allocation: bool) -> Result<Facts, FatError> {
        let clusters = match (with_allocation, node.is_directory()) {
            (false, _) => 0,
            (true, true) => self.directory_chain(node)?.len() as u64,
            (true, false) => u64::from(self.geometry.clusters_for(node.size())),
        };
        Ok(Facts {
            name: node.name.clone(),
            short_name: node.short_name.clone(),
            is_directory: node.is_directory(),
            size: if node.is_directory() { 0 } else { u64::from(node.size()) },
            allocated: clusters * u64::from(self.geometry.cluster),
            attributes: u32::from(node.attributes()),
            created: node.created(),
            modified: node.modified(),
            accessed: node.accessed(),
        })
    }

    fn root(&self) -> Place {
        match self.geometry.width {
            Width::Fat12 | Width::Fat16 => Place::FixedRoot,
            Width::Fat32 => Place::Chain(self.geometry.root_cluster),
        }
    }

    /// Follows a path, letters of either case; 8.3 names are found too.
    fn find(&self, path: &[String]) -> Result<Option<Found>, FatError> {
        let Some((last, folders)) = path.split_last() else { return Ok(Some(Found::Root)) };
        let Some(parent) = self.find_folder(folders)? else { return Ok(None) };
        let nodes = self.directory(parent)?.nodes();
        Ok(name::find(nodes, last).map(|node| Found::Entry { parent, node }))
    }

    fn find_folder(&self, path: &[String]) -> Result<Option<Place>, FatError> {
        let mut place = self.root();
        for component in path {
            match name::find(self.directory(place)?.nodes(), component) {
                Some(node) if node.is_directory() => place = Place::Chain(node.first_cluster()),
                _ => return Ok(None),
            }
        }
        Ok(Some(place))
    }

    /// Writes an entry back where it lies.
    fn write_node(&self, node: &Node) -> Result<(), FatError> {
        Ok(self.device.write_at(node.offset, &node.raw)?)
    }

    fn check_writable(&self) -> Result<(), FatError> {
        if self.writable { Ok(()) } else { Err(FatError::ReadOnly) }
    }
}
