//! What a package leaves in a guest that installs it, by its INF: what removing it has to look at.

use std::collections::HashSet;

use crate::Package;
use crate::inf::{
    ENTRIES_MAX, Install, NoIncludes, RegistryEdit, RegistryOperation, RegistryRoot, Text,
};
use crate::package::DEFAULT_INSTALL;
use crate::staging::{Guest, Places, join};

/// What a package leaves in a guest. What INFs of Windows that it includes bring is Windows' own, and not among it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Services that it makes.
    pub services: Vec<String>,
    /// Keys of event logs below `Services\EventLog`, such as `System\viostor`.
    pub event_logs: Vec<String>,
    /// Files that it copies out of its folder, as paths on the guest's volume.
    pub files: Vec<String>,
    /// Strings that it adds to lists which are not its own.
    pub strings: Vec<AddedStrings>,
}

/// Strings that a package adds to a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedStrings {
    /// Full name of the key.
    pub key: String,
    /// The value's name.
    pub name: String,
    /// The strings.
    pub strings: Vec<String>,
}

impl Package {
    /// What the package leaves in a guest. An entry that cannot be understood is passed over: Windows would not have taken it.
    #[must_use]
    pub fn footprint(&self, guest: &Guest) -> Footprint {
        let architecture = guest.target.architecture;
        let fit = self.fit(&guest.target);
        let sections = match &fit {
            Ok(fit) => fit.sections.clone(),
            // It was installed when Windows was another one.
            Err(_) => self
                .models_sections()
                .filter(|section| section.decoration.architecture() == Some(architecture))
                .collect(),
        };
        let models = sections.iter().flat_map(|section| &section.models);
        let models = models.map(|model| model.install_section.as_str());
        let by_default = self.has_default_install().then_some(DEFAULT_INSTALL);
        let mut known = HashSet::new();
        let mut left = ENTRIES_MAX;
        let mut footprint = Footprint::default();
        let mut names = Names::default();
        for name in models.chain(by_default) {
            if !known.insert(name.to_ascii_lowercase()) {
                continue;
            }
            let install = self.inf().install_within(name, architecture, &NoIncludes, &mut left);
            if let Ok(install) = install {
                footprint.take(&install, guest, &mut names);
            }
        }
        if footprint.services.is_empty() {
            footprint.services = self.services();
        }
        footprint
    }
}

impl Footprint {
    fn take(&mut self, install: &Install, guest: &Guest, names: &mut Names) {
        let places = Places::new(guest, "");
        let edits = install.registry.iter().chain(&install.hardware_registry);
        self.strings.extend(edits.filter_map(|edit| added(edit, &places)));
        for service in &install.services {
            add(&mut self.services, &mut names.services, service.name.clone());
            self.strings.extend(service.registry.iter().filter_map(|edit| added(edit, &places)));
            if let Some(log) = &service.event_log {
                let log = join(&log.log, &log.name);
                add(&mut self.event_logs, &mut names.event_logs, log);
            }
        }
        for copy in &install.files {
            // What stays in the package's folder goes with it.
            let Some(root) = places.folder(copy.destination.folder) else { continue };
            let below = places.expand(&copy.destination.subfolder);
            if let Ok(below) = below
                && copy.destination.folder != crate::inf::Folder::DRIVER_STORE
            {
                let path = join(&join(&root, &below), &copy.name);
                add(&mut self.files, &mut names.files, path);
            }
        }
    }
}

/// What is listed already, in lower case.
#[derive(Default)]
struct Names {
    services: HashSet<String>,
    event_logs: HashSet<String>,
    files: HashSet<String>,
}

/// Adds a name once, in any case.
fn add(list: &mut Vec<String>, known: &mut HashSet<String>, name: String) {
    if known.insert(name.to_ascii_lowercase()) {
        list.push(name);
    }
}

/// Strings that an edit adds to a list in a key that is named in full.
fn added(edit: &RegistryEdit, places: &Places<'_>) -> Option<AddedStrings> {
    let RegistryOperation::Append { name, strings } = &edit.operation else { return None };
    if edit.root != RegistryRoot::LocalMachine {
        return None;
    }
    let plain = |text: &Text| places.expand(text).ok();
    let key = format!(r"HKLM\{}", plain(&edit.key)?);
    let strings = strings.iter().map(plain).collect::<Option<Vec<_>>>()?;
    Some(AddedStrings { key, name: plain(name)?, strings })
}
