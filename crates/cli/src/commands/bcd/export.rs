//! `winkiln bcd export`.

use std::path::Path;

use winkiln_guest::HiveName;

use super::MOUNT;
use crate::args::boot_objects::ExportArgs;
use crate::args::{Target, split_target};
use crate::clock;
use crate::error::{CliError, Doing as _, Result};
use crate::loose_hive::LooseHive;
use crate::output::Output;
use crate::session;

/// Writes a copy of the store to a file of the host.
pub(super) fn run(args: &ExportArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let (target, rest) = split_target(args.store.store.as_ref(), &args.positional, &["FILE"], 0)?;
    let file = Path::new(&rest[0]);
    let mut copy = match &target {
        Target::Image(image) => {
            let doing = || format!("cannot read the boot configuration of {}", image.display());
            let mut session = session::open_read_only(image, &args.with.open, output)?;
            let (registry, disk) = session.registry().doing(doing)?;
            let store = registry.hive(disk, &HiveName::Bcd).doing(doing)?;
            let copy = store.compact().doing(doing)?;
            session::warn_of_recovered(&mut session, output);
            copy
        }
        Target::Loose(store) => {
            let loose = LooseHive::open_read_only(store, Some(MOUNT), output)?;
            loose.hive().compact().doing(|| format!("cannot read {}", store.display()))?
        }
    };
    copy.seal(clock::file_time(None)?);
    let bytes = copy.bytes();
    std::fs::write(file, bytes)
        .map_err(|error| CliError::host(format!("cannot write {}", file.display()), &error))?;
    let json = serde_json::json!({ "file": file.display().to_string(), "bytes": bytes.len() });
    output.outcome(&json, || format!("wrote {} ({} bytes)\n", file.display(), bytes.len()))
}
