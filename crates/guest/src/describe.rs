//! Facts of an installation, read from its SOFTWARE and SYSTEM hives.

use std::error::Error as _;

use winkiln_hive::{Hive, KeyId};

use crate::error::with_causes;
use crate::hive_logs::LoadedHive;
use crate::machine::{architecture_of_files, architecture_of_text};
use crate::{Architecture, Disk, Firmware, Windows};
use crate::{guest_tools, service, setting};

/// The first build of Windows 11, whose ProductName still says Windows 10.
const WINDOWS_11: u32 = 22000;

/// Describes the installation in `folder`. Hives that cannot be read leave their facts out, and a warning.
///
/// With `last_known_good`, its boot entry has the boot loader take the last control set that was known to be good.
pub(crate) fn describe(
    disk: &mut Disk,
    volume: u32,
    folder: String,
    last_known_good: bool,
) -> Windows {
    let mut windows = Windows::at(volume, folder);
    let [software_path, system_path] = ["SOFTWARE", "SYSTEM"]
        .map(|name| format!(r"{}\System32\config\{name}", windows.system_root));
    let software = read(disk, &mut windows, &software_path);
    let system = read(disk, &mut windows, &system_path);

    let [software_hive, system_hive] =
        [&software, &system].map(|read| read.as_ref().map(ReadHive::hive));
    if let Some(software) = software_hive {
        read_version(software, &mut windows);
    }
    let control_set = system_hive.and_then(|system| {
        let control_set = read_control_set(system, &mut windows, last_known_good)?;
        read_machine(system, control_set, &mut windows);
        windows.warnings.extend(scheduled_checks(system, control_set));
        windows.drivers = service::drivers(disk, volume, &windows.system_root, system, control_set);
        Some((system, control_set))
    });
    if windows.architecture == Architecture::Unknown {
        windows.architecture = architecture_of_files(disk, volume, &windows.system_root);
    }
    windows.guest_tools = guest_tools::find(control_set, software_hive, windows.version);
    for (path, read) in [(software_path, software), (system_path, system)] {
        if let Some(ReadHive::Usable(hive)) = read {
            disk.keep_hive(volume, &path, hive);
        }
    }
    windows
}

/// A hive that facts are read from.
enum ReadHive {
    Usable(LoadedHive),
    /// Not closed properly, and its logs do not help.
    Dirty(Hive),
}

impl ReadHive {
    fn hive(&self) -> &Hive {
        match self {
            Self::Usable(loaded) => &loaded.hive,
            Self::Dirty(hive) => hive,
        }
    }
}

/// Reads a hive to describe it. One that cannot be recovered is read as it is, with a warning.
fn read(disk: &mut Disk, windows: &mut Windows, path: &str) -> Option<ReadHive> {
    let error = match disk.read_hive(windows.volume, path) {
        Ok(loaded) => {
            windows.warnings.extend(loaded.recovered.as_ref().map(ToString::to_string));
            return Some(ReadHive::Usable(loaded));
        }
        Err(error) => error,
    };
    let hive = disk.read_dirty_hive(windows.volume, path);
    windows.warnings.push(match (&hive, error.source()) {
        (Some(_), _) => format!("{}; what is told of it may be out of date", with_causes(&error)),
        (None, Some(source)) => format!("registry hive {path} cannot be read: {source}"),
        (None, None) => format!("registry hive {path} cannot be read: {error}"),
    });
    hive.map(ReadHive::Dirty)
}

fn read_version(software: &Hive, windows: &mut Windows) {
    let path = r"Microsoft\Windows NT\CurrentVersion";
    let Some(key) = setting::key(software, software.root(), path) else {
        windows.warnings.push(format!(r"the SOFTWARE hive has no key {path}"));
        return;
    };
    let text = |name: &str| setting::text(software, key, name).unwrap_or_default();
    windows.product_name = text("ProductName");
    windows.edition = text("EditionID");
    windows.installation_type = text("InstallationType");
    windows.service_pack = text("CSDVersion");
    windows.build = ["CurrentBuildNumber", "CurrentBuild"]
        .iter()
        .find_map(|name| text(name).trim().parse().ok())
        .unwrap_or_default();
    let major = setting::dword(software, key, "CurrentMajorVersionNumber");
    let minor = setting::dword(software, key, "CurrentMinorVersionNumber");
    windows.version = major.zip(minor).unwrap_or_else(|| {
        let version = text("CurrentVersion");
        let numbers = version.trim().split_once('.').unwrap_or_default();
        numbers.0.parse().ok().zip(numbers.1.parse().ok()).unwrap_or_default()
    });
    if windows.version == (0, 0) || windows.build == 0 {
        windows.warnings.push("the SOFTWARE hive does not tell version and build".into());
    }
    let is_server = windows.installation_type.to_lowercase().contains("server")
        || windows.product_name.to_lowercase().contains("server");
    if windows.build >= WINDOWS_11 && !is_server {
        windows.product_name = windows.product_name.replacen("Windows 10", "Windows 11", 1);
    }
}

