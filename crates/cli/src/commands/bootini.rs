//! `winkiln bootini`.

mod menu;
mod show;
mod switch;

use std::path::Path;

use winkiln_bake::Session;
use winkiln_boot::boot_ini::{BootIni, BootIniError};
use winkiln_guest::BootKind;

use crate::args::Deferred;
use crate::args::boot::BootIniCommand;
use crate::error::{CliError, Doing as _, Result};

/// NTLDR reads no more than a few KiB.
const BOOT_INI_BYTES_MAX: u64 = 1 << 20;

/// Runs a `boot.ini` command.
pub(super) fn run(command: BootIniCommand) -> Result<()> {
    match command {
        BootIniCommand::Show(Deferred(args)) => show::run(&args),
        BootIniCommand::AddSwitch(Deferred(args)) => switch::add(&args),
        BootIniCommand::RemoveSwitch(Deferred(args)) => switch::remove(&args),
        BootIniCommand::Default(Deferred(args)) => menu::set_default(&args),
        BootIniCommand::Timeout(Deferred(args)) => menu::set_timeout(&args),
        BootIniCommand::Copy(Deferred(args)) => menu::copy(&args),
    }
}

/// Reads the guest's `boot.ini`.
fn read(session: &mut Session, image: &Path) -> Result<BootIni> {
    let doing = || format!("cannot read boot.ini of {}", image.display());
    let windows = session.windows().doing(doing)?;
    let (BootKind::BootIni, Some((volume, path))) = (windows.boot.kind, &windows.boot.file) else {
        let name = windows.product_name;
        return Err(CliError::failed(format!("{name} does not boot by boot.ini"))
            .hint("Vista and later start from a BCD store: use `winkiln bcd enum`"));
    };
    let volume = session.disk().volume(*volume).doing(doing)?;
    let bytes = volume.read(path, BOOT_INI_BYTES_MAX).doing(doing)?;
    let parsed = BootIni::parse(&bytes);
    let is_utf16 = matches!(parsed, Err(BootIniError::Utf16));
    parsed.doing(doing).map_err(|error| match is_utf16 {
        true => error.hint("`winkiln doctor IMAGE --fix` writes it in the guest's code page"),
        false => error,
    })
}

/// Refuses the number of an entry that is not there.
fn check_entry(session: &mut Session, image: &Path, number: u32) -> Result<()> {
    let entries = read(session, image)?.entries().len();
    if number as usize <= entries {
        return Ok(());
    }
    Err(CliError::usage(format!(
        "boot.ini of {} has no entry {number}, it holds {}",
        image.display(),
        if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") }
    ))
    .hint("`winkiln bootini show` numbers them"))
}
