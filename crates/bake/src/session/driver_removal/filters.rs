//! Filters, and devices that Windows met: what names a service that goes.

use winkiln_hive::{Value, ValueType};

use super::super::Session;
use super::Removal;
use crate::value_text::multi_data;
use crate::{BakeError, Step};

const FILTERS: [&str; 2] = ["UpperFilters", "LowerFilters"];
/// The device is installed anew when Windows meets it.
///
/// Source: Microsoft, regstr.h: CONFIGFLAG_REINSTALL.
const REINSTALL: u32 = 0x20;

impl Session {
    /// Takes services that go out of all lists of filters, those of setup classes first, in every control set; and what the packages added to lists of others.
    pub(super) fn remove_filters(
        &mut self,
        removal: &Removal,
        going: &[String],
    ) -> Result<(), BakeError> {
        for set in self.control_sets()? {
            for (root, depth) in
                [(r"Control\Class", 1), ("Enum", 3), (r"Control\CriticalDeviceDatabase", 1)]
            {
                let root = format!(r"{set}\{root}");
                let found =
                    self.search(&root, depth, |key, values| filtered(key, values, going))?;
                for (key, name) in found {
                    self.drop_strings(&key, name, going)?;
                }
            }
        }
        for added in removal.footprints.iter().flat_map(|footprint| &footprint.strings) {
            // The list may be of a service that goes as a whole.
            self.drop_strings(&added.key, &added.name, &added.strings)?;
        }
        Ok(())
    }

    /// Has Windows install anew the devices whose service goes: the service is taken from them, the rest stays.
    pub(super) fn release_devices(&mut self, going: &[String]) -> Result<(), BakeError> {
        for set in self.control_sets()? {
            let root = format!(r"{set}\Enum");
            let bound = self.search(&root, 3, |key, values| bound_to(key, values, going))?;
            for key in bound {
                let flags = self.dword_of(&key, "ConfigFlags")?.unwrap_or(0) | REINSTALL;
                self.set_value(&key, "ConfigFlags", ValueType::Dword, &flags.to_le_bytes())?;
                self.apply_step(&Step::DeleteValue { key, name: "Service".to_owned() })?;
            }
        }
        Ok(())
    }

    /// Takes strings out of a list; a list with none left goes.
    pub(super) fn drop_strings(
        &mut self,
        key: &str,
        name: &str,
        strings: &[String],
    ) -> Result<(), BakeError> {
        let Some((kind, data)) = self.value_of(key, name)? else { return Ok(()) };
        let mut list = winkiln_hive::strings(&data);
        let before = list.len();
        list.retain(|string| !listed(strings, string));
        if list.len() == before {
            return Ok(());
        }
        if list.is_empty() {
            let (key, name) = (key.to_owned(), name.to_owned());
            return self.apply_step(&Step::DeleteValue { key, name });
        }
        self.set_value(key, name, kind, &multi_data(&list)?)
    }
}

/// The lists of a key that name one of the services.
fn filtered(key: &str, values: &[Value], going: &[String]) -> Vec<(String, &'static str)> {
    let names =
        |value: &Value| winkiln_hive::strings(&value.data).iter().any(|name| listed(going, name));
    let lists = FILTERS.into_iter().filter(|list| {
        values.iter().any(|value| value.name.eq_ignore_ascii_case(list) && names(value))
    });
    lists.map(|list| (key.to_owned(), list)).collect()
}

/// The key, when it binds its device to one of the services.
pub(super) fn bound_to(key: &str, values: &[Value], services: &[String]) -> Vec<String> {
    let service = values.iter().find(|value| value.name.eq_ignore_ascii_case("Service"));
    let service = service.and_then(|value| winkiln_hive::strings(&value.data).into_iter().next());
    let is_bound = service.is_some_and(|service| listed(services, &service));
    if is_bound { vec![key.to_owned()] } else { Vec::new() }
}

fn listed(names: &[String], name: &str) -> bool {
    names.iter().any(|known| known.to_lowercase() == name.to_lowercase())
}
