//! What a new store is made of: the objects of a guest's `BCD-Template`, or those that every store has.
//!
//! Source: stores that Setup wrote for Windows 7, 10 and 11; `BCD-Template` of Windows 10.

use winkiln_hive::Hive;

use super::ids::kind::{BOOT_MANAGER, MEMORY_TESTER, OS_LOADER};
use super::ids::{
    DESCRIPTION, INHERIT, LOCALE, RELATIVE_PATH, RESUME_OBJECT, SYSTEM_ROOT, TIMEOUT, WINPE,
};
use super::store;
use super::value::ElementValue;
use super::{BcdError, alias};

const IN_MEMORY_SETTINGS: u32 = 0x1700_0077;
const ISOLATED_CONTEXT: u32 = 0x1600_0060;

/// Numbers and values of elements.
pub(super) type Elements = Vec<(u32, ElementValue)>;

/// An object to be made.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) guid: String,
    pub(super) kind: u32,
    pub(super) elements: Elements,
}

/// The objects of a new store, without devices, and without what tells them apart.
#[derive(Debug, Clone)]
pub(super) struct Blueprint {
    pub(super) manager: Elements,
    pub(super) loader: Elements,
    pub(super) resume: Elements,
    pub(super) memory_tester: Elements,
    pub(super) settings: Vec<Plan>,
}

impl Blueprint {
    /// Of a guest's template; `None` for a template that has no Windows of that firmware.
    pub(super) fn from_template(template: &Hive, efi: bool) -> Result<Option<Self>, BcdError> {
        let objects = store::objects(template)?;
        let program = if efi { ".efi" } else { ".exe" };
        let starts = |object: &super::Object| {
            let path =
                object.element(RELATIVE_PATH).map(|element| element.to_text().to_lowercase());
            path.is_some_and(|path| path.ends_with(program))
        };
        let loader = objects.iter().find(|object| {
            object.kind == OS_LOADER && starts(object) && object.element(WINPE).is_none()
        });
        let Some(loader) = loader else { return Ok(None) };
        let resume = loader.element(RESUME_OBJECT).and_then(|element| match &element.value {
            ElementValue::Object(guid) => objects.iter().find(|object| object.guid == *guid),
            _ => None,
        });
        let of_kind = |kind: u32| objects.iter().find(|object| object.kind == kind);
        let plain = |object: Option<&super::Object>| -> Elements {
            let elements = object.map(|object| object.elements.as_slice()).unwrap_or_default();
            // What begins with 4 is for Setup alone.
            let kept = elements.iter().filter(|element| element.id >> 28 != 4);
            kept.map(|element| (element.id, element.value.clone())).collect()
        };
        let settings = objects.iter().filter(|object| object.kind >> 28 == 2).map(|object| Plan {
            guid: object.guid.clone(),
            kind: object.kind,
            elements: plain(Some(object)),
        });
        Ok(Some(Self {
            manager: plain(of_kind(BOOT_MANAGER)),
            loader: plain(Some(loader)),
            resume: plain(resume),
            memory_tester: plain(of_kind(MEMORY_TESTER)),
            settings: settings.collect(),
        }))
    }

    /// What Setup of this Windows (such as 6.1) would have made.
    pub(super) fn usual(version: (u32, u32), efi: bool) -> Self {
        let text = |id, text: &str| (id, ElementValue::String(text.to_owned()));
        let yes = |id, yes| (id, ElementValue::Boolean(yes));
        let number = |id, number| (id, ElementValue::Integer(number));
        let inherit = |aliases: &[&str]| {
            let guids = aliases.iter().filter_map(|name| alias::guid_of(name)).map(str::to_owned);
            (INHERIT, ElementValue::ObjectList(guids.collect()))
        };
        let locale = || text(LOCALE, "en-US");
        let mut program = vec![locale()];
        let from_8 = version >= (6, 2);
        if from_8 {
            program.push((IN_MEMORY_SETTINGS, ElementValue::IntegerList(vec![0x1500_0075])));
            if efi {
                program.push(yes(ISOLATED_CONTEXT, true));
            }
        }
        let mut loader = program.clone();
        loader.extend([inherit(&["bootloadersettings"]), number(0x2500_0020, 0)]);
        let mut resume = program;
        resume.extend([
            inherit(&["resumeloadersettings"]),
            text(DESCRIPTION, "Windows Resume Application"),
            text(SYSTEM_ROOT, r"\hiberfil.sys"),
            yes(0x2600_0006, false),
        ]);
        if from_8 {
            loader.push(number(0x2500_00C2, 1));
            resume.push(number(0x2500_0008, 1));
        }
        let settings: &[(&str, u32, Elements)] = &[
            ("emssettings", 0x2010_0000, vec![yes(0x1600_0020, !from_8)]),
            (
                "dbgsettings",
                0x2010_0000,
                if from_8 {
                    vec![number(0x1500_0011, 4)]
                } else {
                    vec![
                        number(0x1500_0011, 0),
                        number(0x1500_0013, 1),
                        number(0x1500_0014, 115_200),
                    ]
                },
            ),
            ("badmemory", 0x2010_0000, Vec::new()),
            (
                "globalsettings",
                0x2010_0000,
                vec![inherit(&["dbgsettings", "emssettings", "badmemory"])],
            ),
            (
                "bootloadersettings",
                0x2020_0003,
                vec![inherit(&["globalsettings", "hypervisorsettings"])],
            ),
            (
                "hypervisorsettings",
                0x2020_0003,
                vec![number(0x2500_00F3, 0), number(0x2500_00F4, 1), number(0x2500_00F5, 115_200)],
            ),
            ("resumeloadersettings", 0x2020_0004, vec![inherit(&["globalsettings"])]),
        ];
        let settings = settings.iter().filter_map(|(name, kind, elements)| {
            let guid = alias::guid_of(name)?.to_owned();
            Some(Plan { guid, kind: *kind, elements: elements.clone() })
        });
        Self {
            manager: vec![locale(), inherit(&["globalsettings"]), number(TIMEOUT, 30)],
            loader,
            resume,
            memory_tester: vec![locale(), inherit(&["globalsettings"]), yes(0x1600_000B, true)],
            settings: settings.collect(),
        }
    }
}