/// The control set of the next start, by its number in `Select`: the last known good one where the boot entry asks for that, else
/// the default one, else the one that ran last. `None` where none of them is there.
///
/// Source: Microsoft, KB100010, "What are control sets? What is CurrentControlSet?".
#[must_use]
pub fn next_control_set(system: &Hive, last_known_good: bool) -> Option<u32> {
    let good = last_known_good.then(|| selected(system, "LastKnownGood")).flatten();
    good.or_else(|| selected(system, "Default"))
        .or_else(|| selected(system, "Current"))
        .map(|(number, _)| number)
}

/// A control set that is there, by a value of `Select`.
fn selected(system: &Hive, value: &str) -> Option<(u32, KeyId)> {
    let select = setting::key(system, system.root(), "Select")?;
    let number = setting::dword(system, select, value)?;
    Some((number, control_set(system, number)?))
}

fn control_set(system: &Hive, number: u32) -> Option<KeyId> {
    setting::key(system, system.root(), &format!("ControlSet{number:03}"))
}

/// The key of the control set of the next start.
fn read_control_set(system: &Hive, windows: &mut Windows, last_known_good: bool) -> Option<KeyId> {
    let select = setting::key(system, system.root(), "Select");
    let current = select.and_then(|key| setting::dword(system, key, "Current"));
    match (selected(system, "Current"), current) {
        (Some((number, _)), _) => windows.control_set = number,
        (None, None) => windows.warnings.push(r"the SYSTEM hive has no Select\Current".into()),
        (None, Some(current)) => windows.warnings.push(format!(
            r"Select\Current is {current}, and the SYSTEM hive has no ControlSet{current:03}"
        )),
    }
    let next = next_control_set(system, last_known_good)?;
    windows.next_control_set = next;
    if windows.control_set != 0 && windows.control_set != next {
        windows.warnings.push(format!(
            "the next start takes ControlSet{next:03}; CurrentControlSet in edits is ControlSet{:03}, which ran last",
            windows.control_set
        ));
    }
    control_set(system, next)
}

/// Checks of volumes that Windows is to run when it starts next, before anything else of it does.
///
/// Source: Microsoft, "chkntfs": the entry ends in `*` when autochk looks at every volume and checks the dirty ones; one that
/// `chkdsk /f` adds names a volume.
fn scheduled_checks(system: &Hive, control_set: KeyId) -> Vec<String> {
    let key = setting::key(system, control_set, r"Control\Session Manager");
    let entries = key.and_then(|key| setting::texts(system, key, "BootExecute"));
    let is_check = |entry: &String| {
        let words: Vec<&str> = entry.split_whitespace().collect();
        let autochk = words.iter().any(|word| word.eq_ignore_ascii_case("autochk"));
        autochk && words.last().is_some_and(|last| !matches!(*last, "*" | "autochk"))
    };
    let checks = entries.unwrap_or_default().into_iter().filter(is_check);
    checks.map(|entry| format!("chkdsk is scheduled for the next start: {entry}")).collect()
}

fn read_machine(system: &Hive, control_set: KeyId, windows: &mut Windows) {
    let environment = setting::key(system, control_set, r"Control\Session Manager\Environment");
    windows.architecture = environment
        .and_then(|key| setting::text(system, key, "PROCESSOR_ARCHITECTURE"))
        .map_or(Architecture::Unknown, |text| architecture_of_text(&text));
    // Source: Microsoft, "Detecting the boot environment": 1 BIOS, 2 UEFI.
    let control = setting::key(system, control_set, "Control");
    windows.boot.firmware =
        match control.and_then(|key| setting::dword(system, key, "PEFirmwareType")) {
            Some(1) => Firmware::Bios,
            Some(2) => Firmware::Uefi,
            _ => Firmware::Unknown,
        };
    if !windows.is_nt5() {
        return;
    }
    let hal = ["ACPI_HAL", "PCI_HAL", "MPS_HAL"].iter().find_map(|kind| {
        let key = setting::key(system, control_set, &format!(r"Enum\Root\{kind}\0000"))?;
        setting::texts(system, key, "HardwareID")?.into_iter().next()
    });
    windows.hal = hal;
}
