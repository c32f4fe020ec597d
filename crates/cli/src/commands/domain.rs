//! `winkiln domain`.

use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use serde::Serialize;
use winkiln_guest::boots_on::{BusVerdict, ControllerVerdict};
use winkiln_guest::{Firmware, Registry, Windows, boots_on};

use crate::args::about::{DomainArgs, Hypervisor};
use crate::error::{CliError, Doing as _, Result};
use crate::output::Output;
use crate::progress::Progress;
use crate::render::domain;
use crate::session;

/// Up to Windows XP and Server 2003.
const NT5: u32 = 5;
const TIME_ZONE: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\TimeZoneInformation";
/// Disk controllers, the fastest first, by the words of the "boots on" table.
const BUSES: [&str; 8] =
    ["virtio-blk", "virtio-scsi", "nvme", "ahci", "ide", "pvscsi", "lsi-sas", "lsi-scsi"];

/// What a virtual machine should be for its guest.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) name: String,
    /// Absolute, or an address.
    pub(crate) image: String,
    /// The image is a block device.
    pub(crate) is_device: bool,
    pub(crate) format: &'static str,
    pub(crate) windows: String,
    /// Of Vista or later.
    #[serde(skip)]
    pub(crate) is_modern: bool,
    pub(crate) uefi: bool,
    pub(crate) arm: bool,
    pub(crate) memory_mib: u32,
    pub(crate) vcpus: u32,
    /// A word of the "boots on" table.
    pub(crate) disk_bus: &'static str,
    /// `virtio-net`, `e1000` or `rtl8139`.
    pub(crate) network: &'static str,
    /// The last three bytes of its address.
    pub(crate) mac_tail: [u8; 3],
    /// The guest takes the machine's clock for UTC.
    pub(crate) utc: bool,
    pub(crate) warnings: Vec<String>,
}

/// Prints the configuration of a machine for the guest.
pub(crate) fn run(args: &DomainArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let progress = Progress::spinner(output, "looking at the guest");
    let mut session = session::open_read_only(&args.image, &args.with.open, output)?;
    let doing = || format!("cannot find Windows in {}", args.image.display());
    let windows = session.windows().doing(doing)?;
    // A registry that cannot be read leaves the usual clock.
    let utc = session.value_of(TIME_ZONE, "RealTimeIsUniversal").ok().flatten();
    let utc = utc.is_some_and(|(_, data)| data.first() == Some(&1));
    let (format, _) = session.image();
    let disk = session.disk();
    let serial = disk.volumes().iter().find(|volume| volume.number == windows.volume);
    let serial = serial.map_or(0, |volume| volume.identity.serial);
    let mut registry = Registry::new(&windows);
    let buses = boots_on(disk, &mut registry, &windows)
        .doing(|| format!("cannot tell what {} boots from", windows.product_name))?;
    drop(progress);
    let mut machine = fit(args, &windows, &buses, (format, serial, utc))?;
    if args.hypervisor == Hypervisor::Xl && !["raw", "qcow2", "vhd"].contains(&format) {
        machine.warnings.push(format!("xl opens no {format} images"));
    }
    let text = match args.hypervisor {
        Hypervisor::Xl => domain::xl(&machine),
        Hypervisor::Libvirt => domain::libvirt(&machine),
        Hypervisor::Qemu => domain::qemu(&machine),
    };
    if !output.is_json() {
        for warning in &machine.warnings {
            output.warn(warning);
        }
    }
    output.data(&serde_json::json!({ "machine": machine, "text": text }), || text.clone())
}

fn fit(
    args: &DomainArgs,
    windows: &Windows,
    buses: &[BusVerdict],
    (format, serial, utc): (&'static str, u64, bool),
) -> Result<Machine> {
    let mut warnings = Vec::new();
    let is_modern = windows.version.0 > NT5;
    let arm = windows.architecture == winkiln_guest::Architecture::Arm64;
    let offers = |word: &&&str| match args.hypervisor {
        Hypervisor::Xl => ["ahci", "ide"].contains(*word),
        // Its NVMe disks that are files came late.
        Hypervisor::Libvirt => **word != "nvme",
        Hypervisor::Qemu => true,
    };
    if arm && args.hypervisor == Hypervisor::Xl {
        warnings.push("this is no machine that xl makes for Windows on ARM".to_owned());
    }
    let boots = |word: &str| {
        let bus = buses.iter().find(|bus| bus.word == word)?;
        // Which of several devices it becomes is the hypervisor's choice; VMware's are none of these hypervisors'.
        let mut own = bus.controllers.iter().filter(|one| !one.name.contains("VMware"));
        own.all(ControllerVerdict::boots).then_some(bus.word)
    };
    let disk_bus = BUSES.iter().filter(offers).find_map(|word| boots(word)).unwrap_or_else(|| {
        warnings.push(
            "the guest boots from no disk controller that this hypervisor offers; winkiln doctor tells why"
                .to_owned(),
        );
        if arm { "ahci" } else { "ide" }
    });
    let has_driver = |name: &str| {
        let same = |driver: &&winkiln_guest::DriverService| driver.name.eq_ignore_ascii_case(name);
        let found = windows.drivers.iter().find(same);
        found.is_some_and(|driver| driver.present && driver.start.is_some_and(|start| start < 4))
    };
    let network = match (has_driver("netkvm"), is_modern) {
        (true, _) if args.hypervisor != Hypervisor::Xl => "virtio-net",
        (_, true) => "e1000",
        (_, false) => "rtl8139",
    };
    let one_processor = windows.hal.as_deref().is_some_and(|hal| hal.ends_with("_up"));
    if one_processor && args.vcpus.is_some_and(|count| count > 1) {
        warnings.push("the guest's HAL uses one processor".to_owned());
    }
    if windows.product_name.contains("Windows 11") {
        warnings.push("Windows 11 may ask for a TPM when it is updated".to_owned());
    }
    let image = match args.image.to_str() {
        Some(address) if address.contains("://") => {
            if args.hypervisor != Hypervisor::Qemu {
                warnings.push(
                    "the disk behind a server is named as a file: put its own form there"
                        .to_owned(),
                );
            }
            address.to_owned()
        }
        _ => {
            let absolute = std::path::absolute(&args.image).map_err(|error| {
                CliError::host(format!("cannot name {}", args.image.display()), &error)
            })?;
            let text = absolute.to_str().map(str::to_owned);
            text.ok_or_else(|| CliError::failed("the image's name is not UTF-8 text"))?
        }
    };
    let name = args.name.clone().unwrap_or_else(|| name_of(&args.image));
    let mixed = serial ^ (serial >> 24) ^ (serial >> 48);
    let [_, _, _, _, _, a, b, c] = mixed.to_be_bytes();
    Ok(Machine {
        name,
        is_device: std::fs::metadata(&args.image).is_ok_and(|is| is.file_type().is_block_device()),
        image,
        format,
        windows: windows.product_name.clone(),
        is_modern,
        uefi: windows.boot.firmware == Firmware::Uefi,
        arm,
        memory_mib: args.memory.unwrap_or(if is_modern { 4096 } else { 2048 }),
        vcpus: args.vcpus.unwrap_or(if one_processor { 1 } else { 2 }),
        disk_bus,
        network,
        mac_tail: [a, b, c],
        utc,
        warnings,
    })
}

/// The image's name in letters that every hypervisor takes.
fn name_of(image: &Path) -> String {
    let stem = image.file_stem().unwrap_or_default().to_string_lossy();
    let letter = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = stem.chars().map(letter).collect();
    if name.is_empty() { "windows".to_owned() } else { name }
}
