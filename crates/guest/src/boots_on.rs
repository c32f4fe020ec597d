//! Which disk controllers a Windows boots from, and why not from the others.
//!
//! A controller boots when each device on the way to the disk is bound to a driver before user mode runs, and each of these
//! drivers is started by the boot loader. All of that is in the SYSTEM hive and in the drivers' files.

mod binding;
mod bus;
mod critical_devices;
mod device;
mod driver;
mod driver_database;
mod filters;
mod guest;
mod installed;
mod obstacle;

use winkiln_hive::Hive;

use crate::error::with_causes;
use crate::{Disk, GuestError, HiveName, Registry, Windows};
use bus::Controller;
use device::DeviceIds;
use driver::Drivers;
use guest::Guest;

pub use obstacle::Obstacle;

/// Bytes of a driver's file that are read; the largest drivers have a tenth of it.
const FILE_MAX: u64 = 64 << 20;

/// What is told of one kind of disk controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusVerdict {
    /// A word for scripts, such as `virtio-blk`.
    pub word: &'static str,
    /// For people, such as `virtio-blk`.
    pub name: &'static str,
    /// Its controllers; which of them a guest sees depends on the hypervisor.
    pub controllers: Vec<ControllerVerdict>,
}

impl BusVerdict {
    /// Tells whether Windows boots from at least one of its controllers.
    #[must_use]
    pub fn boots(&self) -> bool {
        self.controllers.iter().any(ControllerVerdict::boots)
    }
}

/// What is told of one controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControllerVerdict {
    /// For people, such as `1af4:1042 (modern)`.
    pub name: &'static str,
    /// The drivers found for it, from the controller to the disk, as far as it was followed.
    pub drivers: Vec<BoundDriver>,
    /// The first thing that is missing; `None` when Windows boots from it.
    pub obstacle: Option<Obstacle>,
}

impl ControllerVerdict {
    /// Tells whether Windows boots from it.
    #[must_use]
    pub fn boots(&self) -> bool {
        self.obstacle.is_none()
    }
}

/// A driver that the boot loader starts for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundDriver {
    /// The ID by which it was found, such as `PCI\VEN_1AF4&DEV_1001`.
    pub device: String,
    /// Where that ID is bound: a package, or a key.
    pub bound_by: String,
    /// The service.
    pub service: String,
    /// Its file, on the system volume.
    pub file: String,
    /// The file's version, if it tells one.
    pub version: Option<String>,
}

/// Files of the system volume, as drivers are looked for.
pub trait DriverFiles {
    /// The contents of a file; `None` when there is no such file.
    ///
    /// # Errors
    /// When it cannot be read, with the reason in words.
    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, String>;

    /// Tells whether there is such a file.
    ///
    /// # Errors
    /// When that cannot be told, with the reason in words.
    fn exists(&mut self, path: &str) -> Result<bool, String>;
}

/// Tells which disk controllers an installation boots from. Changes of the registry that are not saved yet count.
///
/// Who signed a driver is not judged here, nor what user-mode policies say about devices that Windows has not met.
///
/// # Errors
/// Those of opening the SYSTEM hive.
pub fn boots_on(
    disk: &mut Disk,
    registry: &mut Registry,
    windows: &Windows,
) -> Result<Vec<BusVerdict>, GuestError> {
    let hive = registry.hive(disk, &HiveName::System)?;
    Ok(examine(hive, windows, &mut OnDisk { disk, volume: windows.volume }))
}

/// As [`boots_on`], on a SYSTEM hive that is at hand.
pub fn examine(system: &Hive, windows: &Windows, files: &mut dyn DriverFiles) -> Vec<BusVerdict> {
    let mut examiner =
        Examiner { guest: Guest::new(system, windows), drivers: Drivers::new(files) };
    let buses = bus::all().into_iter().map(|bus| {
        let controllers = bus.controllers.iter().map(|controller| examiner.verdict(controller));
        BusVerdict { word: bus.word, name: bus.name, controllers: controllers.collect() }
    });
    buses.collect()
}

