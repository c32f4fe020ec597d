//! A disk with its partitions and the volumes opened on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use winkiln_disk::partition::{Partition, PartitionKind, PartitionTable, read_table};
use winkiln_disk::{Device, DeviceError, Window};
use winkiln_hive::Hive;
use winkiln_volume::{
    Filesystem, Identity, OpenOptions, Remedied, Remedies, Volume, identify, remedy,
};

use crate::hive_logs::{self, LoadedHive, RecoveredHive};
use crate::{GuestError, HiveFile, Windows, installation};

/// One volume of the disk. Its number is the partition's.
#[derive(Debug, Clone)]
pub struct DiskVolume {
    /// As `inspect` shows and `--volume` takes: the partition's number.
    pub number: u32,
    /// Where it lies.
    pub partition: Partition,
    /// What it holds.
    pub identity: Identity,
}

impl DiskVolume {
    /// True when files can be read from it.
    #[must_use]
    pub fn holds_files(&self) -> bool {
        let filesystem = self.identity.filesystem;
        use Filesystem::{Fat12, Fat16, Fat32, Ntfs};
        matches!(filesystem, Ntfs | Fat12 | Fat16 | Fat32)
    }

    /// True for the active partition of an MBR disk.
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(self.partition.kind, PartitionKind::Mbr { active: true, .. })
    }
}

/// A volume that was used.
struct OpenVolume {
    volume: Volume,
    writable: bool,
}

/// A disk: partition table, volumes; volumes are opened when first used and stay open.
pub struct Disk {
    device: Arc<dyn Device>,
    table: PartitionTable,
    volumes: Vec<DiskVolume>,
    open: BTreeMap<u32, OpenVolume>,
    writable: bool,
    /// What was asked to be done to volumes that are not clean.
    remedies: Remedies,
    now: u64,
    /// The last answer of [`Disk::find_windows`], while nothing can have changed.
    found: Option<Vec<Windows>>,
    /// Hives read to describe installations, for [`crate::Registry`] to take over.
    hives: BTreeMap<(u32, String), LoadedHive>,
}

