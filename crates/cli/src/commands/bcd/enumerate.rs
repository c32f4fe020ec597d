//! `winkiln bcd enum`.

use winkiln_boot::bcd::{self, ElementValue, Object};
use winkiln_guest::{BootKind, HiveName};
use winkiln_hive::Hive;

use super::MOUNT;
use crate::args::boot::EnumArgs;
use crate::args::{Target, split_target, text};
use crate::error::{CliError, Doing as _, Result};
use crate::loose_hive::LooseHive;
use crate::output::Output;
use crate::render::bcd::{enum_json, enum_text};
use crate::session;

/// Shows entries.
pub(super) fn run(args: &EnumArgs) -> Result<()> {
    let output = Output::new(&args.output);
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
    let (objects, shown) = match &target {
        Target::Image(image) => {
            let doing = || format!("cannot read the boot configuration of {}", image.display());
            let mut session = session::open_read_only(image, &args.open, output)?;
            let windows = session.windows().doing(doing)?;
            if windows.boot.kind == BootKind::BootIni {
                let name = windows.product_name;
                return Err(CliError::failed(format!(
                    "{name} boots by boot.ini, not by a BCD store"
                ))
                .hint("use `winkiln bootini show`"));
            }
            let (registry, disk) = session.registry().doing(doing)?;
            let found = read(registry.hive(disk, &HiveName::Bcd).doing(doing)?).doing(doing)?;
            session::warn_of_recovered(&mut session, output);
            found
        }
        Target::Loose(file) => {
            let doing = || format!("cannot read boot configuration store {}", file.display());
            let store = LooseHive::open_read_only(file, Some(MOUNT), output)?;
            read(store.hive()).doing(doing)?
        }
    };
    let shown: Vec<&Object> = shown.iter().filter_map(|index| objects.get(*index)).collect();
    output.data(&enum_json(&shown), || enum_text(&shown, &objects, output.is_verbose()))
}

/// Indices of the objects asked for.
fn select(store: &Hive, objects: &[Object], wanted: &str) -> Result<Vec<usize>> {
    if wanted.eq_ignore_ascii_case("all") {
        return Ok((0..objects.len()).collect());
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
