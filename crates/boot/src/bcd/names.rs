//! The names that `bcdedit` has for elements.
//!
//! Library elements (first digit 1) mean the same in every object; application elements (2) depend on what the
//! object starts; device elements (3) belong to device options; template elements (4) to Setup's templates.

use std::net::Ipv4Addr;

use super::kind::Application;
use super::library_elements::{DEVICE, LIBRARY, TEMPLATE};
use super::loader_elements::OS_LOADER;
use super::manager_elements::{BOOT_MANAGER, LEGACY, MEMORY_TESTER, RESUME, STARTUP};

/// Number and name.
pub(super) type Name = (u32, &'static str);

/// Elements that are numbers of addresses or masks, which `bcdedit` shows in hexadecimal.
const HEXADECIMAL: &[&str] = &[
    "truncatememory",
    "relocatephysicalmemory",
    "avoidlowmemory",
    "debugaddress",
    "keyringaddress",
    "configflags",
    "kerneldebugaddress",
    "xsaveprocessorsmask",
    "xsaveremovefeature",
];

/// Elements that are addresses of the version 4 of IP, which `bcdedit` shows with dots.
const ADDRESSES: &[&str] = &["hostip", "hypervisorhostip", "kernelhostip"];

/// Of Setup's templates, the one element that `bcdedit` has a name for.
const ELEMENTS_TO_MIGRATE: u32 = 0x4700_0006;

/// The tables in which an element of such an object is looked up.
fn tables(application: Application) -> [&'static [Name]; 3] {
    let own = match application {
        Application::BootManager => BOOT_MANAGER,
        Application::OsLoader => OS_LOADER,
        Application::Resume => RESUME,
        Application::MemoryTester => MEMORY_TESTER,
        Application::Legacy => LEGACY,
        Application::Startup => STARTUP,
        Application::Device => DEVICE,
        Application::Any => &[],
    };
    [own, LIBRARY, TEMPLATE]
}

/// The name of an element; `custom:16000049` when it has none here. Elements of Setup's templates have none in `bcdedit`, but for
/// one.
pub(super) fn name_of(application: Application, id: u32) -> String {
    let [own, library, template] = tables(application);
    let named = template.iter().filter(|(known, _)| *known == ELEMENTS_TO_MIGRATE);
    own.iter()
        .chain(library)
        .chain(named)
        .find(|(known, _)| *known == id)
        .map_or_else(|| format!("custom:{id:08x}"), |(_, name)| (*name).to_owned())
}

/// The element that a name means in such an object. `0x16000049`, `custom:16000049` and `16000049` are numbers.
pub(super) fn id_of(application: Application, name: &str) -> Option<u32> {
    let known = tables(application)
        .into_iter()
        .flatten()
        .find(|(_, known)| known.eq_ignore_ascii_case(name));
    if let Some((id, _)) = known {
        return Some(*id);
    }
    let lower = name.to_ascii_lowercase();
    let digits = ["custom:0x", "custom:", "0x"]
        .iter()
        .find_map(|prefix| lower.strip_prefix(prefix))
        .unwrap_or(&lower);
    if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let id = u32::from_str_radix(digits, 16).ok()?;
    matches!(id >> 28, 1..=5).then_some(id)
}

/// A number as `bcdedit` shows it for the element.
pub(super) fn number_text(name: &str, number: u64) -> String {
    if HEXADECIMAL.contains(&name) {
        format!("{number:#x}")
    } else if let (true, Ok(address)) = (ADDRESSES.contains(&name), u32::try_from(number)) {
        Ipv4Addr::from(address).to_string()
    } else {
        number.to_string()
    }
}

/// A number that is written as `bcdedit` shows it for the element, where that is with dots.
pub(super) fn address(name: &str, text: &str) -> Option<u64> {
    let address: Ipv4Addr = ADDRESSES.contains(&name).then(|| text.parse().ok()).flatten()?;
    Some(u64::from(u32::from(address)))
}

/// The numbers of a list as `bcdedit` shows them: in hexadecimal where it has a name for the element.
pub(super) fn list_text(name: &str, numbers: &[u64]) -> String {
    let show = |number: &u64| match name.starts_with("custom:") {
        true => number.to_string(),
        false => format!("{number:#x}"),
    };
    numbers.iter().map(show).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const ALL: [Application; 8] = [
        Application::BootManager,
        Application::OsLoader,
        Application::Resume,
        Application::MemoryTester,
        Application::Legacy,
        Application::Startup,
        Application::Device,
        Application::Any,
    ];

    #[test]
    fn names_and_numbers_are_unambiguous() {
        for application in ALL {
            let (mut ids, mut names) = (HashSet::new(), HashSet::new());
            for (id, name) in tables(application).into_iter().flatten() {
                assert!(ids.insert(id), "{id:#x} twice in {application:?}");
                assert!(names.insert(name), "{name} twice in {application:?}");
                assert_eq!(id_of(application, &name.to_uppercase()), Some(*id));
                if id >> 28 != 4 || *id == ELEMENTS_TO_MIGRATE {
                    assert_eq!(name_of(application, *id), *name);
                }
            }
        }
        for name in HEXADECIMAL.iter().chain(ADDRESSES) {
            assert!(ALL.iter().any(|application| id_of(*application, name).is_some()), "{name}");
        }
    }

    #[test]
    fn names_depend_on_the_object() {
        assert_eq!(name_of(Application::OsLoader, 0x2200_0002), "systemroot");
        assert_eq!(name_of(Application::Resume, 0x2200_0002), "filepath");
        assert_eq!(name_of(Application::BootManager, 0x2300_0003), "default");
        assert_eq!(name_of(Application::OsLoader, 0x2300_0003), "resumeobject");
        assert_eq!(name_of(Application::Resume, 0x2600_0022), "custom:26000022");
        assert_eq!(name_of(Application::OsLoader, 0x4600_0010), "custom:46000010");
        assert_eq!(id_of(Application::OsLoader, "default"), None);
    }

    #[test]
    fn numbers_are_names_too() {
        for text in ["0x26000022", "26000022", "custom:26000022", "CUSTOM:0x26000022"] {
            assert_eq!(id_of(Application::Any, text), Some(0x2600_0022), "{text}");
        }
        for text in ["", "0x", "0x2600002", "260000222", "+6000022", "06000022", "x"] {
            assert_eq!(id_of(Application::Any, text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_shown_as_bcdedit_does() {
        assert_eq!(number_text("hypervisorhostip", 0xA9FE_FFFF), "169.254.255.255");
        assert_eq!(address("hostip", "169.254.255.255"), Some(0xA9FE_FFFF));
        assert_eq!(address("timeout", "1.2.3.4"), None);
        assert_eq!(number_text("hostip", u64::MAX), u64::MAX.to_string());
        assert_eq!(list_text("allowedinmemorysettings", &[0x1500_0075]), "0x15000075");
        assert_eq!(list_text("custom:47000005", &[0x1200_0004, 6]), "301989892\n6");
    }
}
