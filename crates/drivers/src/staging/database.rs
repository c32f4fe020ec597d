//! `DriverDatabase`: how Windows 8 and later keep packages, and bind devices before any program runs.
//!
//! Source: the database of real Windows 8.1 and 10 hives, with packages of Intel, Dell and others that Windows itself added.

mod configuration;
mod descriptors;
mod device_ids;
mod version_value;

pub use version_value::parse as package_version;

use super::{Binding, Edit, Plan, Signature, StagingError, Value};
use crate::Guid;

/// Classes kept in the SYSTEM hive, where a hive DRIVERS has the rest: those of which real SYSTEM hives have packages.
const SYSTEM_CLASSES: [&str; 32] = [
    "{36FC9E60-C465-11CF-8056-444553540000}", // USB
    "{4D36E965-E325-11CE-BFC1-08002BE10318}", // CDROM
    "{4D36E966-E325-11CE-BFC1-08002BE10318}", // Computer
    "{4D36E967-E325-11CE-BFC1-08002BE10318}", // DiskDrive
    "{4D36E969-E325-11CE-BFC1-08002BE10318}", // FDC
    "{4D36E96A-E325-11CE-BFC1-08002BE10318}", // HDC
    "{4D36E96B-E325-11CE-BFC1-08002BE10318}", // Keyboard
    "{4D36E96F-E325-11CE-BFC1-08002BE10318}", // Mouse
    "{4D36E977-E325-11CE-BFC1-08002BE10318}", // PCMCIA
    "{4D36E978-E325-11CE-BFC1-08002BE10318}", // Ports
    "{4D36E97B-E325-11CE-BFC1-08002BE10318}", // SCSIAdapter
    "{4D36E97D-E325-11CE-BFC1-08002BE10318}", // System
    "{4D36E980-E325-11CE-BFC1-08002BE10318}", // FloppyDisk
    "{50127DC3-0F36-415E-A6CC-4CB3BE910B65}", // Processor
    "{5099944A-F6B9-4057-A056-8C550228544C}", // Memory
    "{533C5B84-EC70-11D2-9505-00C04F79DEAF}", // VolumeSnapshot
    "{53487C23-680F-4585-ACC3-1F10D6777E82}", // SmrDisk
    "{53966CB1-4D46-4166-BF23-C522403CD495}", // ScmDisk
    "{53B3CF03-8F5A-4788-91B6-D19ED9FCCCBF}", // SmrVolume
    "{53CCB149-E543-4C84-B6E0-BCE4F6B7E806}", // ScmVolume
    "{6BDD1FC1-810F-11D0-BEC7-08002BE2092F}", // 1394
    "{71A27CDD-812A-11D0-BEC7-08002BE2092F}", // Volume
    "{72631E54-78A4-11D0-BCF7-00AA00B7B32A}", // Battery
    "{745A17A0-74D3-11D0-B6FE-00A0C90F57DA}", // HIDClass
    "{88BAE032-5A81-49F0-BC3D-A4FF138216D6}", // USBDevice
    "{9DA2B80F-F89F-4A49-A5C2-511B085B9E8A}", // EhStorSilo
    "{A0A588A4-C46F-4B37-B7EA-C82FE89870C6}", // SDHost
    "{BBBE8734-08FA-4966-B6A6-4E5AD010CDD7}", // USBFunctionController
    "{D48179BE-EC20-11D1-B6B8-00C04FA372A7}", // SBP2
    "{D94EE5D8-D189-4994-83D2-F68D7D41B0E6}", // SecurityDevices
    "{E2F84CE7-8EFA-411C-AA69-97454CA4CB57}", // Extension
    "{F2E7DD72-6468-4E36-B6F1-6488F42C1B52}", // Firmware
];

/// Adds the package; as a whole when it starts with the guest, otherwise as Windows adds one whose device is not there.
pub(super) fn add(plan: &mut Plan<'_>, boot_critical: bool) -> Result<(), StagingError> {
    let request = plan.request;
    let root = root(request.guest.binding, plan.class, boot_critical);
    let inf = plan.inf.clone();
    let store_name = plan.store_name.clone();
    if let Some(numbers) = request.oem_numbers {
        let map = Value::binary(&numbers.to_map());
        plan.set(r"HKLM\SYSTEM\DriverDatabase", "OemInfMap", map);
    }
    let files = format!(r"{root}\DriverInfFiles\{inf}");
    plan.set(&*files, "", Value::multi_sz([&store_name]));
    plan.set(&*files, "Active", Value::sz(&store_name));
    let package = format!(r"{root}\DriverPackages\{store_name}");
    values(plan, &package, boot_critical);
    device_ids::add(plan, root, &inf);
    if boot_critical {
        let names = configuration::add(plan, &package);
        plan.set(files, "Configurations", Value::multi_sz(names));
        descriptors::add(plan, &package);
    }
    Ok(())
}

/// Where the package goes.
fn root(binding: Binding, class: Guid, boot_critical: bool) -> &'static str {
    let of_system = boot_critical || SYSTEM_CLASSES.contains(&class.to_string().as_str());
    match binding {
        Binding::Database { drivers_hive: true } if !of_system => r"HKLM\DRIVERS\DriverDatabase",
        _ => r"HKLM\SYSTEM\DriverDatabase",
    }
}

/// The values of the package itself.
fn values(plan: &mut Plan<'_>, key: &str, boot_critical: bool) {
    let request = plan.request;
    let version = request.package.version();
    let blob = version_value::bytes(version, plan.class, request.guest.target.architecture);
    let inf = plan.inf.clone();
    plan.set(key, "", Value::sz(&inf));
    plan.set(key, "Version", Value::binary(&blob));
    if let Some(provider) = &version.provider {
        plan.set(key, "Provider", Value::sz(&provider.text));
    }
    if let Some(id) = version.extension_id {
        plan.set(key, "ExtensionId", Value::binary(&id.to_bytes_le()));
    }
    let (score, signer) = match request.signature {
        Signature::Microsoft(signer) => (0x0D00_0005, signer.as_ref()),
        Signature::Publisher(signer) => (0x0F00_0000, signer.as_ref()),
        Signature::None => (0x8000_0000, None),
    };
    plan.set(key, "SignerScore", Value::dword(score));
    if let Some(signer) = signer {
        plan.set(key, "SignerName", Value::sz(signer));
    }
    // 0x112: added, not configured.
    plan.set(key, "StatusFlags", Value::dword(if boot_critical { 0x12 } else { 0x112 }));
    plan.set(key, "InfName", Value::sz(&request.package.file_name().to_lowercase()));
    if let Some(catalog) = version.catalog(request.guest.target.architecture) {
        plan.set(key, "Catalog", Value::sz(catalog));
    }
    // Of a package that is there already they stay.
    plan.edits.push(Edit::fill(key, "OemPath", Value::sz(request.origin)));
    plan.edits.push(Edit::fill(key, "ImportDate", Value::binary(&request.now.to_le_bytes())));
}