impl Disk {
    /// Reads the partition table and identifies each volume. `now` (100 ns ticks since 1601 UTC) is stamped on edits.
    /// With `writable`, volumes are opened for writing when [`Disk::volume_mut`] asks, and refused then if unsafe.
    ///
    /// A partition that passes the end of the disk, or cannot be read, is a volume with that reason.
    ///
    /// # Errors
    /// When the partition table cannot be read.
    pub fn open(device: Arc<dyn Device>, writable: bool, now: u64) -> Result<Self, GuestError> {
        let table = read_table(&*device)?;
        let volumes = table
            .partitions
            .iter()
            .map(|partition| DiskVolume {
                number: partition.number,
                identity: identity(&device, partition),
                partition: partition.clone(),
            })
            .collect();
        Ok(Self {
            device,
            table,
            volumes,
            open: BTreeMap::new(),
            writable,
            remedies: Remedies::default(),
            now,
            found: None,
            hives: BTreeMap::new(),
        })
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> &Arc<dyn Device> {
        &self.device
    }

    /// The partition table.
    #[must_use]
    pub fn table(&self) -> &PartitionTable {
        &self.table
    }

    /// All volumes, unreadable ones too.
    #[must_use]
    pub fn volumes(&self) -> &[DiskVolume] {
        &self.volumes
    }

    /// The part of the disk that a volume is.
    ///
    /// # Errors
    /// [`GuestError::NoVolume`], [`GuestError::PastTheEnd`].
    pub fn window(&self, number: u32) -> Result<Arc<dyn Device>, GuestError> {
        let partition = &self.entry(number)?.partition;
        let window = Window::new(self.device.clone(), partition.start, partition.length)
            .map_err(|source| GuestError::PastTheEnd { number, source })?;
        Ok(Arc::new(window))
    }

    /// An open volume, for reading.
    ///
    /// # Errors
    /// When there is no such volume or it does not open.
    pub fn volume(&mut self, number: u32) -> Result<&Volume, GuestError> {
        Ok(&self.opened(number, false)?.volume)
    }

    /// An open volume, for writing.
    ///
    /// # Errors
    /// When there is no such volume, it does not open, or it is not safe to write to.
    pub fn volume_mut(&mut self, number: u32) -> Result<&mut Volume, GuestError> {
        if !self.writable {
            self.entry(number)?;
            return Err(GuestError::ReadOnly { number });
        }
        self.found = None;
        self.hives.retain(|(volume, _), _| *volume != number);
        Ok(&mut self.opened(number, true)?.volume)
    }

    /// Does to every volume (or to one) what `remedies` allow and its state calls for, and says what was done to which. Before
    /// anything is read from the volumes; they are opened for writing as the remedies say afterwards.
    ///
    /// # Errors
    /// When the disk is open for reading only, there is no such volume, or a remedy fails; the transaction below must then be
    /// dropped.
    pub fn remedy(
        &mut self,
        only: Option<u32>,
        remedies: Remedies,
    ) -> Result<Vec<(u32, Remedied)>, GuestError> {
        let mut done = Vec::new();
        if remedies == Remedies::default() {
            return Ok(done);
        }
        let wanted = |volume: &&DiskVolume| only.is_none_or(|only| only == volume.number);
        let unclean = |volume: &&DiskVolume| !volume.identity.clean && volume.holds_files();
        let numbers: Vec<u32> = self
            .volumes
            .iter()
            .filter(wanted)
            .filter(unclean)
            .map(|volume| volume.number)
            .collect();
        for number in numbers {
            if !self.writable {
                return Err(GuestError::ReadOnly { number });
            }
            let of_volume = remedy(self.window(number)?, remedies, self.now)
                .map_err(|source| GuestError::Volume { number, source })?;
            if of_volume.is_empty() {
                continue;
            }
            done.extend(of_volume.into_iter().map(|what| (number, what)));
            self.look_again(number);
        }
        self.remedies = remedies;
        Ok(done)
    }

    /// Volumes that were opened for writing.
    pub fn written_to(&self) -> impl Iterator<Item = &DiskVolume> {
        self.volumes
            .iter()
            .filter(|volume| self.open.get(&volume.number).is_some_and(|open| open.writable))
    }

    /// Every Windows installation on the disk, by boot configuration and by folders, the default one first.
    ///
    /// A volume that cannot be read is passed over: [`Disk::volumes`] says why.
    ///
    /// # Errors
    /// None today; the result leaves room for a device that fails.
    pub fn find_windows(&mut self) -> Result<Vec<Windows>, GuestError> {
        if let Some(found) = &self.found {
            return Ok(found.clone());
        }
        let found = installation::find(self);
        self.found = Some(found.clone());
        Ok(found)
    }

    /// Why [`Disk::find_windows`] found nothing: there is none, or it may be on a volume that cannot be read.
    #[must_use]
    pub fn no_windows(&mut self) -> GuestError {
        let suspects: Vec<(u32, Identity)> = self
            .volumes
            .iter()
            .map(|volume| (volume.number, volume.identity.clone()))
            .filter(|(_, identity)| {
                identity.filesystem != Filesystem::Unknown || !identity.reasons.is_empty()
            })
            .collect();
        let unread: Vec<String> = suspects
            .into_iter()
            .filter(|(number, _)| self.volume(*number).is_err())
            .map(|(number, Identity { filesystem, reasons, .. })| {
                format!("{number} ({filesystem:?}: {})", reasons.join(", "))
            })
            .collect();
        if unread.is_empty() {
            GuestError::NoWindows
        } else {
            GuestError::NoReadableWindows { unread: unread.join("; ") }
        }
    }

    /// Picks a volume for file commands as `--volume` documents: the one asked for; else the Windows volume; else the
    /// only NTFS or FAT volume.
    ///
    /// # Errors
    /// [`GuestError::NoVolume`], [`GuestError::AmbiguousVolume`], [`GuestError::NoFileVolume`].
    pub fn pick_volume(&mut self, asked: Option<u32>) -> Result<u32, GuestError> {
        if let Some(number) = asked {
            return self.entry(number).map(|volume| volume.number);
        }
        let mut with_windows: Vec<u32> =
            installation::folders(self).into_iter().map(|(volume, _)| volume).collect();
        with_windows.dedup();
        match with_windows.as_slice() {
            [number] => return Ok(*number),
            [] => {}
            _ => {
                if let Some(windows) = self.find_windows()?.first() {
                    return Ok(windows.volume);
                }
            }
        }
        let candidates: Vec<u32> = self
            .volumes
            .iter()
            .filter(|volume| volume.holds_files())
            .map(|volume| volume.number)
            .collect();
        match candidates.as_slice() {
            [number] => Ok(*number),
            [] => Err(GuestError::NoFileVolume { available: self.available() }),
            _ => Err(GuestError::AmbiguousVolume { available: self.available() }),
        }
    }

    /// Flushes every volume opened for writing to the device.
    ///
    /// # Errors
    /// When a volume cannot be flushed; the transaction below must then be dropped.
    pub fn flush(&mut self) -> Result<(), GuestError> {
        for (number, open) in &mut self.open {
            if open.writable {
                let number = *number;
                open.volume.flush().map_err(|source| GuestError::Volume { number, source })?;
            }
        }
        Ok(())
    }

    /// Reads a hive from its file; one that was not closed properly is recovered from its logs, in memory.
    ///
    /// # Errors
    /// [`GuestError::DirtyHive`] for one that was not closed properly, and has logs that are of no use or is damaged,
    /// [`GuestError::HiveRecovery`] and [`GuestError::DamagedAfterRecovery`] where logs and hive do not fit together,
    /// [`GuestError::Hive`] for a damaged one.
    pub(crate) fn read_hive(&mut self, number: u32, path: &str) -> Result<LoadedHive, GuestError> {
        if let Some(hive) = self.hives.remove(&(number, path.to_lowercase())) {
            return Ok(hive);
        }
        let file = HiveFile { volume: number, path: path.to_owned() };
        hive_logs::load(self.volume(number)?, &file)
    }

    /// Tells whether a hive can be opened, and what was done to open one that was not closed properly.
    ///
    /// # Errors
    /// When the hive cannot be opened: damage, or logs that do not lead to a hive.
    pub fn open_hive(&mut self, of: u32, path: &str) -> Result<Option<RecoveredHive>, GuestError> {
        let hive = self.read_hive(of, path)?;
        let recovered = hive.recovered.clone();
        self.keep_hive(of, path, hive);
        Ok(recovered)
    }

    /// Reads a hive that was not closed properly, without its logs: for showing, never for editing.
    pub(crate) fn read_dirty_hive(&mut self, number: u32, path: &str) -> Option<Hive> {
        hive_logs::load_unrecovered(self.volume(number).ok()?, path)
    }

    /// Keeps a sound hive that was only read, for the next [`Disk::read_hive`].
    pub(crate) fn keep_hive(&mut self, number: u32, path: &str, hive: LoadedHive) {
        self.hives.insert((number, path.to_lowercase()), hive);
    }

    /// Looks again at what a volume holds, after something changed it from below.
    pub fn look_again(&mut self, number: u32) {
        self.open.remove(&number);
        self.hives.retain(|(volume, _), _| *volume != number);
        self.found = None;
        let device = self.device.clone();
        for volume in self.volumes.iter_mut().filter(|volume| volume.number == number) {
            volume.identity = identity(&device, &volume.partition);
        }
    }

    /// The volumes there are, for messages.
    pub(crate) fn available(&self) -> String {
        if self.volumes.is_empty() {
            return "none".into();
        }
        let texts: Vec<String> = self
            .volumes
            .iter()
            .map(|volume| format!("{} ({:?})", volume.number, volume.identity.filesystem))
            .collect();
        texts.join(", ")
    }

    fn entry(&self, number: u32) -> Result<&DiskVolume, GuestError> {
        self.volumes
            .iter()
            .find(|volume| volume.number == number)
            .ok_or_else(|| GuestError::NoVolume { number, available: self.available() })
    }

    fn opened(&mut self, number: u32, writable: bool) -> Result<&mut OpenVolume, GuestError> {
        let usable = self.open.get(&number).is_some_and(|open| open.writable || !writable);
        if !usable {
            let allow_dirty = self.remedies.tolerates_dirty();
            let options = OpenOptions { writable, allow_dirty, now: self.now };
            let volume = Volume::open(self.window(number)?, options)
                .map_err(|source| GuestError::Volume { number, source })?;
            self.open.insert(number, OpenVolume { volume, writable });
        }
        // Present by now; an entry that is not would be asked for again with the same error.
        self.open
            .get_mut(&number)
            .ok_or_else(|| GuestError::NoVolume { number, available: String::new() })
    }
}

/// What a partition holds; that it lies past the end of the disk or cannot be read is a reason, not an error.
fn identity(device: &Arc<dyn Device>, partition: &Partition) -> Identity {
    let unknown = |reason: String| Identity {
        filesystem: Filesystem::Unknown,
        label: String::new(),
        serial: 0,
        cluster_size: 0,
        free_bytes: None,
        clean: false,
        reasons: vec![reason],
        details: Vec::new(),
    };
    let identified = Window::new(device.clone(), partition.start, partition.length)
        .and_then(|window| identify(&(Arc::new(window) as Arc<dyn Device>)));
    match identified {
        Ok(identity) => identity,
        Err(DeviceError::OutOfRange { .. }) => unknown("past-the-end-of-the-disk".into()),
        Err(error) => unknown(format!("unreadable: {error}")),
    }
}
