//! `winkiln bcd deletevalue`.

use winkiln_bake::Step;
use winkiln_boot::bcd;

use super::edit_loose;
use crate::args::boot::DeleteValueArgs;
use crate::args::{Target, split_target, text};
use crate::error::Result;
use crate::output::Output;
use crate::session;

/// Deletes an element.
pub(super) fn run(args: &DeleteValueArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let names = ["OBJECT", "ELEMENT"];
    let (target, rest) = split_target(args.store.store.as_ref(), &args.positional(), &names, 0)?;
    let object = text(&rest[0], names[0])?;
    let element = text(&rest[1], names[1])?;
    let report = match &target {
        Target::Image(image) => {
            let session = session::open(image, &args.with.open, &args.with.write)?;
            session::bake(session, &[Step::BcdDelete { object, element }], image, output)?
        }
        Target::Loose(file) => edit_loose(file, &args.with.write, |store, now| {
            bcd::delete_value(store, &object, &element, now)
        })?,
    };
    output.report(&report, None)
}
