//! Differences of hives, as text and as JSON.

use std::fmt::Write as _;

use serde::Serialize;
use winkiln_hive::ValueType;
use winkiln_hive::diff::Differs;

use crate::commands::Compared;
use crate::loose_hive::value_told;
use crate::render::text::printable;

/// `reg diff --json`.
#[derive(Debug, Serialize)]
pub(crate) struct DiffJson {
    pub(crate) differences: Vec<DifferenceJson>,
}

#[derive(Debug, Serialize)]
pub(crate) struct DifferenceJson {
    /// `key-added`, `key-removed`, `value`, `class`.
    kind: &'static str,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

/// The JSON form.
pub(crate) fn json(compared: &[Compared]) -> DiffJson {
    let mut differences = Vec::new();
    for Compared { prefix, secret, differences: found } in compared {
        for difference in found {
            let (kind, name, before, after) = match &difference.what {
                Differs::KeyAdded => ("key-added", None, None, Some("key".to_owned())),
                Differs::KeyRemoved => ("key-removed", None, Some("key".to_owned()), None),
                Differs::Value { name, before, after } => {
                    let data = |value: &Option<_>| data(*secret, name, value.as_ref());
                    ("value", Some(name.clone()), data(before), data(after))
                }
                Differs::Class { before, after } => ("class", None, before.clone(), after.clone()),
            };
            let key = full(prefix, &difference.key);
            differences.push(DifferenceJson { kind, key, name, before, after });
        }
    }
    DiffJson { differences }
}

/// The text form: keys and values that only the second has with `+`, those that only the first has with `-`, others with `~`.
pub(crate) fn text(compared: &[Compared]) -> String {
    let mut text = String::new();
    for Compared { prefix, secret, differences } in compared {
        let mut current = None;
        for difference in differences {
            let key = printable(&full(prefix, &difference.key)).into_owned();
            let added = matches!(difference.what, Differs::KeyAdded);
            let removed = matches!(difference.what, Differs::KeyRemoved);
            if current.as_ref() != Some(&key) {
                let sign = if added {
                    '+'
                } else if removed {
                    '-'
                } else {
                    ' '
                };
                let _ = writeln!(text, "{sign} [{key}]");
                current = Some(key);
            }
            let line = match &difference.what {
                Differs::KeyAdded | Differs::KeyRemoved => continue,
                Differs::Value { name, before, after } => {
                    let data = |value: &Option<_>| data(*secret, name, value.as_ref());
                    let (before, after) = (data(before), data(after));
                    let name = if name.is_empty() { "(Default)" } else { name };
                    match (before, after) {
                        (None, after) => format!("+     {name}    {}", after.unwrap_or_default()),
                        (before, None) => format!("-     {name}    {}", before.unwrap_or_default()),
                        (Some(before), Some(after)) => {
                            format!("~     {name}    {before} -> {after}")
                        }
                    }
                }
                Differs::Class { before, after } => {
                    let shown =
                        |class: &Option<String>| class.clone().unwrap_or_else(|| "none".into());
                    format!("~     class name    {} -> {}", shown(before), shown(after))
                }
            };
            let _ = writeln!(text, "{}", printable(&line));
        }
    }
    text
}

fn full(prefix: &str, key: &str) -> String {
    if key.is_empty() { prefix.to_owned() } else { format!("{prefix}\\{key}") }
}

/// What a value holds, without secrets, as reports tell it.
fn data(secret: bool, name: &str, value: Option<&(ValueType, Vec<u8>)>) -> Option<String> {
    value.map(|(kind, data)| value_told(secret, name, *kind, data))
}
