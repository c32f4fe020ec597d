//! Words that the boot loader hands to the kernel and drivers: `boot.ini` switches, or `loadoptions` of a BCD store.

use winkiln_guest::{Architecture, BootKind};

use super::plan::Planner;
use crate::BakeError;
use crate::facts::Loader;
use crate::step::{Step, has_load_option};

pub(super) const SWITCH_EXPECTED: &str = "a switch such as /3GB or /userva=2900";

/// A slash and printable ASCII without spaces, quotes and further slashes.
pub(super) fn is_switch(argument: &str) -> bool {
    argument.strip_prefix('/').is_some_and(|word| {
        !word.is_empty()
            && word.len() <= 120
            && word.chars().all(|letter| letter.is_ascii_graphic() && !"/\"".contains(letter))
    })
}

pub(super) fn boot_switch(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    let switch = planner.argument.unwrap_or_default().to_owned();
    match planner.facts.boot {
        BootKind::BootIni => planner.step(Step::BootIniAddSwitch { entry: None, switch }),
        BootKind::Bcd => {
            let word = switch.trim_start_matches('/').to_owned();
            add_load_option(planner, &word)?;
            planner.warn(&format!(
                "{word} goes into loadoptions, which drivers read; settings of Windows itself have BCD elements (`winkiln bcd set`)"
            ));
        }
        BootKind::Missing => return Err(no_boot(planner)),
    }
    Ok(())
}

/// GPLPV up to 0.9 load only with `/gplpv`; later ones ignore it.
pub(super) fn gplpv(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    match planner.facts.boot {
        BootKind::BootIni => planner.step(Step::BootIniDefaultCopy {
            description_suffix: " (PV drivers)".to_owned(),
            switch: "/gplpv".to_owned(),
        }),
        // Drivers compare with capitals; NTLDR capitalises boot.ini switches, winload hands loadoptions on as they are.
        BootKind::Bcd => add_load_option(planner, "GPLPV")?,
        BootKind::Missing => return Err(no_boot(planner)),
    }
    Ok(())
}

/// Physical address extension: more than 4 GiB on 32-bit Windows.
pub(super) fn pae(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    match planner.facts.architecture {
        Architecture::X86 => {}
        Architecture::Unknown => {
            return Err(planner.not_for_guest("its architecture could not be read").into());
        }
        _ => {
            planner.warn("nothing to do: a 64-bit Windows always uses it");
            return Ok(());
        }
    }
    match planner.facts.boot {
        BootKind::BootIni => {
            planner.step(Step::BootIniAddSwitch { entry: None, switch: "/PAE".to_owned() });
        }
        BootKind::Bcd => {
            for loader in loaders(planner)? {
                planner.element(&loader.guid, "pae", "ForceEnable");
            }
        }
        BootKind::Missing => return Err(no_boot(planner)),
    }
    Ok(())
}

/// Adds a word to the options of every Windows loader.
fn add_load_option(planner: &mut Planner<'_>, word: &str) -> Result<(), BakeError> {
    for Loader { guid, load_options } in loaders(planner)? {
        if has_load_option(&load_options, &format!("NO{word}")) {
            planner.warn(&format!("loadoptions of {guid} hold NO{word}, which wins over {word}"));
        }
        planner.step(Step::BcdAddLoadOption { object: guid, word: word.to_owned() });
    }
    Ok(())
}

fn loaders(planner: &mut Planner<'_>) -> Result<Vec<Loader>, BakeError> {
    let loaders = planner.lookup.loaders()?;
    if loaders.is_empty() {
        return Err(planner.not_for_guest("its boot configuration starts no Windows").into());
    }
    Ok(loaders)
}

fn no_boot(planner: &Planner<'_>) -> BakeError {
    planner.not_for_guest("neither boot.ini nor a BCD store was found").into()
}
