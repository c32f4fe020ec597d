//! Steps that give a guest boot files it lost: a store, and the loader that any UEFI looks for.

use winkiln_boot::bcd::{self, NewStore, create_store};
use winkiln_guest::{
    BootKind, EFI_BOOT_MANAGER as BOOT_MANAGER, Firmware, Windows, partition_ref, system_volume,
};
use winkiln_hive::Hive;

use super::Session;
use crate::BakeError;
use crate::step::Contents;

const TEMPLATE: &str = r"System32\config\BCD-Template";
/// Bytes of a template: real ones have some 30,000.
const TEMPLATE_MAX: u64 = 4 << 20;
/// Bytes of a boot manager: real ones have some 2 million.
const LOADER_MAX: u64 = 64 << 20;

/// A GUID for an object of a store that no other guest is likely to have: of what the guest is, and when it was asked for.
fn derived_guid(windows: &Windows, what: &str, now: u64) -> String {
    let text = format!(
        "{what}\0{}\0{}\0{}\0{}\0{now}",
        windows.volume, windows.system_root, windows.product_name, windows.build
    );
    // FNV-1a, 128 bits. Source: RFC 9923.
    let hash = text.bytes().fold(0x6C62_272E_07BB_0142_62B8_2175_6295_C58D_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013B)
    });
    bcd::new_guid(hash.to_le_bytes())
}

impl Session {
    /// Makes a store where the firmware's boot manager looks for it.
    pub(super) fn create_store(
        &mut self,
        efi: Option<bool>,
        guids: Option<&(String, String)>,
    ) -> Result<(), BakeError> {
        let now = self.now;
        let windows = self.windows()?;
        if windows.is_nt5() {
            return Err(super::lookup::missing("the BCD store", BootKind::BootIni));
        }
        let efi = efi.unwrap_or(windows.boot.firmware == Firmware::Uefi);
        let system = self.system_volume(efi)?;
        let path = if efi { r"\EFI\Microsoft\Boot\BCD" } else { r"\Boot\BCD" };
        if self.metadata(system, path)?.is_some() {
            return Err(BakeError::StoreExists { path: path.to_owned(), volume: system });
        }
        let name = |session: &Self, number: u32| {
            let table = session.disk.table();
            let found = table.partitions.iter().find(|partition| partition.number == number);
            found.and_then(|partition| partition_ref(table, partition)).ok_or(BakeError::Unboot {
                volume: number,
                problem: "its disk has neither signature nor GUID, so that no store can name it",
            })
        };
        let template = self.template(windows.volume, &windows.system_root)?;
        let own = ["loader", "resume loader"].map(|what| derived_guid(&windows, what, now));
        let guids = guids.map_or([own[0].as_str(), &own[1]], |given| [&given.0, &given.1]);
        let new = NewStore {
            efi,
            system: name(self, system)?,
            windows: name(self, windows.volume)?,
            system_root: &windows.system_root,
            description: &windows.product_name,
            version: windows.version,
            template: template.as_ref(),
            guids: (guids[0], guids[1]),
        };
        let failed = |source| BakeError::Bcd { object: "store".to_owned(), source };
        let mut store = create_store(&new, now).map_err(failed)?;
        store.seal(now);
        let contents = Contents::Bytes(store.bytes().to_vec());
        self.write_file(system, path, &contents, true)?;
        let manager = if efi { BOOT_MANAGER } else { r"\bootmgr" };
        if self.metadata(system, manager)?.is_none() {
            self.warn(format!("volume {system} has a store now, but no boot manager {manager}"));
        }
        Ok(())
    }

    /// The guest's template, when it can be read.
    fn template(&mut self, volume: u32, system_root: &str) -> Result<Option<Hive>, BakeError> {
        let path = format!("{}\\{TEMPLATE}", system_root.trim_end_matches('\\'));
        if self.metadata(volume, &path)?.is_none() {
            return Ok(None);
        }
        let read = self.disk.volume(volume)?.read(&path, TEMPLATE_MAX);
        let hive = read.map_err(|error| error.to_string());
        let hive = hive.and_then(|bytes| Hive::open(bytes).map_err(|error| error.to_string()));
        match hive {
            Ok(hive) => Ok(Some(hive)),
            Err(error) => {
                self.warn(format!("{path} was not used: {error}"));
                Ok(None)
            }
        }
    }

    /// Copies the boot manager to `\EFI\Boot\boot<arch>.efi`, from beside the store or from Windows itself. Another loader that is there already stays.
    pub(super) fn copy_fallback_loader(&mut self) -> Result<(), BakeError> {
        let windows = self.windows()?;
        let name = windows.architecture.fallback_loader().ok_or(BakeError::Unboot {
            volume: windows.volume,
            problem: "the architecture of its Windows could not be read",
        })?;
        let system = self.system_volume(true)?;
        let path = format!(r"\EFI\Boot\{name}");
        if self.metadata(system, &path)?.is_some() {
            self.ledger.unchanged += 1;
            return Ok(());
        }
        let own = format!(r"{}\Boot\EFI\bootmgfw.efi", windows.system_root);
        let (volume, from) = if self.metadata(system, BOOT_MANAGER)?.is_some() {
            (system, BOOT_MANAGER.to_owned())
        } else if self.metadata(windows.volume, &own)?.is_some() {
            (windows.volume, own)
        } else {
            return Err(BakeError::Unboot {
                volume: system,
                problem: r"neither it nor Windows has a bootmgfw.efi to copy",
            });
        };
        let failed = |source| BakeError::Volume { path: from.clone(), source };
        let loader = self.disk.volume(volume)?.read(&from, LOADER_MAX).map_err(failed)?;
        self.write_file(system, &path, &Contents::Bytes(loader), true)
    }

    fn system_volume(&mut self, efi: bool) -> Result<u32, BakeError> {
        system_volume(&mut self.disk, efi).ok_or(BakeError::NoSystemVolume {
            what: if efi { "EFI system partition with FAT" } else { "active partition" },
        })
    }
}
