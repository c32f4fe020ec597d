//! The names that `bcdedit` has for well-known objects.
//!
//! Source: `bcdedit /? id`; Microsoft's BCD reference, "Well-known objects".

/// GUID and alias. An object is shown by the first alias of its GUID; any is understood.
const WELL_KNOWN: &[(&str, &str)] = &[
    ("{9dea862c-5cdd-4e70-acc1-f32b344d4795}", "{bootmgr}"),
    ("{a5a30fa2-3d06-4e9f-b5f4-a01df9d1fcba}", "{fwbootmgr}"),
    ("{b2721d73-1db4-4c62-bf78-c548a880142d}", "{memdiag}"),
    ("{466f5a88-0af2-4f76-9038-095b170dc21c}", "{ntldr}"),
    ("{466f5a88-0af2-4f76-9038-095b170dc21c}", "{legacy}"),
    ("{7ea2e1ac-2e61-4728-aaa3-896d9d0a9f0e}", "{globalsettings}"),
    ("{6efb52bf-1766-41db-a6b3-0ee5eff72bd7}", "{bootloadersettings}"),
    ("{1afa9c49-16ab-4a5c-901b-212802da9460}", "{resumeloadersettings}"),
    ("{4636856e-540f-4170-a130-a84776f4c654}", "{dbgsettings}"),
    ("{0ce4991b-e6b3-4b16-b23c-5e0d9250e5d9}", "{emssettings}"),
    ("{5189b25c-5558-4bf2-bca4-289b11bd29e2}", "{badmemory}"),
    ("{7ff607e0-4395-11db-b0de-0800200c9a66}", "{hypervisorsettings}"),
    ("{313e8eed-7098-4586-a9bf-309c61f8d449}", "{kerneldbgsettings}"),
    ("{ae5534e0-a924-466c-b836-758539a3ee3a}", "{ramdiskoptions}"),
];

/// GUID of the boot manager.
pub(super) const BOOTMGR: &str = "{9dea862c-5cdd-4e70-acc1-f32b344d4795}";

/// `bcdedit`'s alias for a well-known object, such as `{bootmgr}`.
///
/// `{default}` depends on the store and is not among them.
#[must_use]
pub fn alias_of(guid: &str) -> Option<&'static str> {
    WELL_KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(guid)).map(|(_, alias)| *alias)
}

/// The GUID that an alias stands for. Braces may be left out.
pub(super) fn guid_of(alias: &str) -> Option<&'static str> {
    let name = unbraced(alias);
    WELL_KNOWN
        .iter()
        .find(|(_, known)| unbraced(known).eq_ignore_ascii_case(name))
        .map(|(guid, _)| *guid)
}

/// Tells whether `name` means the default entry of the boot manager.
///
/// `{current}` is the running system's entry; a store that is not running has only its default one.
pub(super) fn is_default(name: &str) -> bool {
    ["default", "current"].iter().any(|alias| unbraced(name).eq_ignore_ascii_case(alias))
}

/// `name` as a GUID in lower case with braces, when it is one.
pub(super) fn as_guid(name: &str) -> Option<String> {
    let body = unbraced(name);
    let dashes = [8, 13, 18, 23];
    let well_formed = body.len() == 36
        && body.bytes().enumerate().all(|(at, byte)| {
            if dashes.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() }
        });
    well_formed.then(|| format!("{{{}}}", body.to_ascii_lowercase()))
}

fn unbraced(name: &str) -> &str {
    name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_go_both_ways() {
        for (guid, alias) in WELL_KNOWN {
            assert_eq!(guid_of(alias), Some(*guid));
            assert_eq!(as_guid(guid).as_deref(), Some(*guid), "written in lower case");
        }
        assert_eq!(alias_of("{9DEA862C-5CDD-4E70-ACC1-F32B344D4795}"), Some("{bootmgr}"));
        assert_eq!(alias_of("{466f5a88-0af2-4f76-9038-095b170dc21c}"), Some("{ntldr}"));
        assert_eq!(guid_of("BootMgr"), Some(BOOTMGR));
        assert_eq!(guid_of("{default}"), None);
        assert!(is_default("{Default}") && is_default("current") && !is_default("{bootmgr}"));
    }

    #[test]
    fn only_guids_are_guids() {
        assert!(as_guid("9DEA862C-5CDD-4E70-ACC1-F32B344D4795").is_some());
        for bad in [
            "",
            "{}",
            "{9dea862c-5cdd-4e70-acc1-f32b344d479}",
            "{9dea862c-5cdd-4e70-acc1-f32b344d479g}",
            "9dea862c+5cdd-4e70-acc1-f32b344d4795",
        ] {
            assert_eq!(as_guid(bad), None, "{bad}");
        }
    }
}
