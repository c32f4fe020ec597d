//! What Windows itself has: services and files that its own INFs name.

use std::collections::{BTreeMap, HashSet};

use winkiln_drivers::inf::Inf;
use winkiln_drivers::staging::Guest;

use super::super::Session;
use super::super::guest_infs::is_published;
use super::Removal;
use crate::BakeError;

/// Names in lower case, with the INF of Windows that has each.
#[derive(Default)]
pub(super) struct InBox {
    services: BTreeMap<String, String>,
    files: BTreeMap<String, String>,
    /// There are INFs of Windows to look into.
    pub(super) has_infs: bool,
}

impl InBox {
    /// The INF of Windows that makes a service.
    pub(super) fn service(&self, name: &str) -> Option<&str> {
        self.services.get(&name.to_lowercase()).map(String::as_str)
    }

    /// The INF of Windows that names a file.
    pub(super) fn file(&self, path: &str) -> Option<&str> {
        self.files.get(&file_name(path)).map(String::as_str)
    }
}

fn file_name(path: &str) -> String {
    path.rsplit('\\').next().unwrap_or_default().to_lowercase()
}

impl Session {
    /// Looks for what goes in the INFs of Windows.
    pub(super) fn in_box(&mut self, removal: &Removal, guest: &Guest) -> Result<InBox, BakeError> {
        let mut in_box = InBox::default();
        let mut services: Vec<String> =
            removal.leftovers.iter().map(|name| name.to_lowercase()).collect();
        let mut files = Vec::new();
        for (installed, footprint) in removal.packages.iter().zip(&removal.footprints) {
            services.extend(installed.services.iter().map(|name| name.to_lowercase()));
            files.extend(footprint.files.iter().map(|path| file_name(path)));
        }
        for service in &services {
            let file = self.service(service, guest)?.and_then(|service| service.file);
            files.extend(file.map(|path| file_name(&path)));
        }
        if services.is_empty() && files.is_empty() {
            return Ok(in_box);
        }
        let own: HashSet<String> = removal
            .footprints
            .iter()
            .flat_map(|footprint| &footprint.files)
            .map(|path| path.to_lowercase())
            .collect();
        let volume = self.windows()?.volume;
        let folder = format!(r"{}\INF", guest.system_root);
        let options = self.inf_options()?;
        for name in self.file_names(volume, &folder)? {
            if !name.to_ascii_lowercase().ends_with(".inf") || is_published(&name) {
                continue;
            }
            let path = format!(r"{folder}\{name}");
            // A package may put its INF there under its own name.
            if own.contains(&path.to_lowercase()) {
                continue;
            }
            let bytes = self.inf_bytes(&path)?;
            in_box.has_infs = true;
            let text = plain(&bytes);
            if !services.iter().chain(&files).any(|wanted| text.contains(wanted.as_str())) {
                continue;
            }
            let Ok(inf) = Inf::parse(&name, &bytes, &options) else { continue };
            take(&mut in_box, &inf, &services, &files);
        }
        Ok(in_box)
    }
}

fn take(in_box: &mut InBox, inf: &Inf, services: &[String], files: &[String]) {
    for section in inf.sections() {
        for entry in inf.entries(&section.name) {
            let key = entry.key();
            if key == "addservice" {
                let service = entry.string(0).to_lowercase();
                if services.contains(&service) {
                    in_box.services.entry(service).or_insert_with(|| inf.name().to_owned());
                }
            }
            for word in entry.strings().map(|word| word.to_lowercase()).chain([key]) {
                let word = word.trim_start_matches('@').to_owned();
                if files.contains(&word) {
                    in_box.files.entry(word).or_insert_with(|| inf.name().to_owned());
                }
            }
        }
    }
}

/// Text in lower case, good enough to look for names in it.
fn plain(bytes: &[u8]) -> String {
    let text = match bytes.strip_prefix(&[0xFF, 0xFE]) {
        Some(units) => {
            let units: Vec<u16> =
                units.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        None => String::from_utf8_lossy(bytes).into_owned(),
    };
    text.to_lowercase()
}
