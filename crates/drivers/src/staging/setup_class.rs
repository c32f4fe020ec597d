//! The key of a setup class that the guest does not know.

use super::{Plan, StagingError, Value, registry, service_key};
use crate::inf::{
    Inf, Install, Localized, RegistryData, RegistryEdit, RegistryOperation, RegistryRoot,
    actual_section,
};

/// Keys of setup classes.
pub(super) const CLASSES: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\Class";

/// Makes the key as `ClassInstall32` says.
pub(super) fn make(plan: &mut Plan<'_>) -> Result<(), StagingError> {
    let request = plan.request;
    let package = request.package;
    let architecture = request.guest.target.architecture;
    let has_section = actual_section(package.inf(), "ClassInstall32", architecture).is_some();
    if request.has_class || !has_section {
        return Ok(());
    }
    let install = package.install("ClassInstall32", architecture, request.included)?;
    let key = format!(r"{CLASSES}\{}", plan.class);
    if let Some(name) = &package.version().class {
        plan.set(&*key, "Class", Value::sz(name));
    }
    let texts = texts(&install);
    let edits = match &texts.description {
        // Windows 8 and later keep the text under its new name alone.
        Some(description) if !request.guest.is_nt5() => {
            let text = localized(package.inf(), description);
            let text = service_key::shown(plan, &text);
            plan.set(&*key, "ClassDesc", Value::sz(&text));
            let kept = |edit: &&RegistryEdit| *edit != description || !request.guest.has_database();
            install.registry.iter().filter(kept).cloned().collect()
        }
        _ => install.registry.clone(),
    };
    if let Some(icon) = texts.icon.filter(|_| !request.guest.is_nt5()) {
        let path = format!(r"%SystemRoot%\System32\setupapi.dll,{icon}");
        plan.set(&*key, "IconPath", Value::multi_sz([path]));
    }
    registry::below(plan, &edits, &key);
    for edit in install.registry.iter().filter(|edit| edit.root != RegistryRoot::Relative) {
        registry::elsewhere(plan, edit);
    }
    Ok(())
}

/// What Windows Vista and later keep under names of their own.
#[derive(Default)]
struct Texts {
    /// The edit of the default value, which describes the class.
    description: Option<RegistryEdit>,
    /// The number of an icon of Windows, negative, where the INF gives no path of one.
    icon: Option<String>,
}

fn texts(install: &Install) -> Texts {
    let mut texts = Texts::default();
    let mut has_path = false;
    let is_own = |edit: &&RegistryEdit| edit.root == RegistryRoot::Relative && edit.key.is_empty();
    for edit in install.registry.iter().filter(is_own) {
        let (name, data) = match &edit.operation {
            RegistryOperation::Set { name, data, .. } => (name, Some(data)),
            RegistryOperation::Append { name, .. } => (name, None),
            _ => continue,
        };
        match (name.to_string().to_ascii_lowercase().as_str(), data) {
            ("", Some(RegistryData::Sz(_))) => texts.description = Some(edit.clone()),
            ("icon", Some(RegistryData::Sz(text))) => {
                texts.icon = Some(text.to_string()).filter(|icon| icon.starts_with('-'));
            }
            ("iconpath", _) => has_path = true,
            _ => {}
        }
    }
    texts.icon = texts.icon.filter(|_| !has_path);
    texts
}

/// The text that an edit sets, as its line of the INF writes it.
fn localized(inf: &Inf, edit: &RegistryEdit) -> Localized {
    let mut entries = inf.sections().iter().flat_map(|section| inf.entries(&section.name));
    let entry = entries.find(|entry| edit.file == inf.name() && entry.line() == edit.line);
    let raw = entry.map(|entry| entry.raw(4).to_owned()).unwrap_or_default();
    let text = match &edit.operation {
        RegistryOperation::Set { data: RegistryData::Sz(text), .. } => text.to_string(),
        _ => String::new(),
    };
    Localized { raw, text }
}
