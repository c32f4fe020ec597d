//! A step of a plan in a few words.

use winkiln_bake::step::Contents;
use winkiln_bake::{LinkKind, Step};
use winkiln_guest::Rewrite;

/// What the step does, as a phrase that fits after "cannot".
pub(crate) fn describe(step: &Step) -> String {
    match step {
        Step::CreateKey { key } => format!("create key {key}"),
        Step::DeleteKey { key } => format!("delete key {key}"),
        Step::SetValue { key, name, .. } => format!("set {}", value(key, name)),
        Step::SetValues { key, values } => format!("set {} values of {key}", values.len()),
        Step::DeleteValue { key, name } => format!("delete {}", value(key, name)),
        Step::InAllControlSets(step) => format!("{} in all control sets", describe(step)),
        Step::RewriteHive { file, why: Rewrite::Compact } => format!("compact {}", file.path),
        Step::RewriteHive { file, why: Rewrite::Repair } => format!("repair {}", file.path),
        Step::OnLink(step) => describe(step),
        Step::OnVolume { volume, step } => format!("{} on volume {volume}", describe(step)),
        Step::MoveKey { from, to } => format!("rename key {from} to {to}"),
        Step::CopyKey { from, to } => format!("copy key {from} to {to}"),
        Step::PutFile { path, contents: Contents::HostFile(file), .. } => {
            format!("put {} to {path}", file.display())
        }
        Step::PutFile { path, .. } => format!("write {path}"),
        Step::MakeDirectory { path, .. } => format!("make folder {path}"),
        Step::Remove { path, .. } => format!("remove {path}"),
        Step::Rename { from, to } => format!("rename {from} to {to}"),
        Step::SetAttributes { path, .. } => format!("set the attributes of {path}"),
        Step::Link { path, target, kind } => {
            let kind = match kind {
                LinkKind::Hard => "hard link",
                LinkKind::Symbolic => "symbolic link",
                LinkKind::Junction => "junction",
            };
            format!("make {kind} {path} to {target}")
        }
        Step::SetKeySecurity { key, .. } => format!("set the security of {key}"),
        Step::SetSecurity { path, .. } => format!("set the security of {path}"),
        Step::BcdSet { object, element, value } => format!("set {element} of {object} to {value}"),
        Step::BcdDelete { object, element } => format!("delete {element} of {object}"),
        Step::BcdCreate { object, .. } => format!("make object {object}"),
        Step::BcdCopy { object, .. } => format!("copy object {object}"),
        Step::BcdDeleteObject { object, .. } => format!("delete object {object}"),
        Step::BcdOrder { list, .. } => format!("change {}", list.element()),
        Step::BcdRetarget => "point devices at the disk's partitions".to_owned(),
        Step::BcdCreateStore { .. } => "make a boot configuration store".to_owned(),
        Step::SetActivePartition { number } => format!("make partition {number} active"),
        Step::MendBootSector { volume } => format!("mend the boot sector of volume {volume}"),
        Step::RestoreBootSector { volume } => format!("restore the boot sector of volume {volume}"),
        Step::FallbackLoader => "copy the boot manager to the fallback loader's place".to_owned(),
        Step::BootIniCopy { entry, .. } => format!("copy {}", boot_entry(*entry)),
        Step::BootIniAddSwitch { entry, switch } => {
            format!("add {switch} to {}", boot_entry(*entry))
        }
        Step::BootIniRemoveSwitch { entry, switch } => {
            format!("remove {switch} from {}", boot_entry(*entry))
        }
        Step::BootIniDefaultCopy { switch, .. } => {
            format!("make a copy of the default boot entry with {switch}")
        }
        Step::BootIniSetDefault { entry } => {
            format!("make {} the default", boot_entry(Some(*entry)))
        }
        Step::BootIniSetRedirect { port } => format!("redirect boot.ini's menu to {port}"),
        Step::BootIniSetTimeout { seconds } => format!("set the timeout of boot.ini to {seconds}"),
        Step::RemoveDrivers(removal) => {
            let names: Vec<_> =
                removal.names.iter().chain(&removal.vendors).map(String::as_str).collect();
            format!("remove the drivers {}", names.join(", "))
        }
        Step::AddDrivers(source) => format!("add the drivers of {}", source.path.display()),
        Step::KeepAddresses(_) => "keep the addresses of network adapters".to_owned(),
        Step::StartInBoxStorage => "have Windows start its own storage drivers".to_owned(),
        // Steps are added to the library before they are worded here.
        #[allow(unreachable_patterns)]
        _ => "do a step".to_owned(),
    }
}

fn value(key: &str, name: &str) -> String {
    if name.is_empty() { format!("the default value of {key}") } else { format!("{key}\\{name}") }
}

fn boot_entry(entry: Option<usize>) -> String {
    entry.map_or_else(
        || "the default entry of boot.ini".to_owned(),
        |entry| format!("entry {} of boot.ini", entry.saturating_add(1)),
    )
}
