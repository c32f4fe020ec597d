//! `winkiln bcd enum`.

use winkiln_boot::bcd::{self, ElementValue, Object, Partitions};
use winkiln_guest::{BootKind, HiveName};
use winkiln_hive::Hive;

use super::MOUNT;
use crate::args::boot::EnumArgs;
use crate::args::{Target, split_target, text};
use crate::error::{CliError, Doing as _, Result};
use crate::loose_hive::LooseHive;
use crate::output::Output;
use crate::render::bcd::{Shown, enum_json, enum_text};
use crate::session;

/// Shows entries.
pub(super) fn run(args: &EnumArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let (target, rest) =
        split_target(args.store.store.as_ref(), &args.positional(), &["OBJECT"], 1)?;
    let wanted = match rest.first() {
        Some(argument) => text(argument, "OBJECT")?,
        None => "active".to_owned(),
    };
    let read = |store: &Hive| -> Result<(Vec<Object>, Vec<usize>)> {
        let objects = bcd::objects(store)?;
        let shown = select(store, &objects, &wanted)?;
        Ok((objects, shown))
    };
    let (objects, shown, partitions) = match &target {
        Target::Image(image) => {
            let doing = || format!("cannot read the boot configuration of {}", image.display());
            let mut session = session::open_read_only(image, &args.with.open, output)?;
            let windows = session.windows().doing(doing)?;
            if windows.boot.kind == BootKind::BootIni {
                let name = windows.product_name;
                return Err(CliError::failed(format!(
                    "{name} boots by boot.ini, not by a BCD store"
                ))
                .hint("use `winkiln bootini show`"));
            }
            let (registry, disk) = session.registry().doing(doing)?;
            let (objects, shown) =
                read(registry.hive(disk, &HiveName::Bcd).doing(doing)?).doing(doing)?;
            // Drive letters are a nicety: a guest without a SYSTEM hive has a store nevertheless.
            let partitions = winkiln_guest::boot_partitions(disk, registry)
                .unwrap_or_else(|_| winkiln_guest::partitions_of(disk.table()));
            session::warn_of_recovered(&mut session, output);
            (objects, shown, partitions)
        }
        Target::Loose(file) => {
            let doing = || format!("cannot read boot configuration store {}", file.display());
            let store = LooseHive::open_read_only(file, Some(MOUNT), output)?;
            let (objects, shown) = read(store.hive()).doing(doing)?;
            (objects, shown, Partitions::default())
        }
    };
    let shown: Vec<&Object> = shown.iter().filter_map(|index| objects.get(*index)).collect();
    output.data(&enum_json(&shown, &partitions), || {
        enum_text(
            &shown,
            &Shown { objects: &objects, partitions: &partitions, guids: output.is_verbose() },
        )
    })
}

/// Indices of the objects asked for.
fn select(store: &Hive, objects: &[Object], wanted: &str) -> Result<Vec<usize>> {
    if let Some(kinds) = kinds_of(wanted) {
        // bcdedit shows programs first, then what they inherit, then devices; within a kind in the order of the store.
        let mut found: Vec<usize> =
            (0..objects.len()).filter(|index| kinds(objects[*index].kind)).collect();
        found.sort_by_key(|index| order_of(objects[*index].kind));
        return Ok(found);
    }
    if wanted.eq_ignore_ascii_case("active") {
        let boot_menu = boot_menu(objects);
        // A store without a boot manager has no menu; all of it is what there is.
        return Ok(if boot_menu.is_empty() { (0..objects.len()).collect() } else { boot_menu });
    }
    let key = bcd::find_object(store, wanted)?;
    let guid = store.info(key)?.name;
    let found = objects.iter().position(|object| object.guid.eq_ignore_ascii_case(&guid));
    found.map(|index| vec![index]).ok_or_else(|| CliError::failed(format!("no object {wanted}")))
}

/// Tells whether an object's type is one of those asked for.
type IsKind = fn(u32) -> bool;

/// The kinds of objects that a word of `bcdedit /enum` means, by object type.
fn kinds_of(word: &str) -> Option<IsKind> {
    let words: [(&str, IsKind); 7] = [
        ("all", |_| true),
        ("firmware", |kind| matches!(kind, 0x1010_0001 | 0x1010_0002 | 0x101F_FFFF)),
        ("bootmgr", |kind| matches!(kind, 0x1010_0001 | 0x1010_0002)),
        ("osloader", |kind| matches!(kind, 0x1020_0003 | 0x1030_0006)),
        ("resume", |kind| kind == 0x1020_0004),
        ("inherit", |kind| kind >> 28 == 2),
        ("bootapp", |kind| matches!(kind >> 20, 0x102) && !matches!(kind & 0xFFFFF, 3 | 4)),
    ];
    words.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, kinds)| *kinds)
}

/// The place of a kind among the others: the firmware's applications stand behind the boot managers.
fn order_of(kind: u32) -> (u32, u32) {
    match kind {
        0x1010_0001 | 0x1010_0002 => (0, kind),
        0x101F_FFFF => (1, kind),
        _ if kind >> 28 == 1 => (2, kind),
        _ => (3, kind),
    }
}

/// The boot manager and the entries of its display order.
fn boot_menu(objects: &[Object]) -> Vec<usize> {
    let Some(manager) = objects.iter().position(|object| object.kind == 0x1010_0002) else {
        return Vec::new();
    };
    let mut shown = vec![manager];
    for element in &objects[manager].elements {
        if let (0x2400_0001, ElementValue::ObjectList(order)) = (element.id, &element.value) {
            for guid in order {
                let entry =
                    objects.iter().position(|object| object.guid.eq_ignore_ascii_case(guid));
                shown.extend(entry.filter(|entry| !shown.contains(entry)));
            }
        }
    }
    shown
}