/// Tells why the boot loader could not load the driver of a service, whatever the service's key says of starting it: its file is
/// missing, damaged, for another processor, or linked to files that are missing.
///
/// # Errors
/// Those of opening the SYSTEM hive.
pub fn driver_obstacle(
    disk: &mut Disk,
    registry: &mut Registry,
    windows: &Windows,
    service: &str,
) -> Result<Option<Obstacle>, GuestError> {
    let hive = registry.hive(disk, &HiveName::System)?;
    let guest = Guest::new(hive, windows);
    let mut files = OnDisk { disk, volume: windows.volume };
    Ok(Drivers::new(&mut files).check_file(&guest, service).err())
}

/// The kinds of controllers that the guest ran on, by their words: Windows keeps every device that it met.
///
/// # Errors
/// Those of opening the SYSTEM hive.
pub fn met(
    disk: &mut Disk,
    registry: &mut Registry,
    windows: &Windows,
) -> Result<Vec<&'static str>, GuestError> {
    let hive = registry.hive(disk, &HiveName::System)?;
    let guest = Guest::new(hive, windows);
    let is_met = |controller: &Controller| {
        let device = controller.devices.first();
        device.is_some_and(|ids| matches!(installed::find(&guest, ids), Ok(Some(_))))
    };
    let buses = bus::all().into_iter().filter(|bus| bus.controllers.iter().any(is_met));
    Ok(buses.map(|bus| bus.word).collect())
}

struct Examiner<'a> {
    guest: Guest<'a>,
    drivers: Drivers<'a>,
}

impl Examiner<'_> {
    fn verdict(&mut self, controller: &Controller) -> ControllerVerdict {
        let mut drivers = Vec::new();
        let obstacle = self.follow(controller, &mut drivers).err();
        ControllerVerdict { name: controller.name, drivers, obstacle }
    }

    /// Every device between the controller and the disk, then what the controller hangs on, then the disk.
    fn follow(
        &mut self,
        controller: &Controller,
        drivers: &mut Vec<BoundDriver>,
    ) -> Result<(), Obstacle> {
        for device in &controller.devices {
            let parent = drivers.last().map(|driver| driver.service.clone());
            drivers.push(self.device(&device.below(parent.as_deref()))?);
        }
        drivers.push(self.device(&device::disk())?);
        // A HAL without ACPI has no device for it.
        let hal = self.guest.windows.hal.as_deref();
        if hal.is_none_or(|hal| hal.to_ascii_lowercase().starts_with("acpi")) {
            self.device(&device::acpi())?;
        }
        if controller.on_pci {
            self.device(&device::pci_root())?;
        }
        filters::check_class(&self.guest, &mut self.drivers, device::VOLUME_CLASS)
    }

    fn device(&mut self, ids: &DeviceIds) -> Result<BoundDriver, Obstacle> {
        let found = binding::find(&self.guest, ids)?;
        let started = self.drivers.start(&self.guest, &found.service)?;
        if let Some(class) = &found.class {
            filters::check_class(&self.guest, &mut self.drivers, class)?;
        }
        filters::check(&self.guest, &mut self.drivers, &found.filters, &found.bound_by)?;
        Ok(BoundDriver {
            device: found.id,
            bound_by: found.bound_by,
            service: found.service,
            file: started.file,
            version: started.version,
        })
    }
}

/// The files of a volume.
struct OnDisk<'a> {
    disk: &'a mut Disk,
    volume: u32,
}

impl DriverFiles for OnDisk<'_> {
    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, String> {
        if !self.exists(path)? {
            return Ok(None);
        }
        let volume = self.disk.volume(self.volume).map_err(|error| with_causes(&error))?;
        volume.read(path, FILE_MAX).map(Some).map_err(|error| error.to_string())
    }

    fn exists(&mut self, path: &str) -> Result<bool, String> {
        self.disk.find_file(self.volume, path).map_err(|error| with_causes(&error))
    }
}
