//! Whether the boot loader starts a driver.

use std::collections::HashMap;

use winkiln_trust::pe::{Image, Machine};

use super::guest::{Guest, full};
use super::{DriverFiles, Obstacle};
use crate::image_path;
use crate::service::KERNEL_DRIVER;

/// The framework, and the library by which drivers reach it.
const FRAMEWORK: &str = "Wdf01000";
const FRAMEWORK_LOADER: &str = "WDFLDR.SYS";

/// A driver that is started.
#[derive(Debug, Clone)]
pub(super) struct Started {
    pub(super) file: String,
    pub(super) version: Option<String>,
}

/// Drivers, each looked at once.
pub(super) struct Drivers<'a> {
    files: &'a mut dyn DriverFiles,
    known: HashMap<String, Result<Started, Obstacle>>,
}

impl<'a> Drivers<'a> {
    pub(super) fn new(files: &'a mut dyn DriverFiles) -> Self {
        Self { files, known: HashMap::new() }
    }

    /// Tells whether the boot loader starts a service, and what it is.
    pub(super) fn start(&mut self, guest: &Guest<'_>, service: &str) -> Result<Started, Obstacle> {
        let name = service.to_ascii_lowercase();
        if let Some(known) = self.known.get(&name) {
            return known.clone();
        }
        let found = check_service(guest, service).and_then(|()| self.check_file(guest, service));
        self.known.insert(name, found.clone());
        found
    }

    /// Tells whether the boot loader could load the driver of a service.
    pub(super) fn check_file(
        &mut self,
        guest: &Guest<'_>,
        service: &str,
    ) -> Result<Started, Obstacle> {
        let owner = service.to_owned();
        let image = guest.text(&service_key(guest, service), "ImagePath")?;
        let root = &guest.windows.system_root;
        let Some(file) = image_path::resolve(service, image.as_deref(), root) else {
            let path = image.unwrap_or_default();
            return Err(Obstacle::OtherVolume { service: owner, path });
        };
        let bytes = match self.files.read(&file) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Err(Obstacle::NoFile { service: owner, file }),
            Err(reason) => return Err(Obstacle::Unreadable { service: owner, file, reason }),
        };
        let program = match Image::parse(&bytes) {
            Ok(program) => program,
            Err(error) => {
                let reason = error.to_string();
                return Err(Obstacle::NotAProgram { service: owner, file, reason });
            }
        };
        if let Some(expected) = guest.windows.architecture.machine()
            && program.machine != expected
        {
            let (found, expected) = (machine_name(program.machine), machine_name(expected));
            return Err(Obstacle::WrongMachine { service: owner, file, found, expected });
        }
        for module in program.imports() {
            match self.finds_module(&file, root, &module) {
                Ok(true) => {}
                Ok(false) => return Err(Obstacle::NoModule { service: owner, file, module }),
                Err((file, reason)) => {
                    return Err(Obstacle::Unreadable { service: owner, file, reason });
                }
            }
        }
        if program.imports_from(FRAMEWORK_LOADER) && !service.eq_ignore_ascii_case(FRAMEWORK) {
            self.start(guest, FRAMEWORK).map_err(|why| Obstacle::Needs {
                service: owner,
                other: FRAMEWORK.to_owned(),
                why: Box::new(why),
            })?;
        }
        let version = program.file_version().map(|version| version.to_string());
        Ok(Started { file, version })
    }

    /// Tells whether the boot loader finds a file that a driver is linked to: beside it, or with the kernel or the drivers. Where that
    /// cannot be told, the file and the reason.
    fn finds_module(
        &mut self,
        file: &str,
        root: &str,
        module: &str,
    ) -> Result<bool, (String, String)> {
        // Names of contracts, which the loader maps to files.
        let lower = module.to_ascii_lowercase();
        if lower.starts_with("api-ms-") || lower.starts_with("ext-ms-") {
            return Ok(true);
        }
        let beside = file.rsplit_once('\\').map_or("", |(folder, _)| folder).to_owned();
        for folder in [beside, format!(r"{root}\System32"), format!(r"{root}\System32\drivers")] {
            let path = format!(r"{folder}\{module}");
            if self.files.exists(&path).map_err(|reason| (path, reason))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn service_key(guest: &Guest<'_>, service: &str) -> String {
    guest.in_set(&format!(r"Services\{service}"))
}

/// What the service's key says.
fn check_service(guest: &Guest<'_>, service: &str) -> Result<(), Obstacle> {
    let key = service_key(guest, service);
    let owner = service.to_owned();
    if guest.find(&key)?.is_none() {
        return Err(Obstacle::NoService { service: owner, key: full(&key) });
    }
    let found = guest.dword(&key, "Type")?;
    if found != Some(KERNEL_DRIVER) {
        return Err(Obstacle::NotADriver { service: owner, found });
    }
    let found = guest.dword(&key, "Start")?;
    if found != Some(0) {
        return Err(Obstacle::NotBootStart { service: owner, found });
    }
    // A value for each hardware configuration. A guest on other hardware may get a new one, but who can tell.
    for (configuration, data) in guest.values(&format!(r"{key}\StartOverride"))? {
        let found = data.first_chunk().copied().map_or(u32::MAX, u32::from_le_bytes);
        if found != 0 {
            return Err(Obstacle::StartOverride { service: owner, configuration, found });
        }
    }
    Ok(())
}

fn machine_name(machine: Machine) -> String {
    match machine {
        Machine::X86 => "x86".to_owned(),
        Machine::Amd64 => "x86_64".to_owned(),
        Machine::Ia64 => "ia64".to_owned(),
        Machine::Arm => "arm".to_owned(),
        Machine::Arm64 => "arm64".to_owned(),
        Machine::Other(number) => format!("machine {number:#06x}"),
        _ => "another machine".to_owned(),
    }
}
