//! Boot configuration entries, as bcdedit shows them and as JSON.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value as Json, json};
use winkiln_boot::bcd::{Element, ElementValue, Object, Partitions, alias_of};

use crate::render::text::{hex, printable};

/// Class of elements of Setup's templates. Source: Geoff Chappell, "BCD Elements": `/v` alone shows them.
const TEMPLATE: u32 = 4;
/// bcdedit's first column.
const NAME_WIDTH: usize = 24;

/// `bcd enum --json`.
#[derive(Debug, Serialize)]
pub(crate) struct EnumJson {
    objects: Vec<ObjectJson>,
}

#[derive(Debug, Serialize)]
struct ObjectJson {
    guid: String,
    alias: Option<String>,
    heading: String,
    #[serde(rename = "type")]
    kind: String,
    elements: Vec<ElementJson>,
}

#[derive(Debug, Serialize)]
struct ElementJson {
    id: String,
    name: String,
    value: Json,
    text: String,
}

/// The JSON form.
pub(crate) fn enum_json(objects: &[&Object], partitions: &Partitions) -> EnumJson {
    let shown = Shown { objects: &[], partitions, guids: true };
    let element = |element: &Element| ElementJson {
        id: format!("{:#010x}", element.id),
        name: element.name.clone(),
        value: value_json(&element.value),
        text: shown.lines(element).join(" "),
    };
    let object = |object: &&Object| ObjectJson {
        guid: object.guid.clone(),
        alias: object.alias.clone(),
        heading: object.heading.clone(),
        kind: format!("{:#010x}", object.kind),
        elements: object.elements.iter().map(element).collect(),
    };
    EnumJson { objects: objects.iter().map(object).collect() }
}

fn value_json(value: &ElementValue) -> Json {
    match value {
        ElementValue::Device(device) => json!(device.to_text()),
        ElementValue::String(text) | ElementValue::Object(text) => json!(text),
        ElementValue::ObjectList(list) => json!(list),
        ElementValue::Integer(number) => json!(number),
        ElementValue::Boolean(on) => json!(on),
        ElementValue::IntegerList(list) => json!(list),
        ElementValue::Raw(_, bytes) => json!(hex(bytes)),
        #[allow(unreachable_patterns)]
        _ => Json::Null,
    }
}

/// What stands for GUIDs and partitions.
pub(crate) struct Shown<'a> {
    /// Objects of the store.
    pub(crate) objects: &'a [Object],
    /// Drive letters.
    pub(crate) partitions: &'a Partitions,
    /// Identifiers are not replaced by their aliases.
    pub(crate) guids: bool,
}

impl Shown<'_> {
    fn short(&self, guid: &str) -> String {
        if self.guids {
            return guid.to_owned();
        }
        // Well-known ones have their names whether they are there or not.
        let known = self.objects.iter().find(|object| object.guid.eq_ignore_ascii_case(guid));
        let alias = known.and_then(|object| object.alias.as_deref());
        alias.or_else(|| alias_of(guid)).unwrap_or(guid).to_owned()
    }

    /// A value in bcdedit's words, a line for each part of a list.
    fn lines(&self, element: &Element) -> Vec<String> {
        match &element.value {
            ElementValue::Object(guid) => vec![self.short(guid)],
            ElementValue::ObjectList(list) => list.iter().map(|guid| self.short(guid)).collect(),
            ElementValue::Device(device) => {
                vec![
                    device
                        .text_with(&|named| self.partitions.name(named), &|guid| self.short(guid)),
                ]
            }
            _ => element.to_text().lines().map(str::to_owned).collect(),
        }
    }
}

/// The text form.
pub(crate) fn enum_text(objects: &[&Object], shown: &Shown<'_>) -> String {
    let mut text = String::new();
    for object in objects {
        let heading = printable(&object.heading);
        let _ = writeln!(text, "\n{heading}\n{}", "-".repeat(heading.chars().count()));
        line(&mut text, "identifier", &shown.short(&object.guid));
        // Those of Setup's templates are shown to who asks for everything.
        let is_shown = |element: &&Element| shown.guids || element.id >> 28 != TEMPLATE;
        for element in object.elements.iter().filter(is_shown) {
            for (number, value) in shown.lines(element).iter().enumerate() {
                line(&mut text, if number == 0 { &element.name } else { "" }, value);
            }
        }
    }
    text
}

/// A value in bcdedit's words, in one line.
pub(crate) fn one_line(element: &Element) -> String {
    let shown = Shown { objects: &[], partitions: &Partitions::default(), guids: true };
    shown.lines(element).join(" ")
}

fn line(text: &mut String, name: &str, value: &str) {
    let (name, value) = (printable(name), printable(value));
    let _ = writeln!(text, "{}", format!("{name:<NAME_WIDTH$}{value}").trim_end());
}
