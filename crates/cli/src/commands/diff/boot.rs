//! What differs in the boot configuration.

use std::collections::{HashMap, HashSet};

use winkiln_bake::{Change, Session};
use winkiln_boot::bcd::{self, Object, StoreChange};
use winkiln_guest::{BootKind, HiveName};

use crate::commands::bcd::told;
use crate::error::{Doing as _, Result};
use crate::output::Output;

/// No `boot.ini` is longer.
const BOOT_INI_BYTES_MAX: u64 = 1 << 20;

/// An element of a store, a whole entry, or a line of `boot.ini`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BootDifference {
    /// `{guid}` and element, `{guid}` alone for an entry, or `boot.ini`.
    pub(crate) target: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

/// Compares the boot configurations of two Windows.
pub(super) fn compare(
    a: &mut Session,
    b: &mut Session,
    output: Output,
) -> Result<Vec<BootDifference>> {
    let doing = || "cannot compare the boot configuration".to_owned();
    let kinds = [a.windows().doing(doing)?.boot.kind, b.windows().doing(doing)?.boot.kind];
    match kinds {
        [BootKind::BootIni, BootKind::BootIni] => Ok(lines(&boot_ini(a)?, &boot_ini(b)?)),
        [BootKind::Bcd, BootKind::Bcd] => Ok(objects(&store(a)?, &store(b)?)),
        [a, b] if a == b => Ok(Vec::new()),
        _ => {
            output.warn("one boots by boot.ini, the other by a BCD store: not compared");
            Ok(Vec::new())
        }
    }
}

fn boot_ini(session: &mut Session) -> Result<Vec<String>> {
    let doing = || "cannot read boot.ini".to_owned();
    let Some((volume, path)) = session.windows().doing(doing)?.boot.file else {
        return Ok(Vec::new());
    };
    let volume = session.disk().volume(volume).doing(doing)?;
    let bytes = volume.read(&path, BOOT_INI_BYTES_MAX).doing(doing)?;
    Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
}

/// The lines between the first and the last that differ.
fn lines(a: &[String], b: &[String]) -> Vec<BootDifference> {
    let head = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[head..], &b[head..]);
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let line = |before: Option<&String>, after: Option<&String>| BootDifference {
        target: "boot.ini".to_owned(),
        before: before.cloned(),
        after: after.cloned(),
    };
    let gone = a[..a.len() - tail].iter().map(|text| line(Some(text), None));
    gone.chain(b[..b.len() - tail].iter().map(|text| line(None, Some(text)))).collect()
}

fn store(session: &mut Session) -> Result<Vec<Object>> {
    let doing = || "cannot read the boot configuration".to_owned();
    let (registry, disk) = session.registry().doing(doing)?;
    bcd::objects(registry.hive(disk, &HiveName::Bcd).doing(doing)?).doing(doing)
}

fn objects(a: &[Object], b: &[Object]) -> Vec<BootDifference> {
    let objects = || a.iter().chain(b);
    let names: HashMap<&str, &str> = objects()
        .map(|object| (&*object.guid, object.alias.as_deref().unwrap_or(&object.guid)))
        .collect();
    let changes = bcd::changes(a, b);
    let whole: HashSet<&str> = changes
        .iter()
        .filter(|change| matches!(change, StoreChange::Object { .. }))
        .map(StoreChange::object)
        .collect();
    changes
        .iter()
        // What an entry that came or went is made of is not told one by one.
        .filter(|change| {
            matches!(change, StoreChange::Object { .. }) || !whole.contains(change.object())
        })
        .map(|change| {
            let guid = change.object();
            let Change { target, before, after, .. } =
                told(change, names.get(guid).copied().unwrap_or(guid));
            BootDifference { target, before, after }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_differ_are_told() {
        let text = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let found = lines(&text(&["a", "b", "c"]), &text(&["a", "x", "y", "c"]));
        let told: Vec<_> =
            found.iter().map(|one| (one.before.as_deref(), one.after.as_deref())).collect();
        assert_eq!(told, [(Some("b"), None), (None, Some("x")), (None, Some("y"))]);
        assert_eq!(lines(&text(&["a", "a"]), &text(&["a"])).len(), 1);
        assert_eq!(lines(&text(&["a"]), &text(&["a"])), []);
    }
}
